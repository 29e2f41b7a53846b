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


def too_many(field: str, count: int, most: int) -> Violation:
    """What is wrong with a list of more than ``most`` entries."""
    return Violation(field, f"has {count} entries; at most {most} are taken")


class SvodkaError(Exception):
    """Base of every error this product raises on purpose."""

    reason = "INTERNAL"


class InvalidRequest(SvodkaError):
    """The input is at fault; ``violations`` names each bad field."""

    reason = "INVALID_REQUEST"

    def __init__(self, *violations: Violation) -> None:
        super().__init__(*violations)  # args as given: the error travels between processes
        self.violations = violations

    def __str__(self) -> str:
        return "; ".join(f"{v.field}: {v.description}" for v in self.violations)


class TooLarge(InvalidRequest):
    """Over a limit; nothing of it was read."""

    reason = "TOO_LARGE"


class EmptyArticle(InvalidRequest):
    """Nothing is left to read after cleaning."""

    reason = "EMPTY_ARTICLE"


class NotEnglish(InvalidRequest):
    """What there is to read is not English."""

    reason = "NOT_ENGLISH"


class Unauthenticated(SvodkaError):
    """No credential, or one that is not known."""

    reason = "UNAUTHENTICATED"


class PermissionRefused(SvodkaError):
    """The caller is known, and may not do this."""

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
    """The time ran out, or could not suffice."""

    reason = "DEADLINE_EXPIRED"


class Unavailable(SvodkaError):
    """Loading or draining. ``retry_after`` is in seconds."""

    reason = "UNAVAILABLE"

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ComputeFailed(SvodkaError):
    """It failed although it was tried again; the cause is chained."""

    reason = "COMPUTE_FAILED"


class ModelUnavailable(SvodkaError):
    """A model cannot be loaded; the message says what to do."""

    reason = "MODEL_UNAVAILABLE"
