"""What can go wrong, without a word of gRPC.

One table in ``service.rpc.status`` turns these into status codes, one in
``service.cli`` into exit codes. ``reason`` is the stable name a program may
test; the message is for people and never holds paths or other errors' texts.

    SvodkaError
    ├── InvalidRequest          the caller's input; fix it and send again
    │   ├── TooLarge            over a limit
    │   ├── EmptyArticle        nothing left after cleaning
    │   └── NotEnglish          nothing English to read
    ├── Unauthenticated         no credential, or an unknown one
    ├── PermissionRefused       a known caller, not allowed this
    ├── Overloaded              no room now; ``retry_after`` says when
    ├── DeadlineExpired         the time ran out, or cannot suffice
    ├── Unavailable             loading or draining; another server may do
    ├── ComputeFailed           a unit failed although it was retried
    └── ModelUnavailable        a model cannot be loaded; says what to do
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """A bad field: its path in the request, and what would be right."""

    field: str
    description: str


class SvodkaError(Exception):
    """Base of every error this product raises on purpose."""

    reason = "INTERNAL"


class InvalidRequest(SvodkaError):
    """The input is at fault; ``violations`` names each bad field."""

    reason = "INVALID_REQUEST"

    def __init__(self, *violations: Violation) -> None:
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations))
        self.violations = violations


class TooLarge(InvalidRequest):
    reason = "TOO_LARGE"


class EmptyArticle(InvalidRequest):
    reason = "EMPTY_ARTICLE"


class NotEnglish(InvalidRequest):
    reason = "NOT_ENGLISH"


class Unauthenticated(SvodkaError):
    reason = "UNAUTHENTICATED"


class PermissionRefused(SvodkaError):
    reason = "PERMISSION_REFUSED"


class Overloaded(SvodkaError):
    """The queue is full or too slow for this request.

    ``retry_after`` is in seconds: when the work in front will be done.
    """

    reason = "OVERLOADED"

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DeadlineExpired(SvodkaError):
    reason = "DEADLINE_EXPIRED"


class Unavailable(SvodkaError):
    """Loading or draining. ``retry_after`` is in seconds."""

    reason = "UNAVAILABLE"

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ComputeFailed(SvodkaError):
    reason = "COMPUTE_FAILED"


class ModelUnavailable(SvodkaError):
    reason = "MODEL_UNAVAILABLE"
