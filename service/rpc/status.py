"""Exceptions to gRPC statuses and back: one table, read in both directions.

A ``Status`` has the fields of the wire's ``Error``, so a stream item's failure
is that message and a unary call's is the same in the trailer, as the standard
details (``google.rpc``): ErrorInfo always, BadRequest for violations, and
RetryInfo beside ``grpc-retry-pushback-ms`` where trying again makes sense.

It logs unknown failures under an id and tells the caller the id alone: what a
stranger's exception says may be anything, somebody's article included.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

from service.errors import (
    ComputeFailed,
    DeadlineExpired,
    InvalidRequest,
    ModelUnavailable,
    Overloaded,
    PermissionRefused,
    SvodkaError,
    Unauthenticated,
    Unavailable,
    Violation,
)

DOMAIN = "svodka"
DETAILS = "grpc-status-details-bin"
PUSHBACK = "grpc-retry-pushback-ms"

# A subclass without a row of its own has its parent's code.
CODES: dict[type[SvodkaError], grpc.StatusCode] = {
    SvodkaError: grpc.StatusCode.INTERNAL,
    InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    PermissionRefused: grpc.StatusCode.PERMISSION_DENIED,
    Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    DeadlineExpired: grpc.StatusCode.DEADLINE_EXCEEDED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
    ComputeFailed: grpc.StatusCode.INTERNAL,
    # Not UNAVAILABLE: nobody but the operator can help, so no client should retry.
    ModelUnavailable: grpc.StatusCode.FAILED_PRECONDITION,
}

# A peer takes 8 KiB of trailers in all by default. Details travel in base64 (x 4/3) and
# the message a second time, percent-encoded (x 3): 4/3 x (3,000 + 500) + 3 x 500 < 6,500.
_MESSAGE_BYTES = 500
_VIOLATIONS_BYTES = 3000
_VIOLATION_BYTES = 500

_by_number = {code.value[0]: code for code in grpc.StatusCode}
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Status:
    """A failure as the wire tells it; ``code`` is gRPC's number, time in seconds."""

    code: int
    reason: str
    message: str
    violations: tuple[Violation, ...] = ()
    retry_after: float | None = None

    @property
    def grpc_code(self) -> grpc.StatusCode:
        """The same code as the grpc package's enum; UNKNOWN for numbers it has no name for."""
        return _by_number.get(self.code, grpc.StatusCode.UNKNOWN)


# -- exception to status -----------------------------------------------------------------


def status_of(error: BaseException) -> Status:
    """The status of a failure; logs one that is not ours, with its trace."""
    if not isinstance(error, SvodkaError):
        name = secrets.token_hex(4)
        _logger.error("internal error %s", name, exc_info=error, extra={"error_id": name})
        text = f"Internal error {name}. The server's log says more under this id."
        return Status(grpc.StatusCode.INTERNAL.value[0], SvodkaError.reason, text)
    code = next(CODES[cls] for cls in type(error).__mro__ if cls in CODES)
    return Status(
        code.value[0],
        error.reason,
        _cut(str(error), _MESSAGE_BYTES),
        _bounded(getattr(error, "violations", ())),
        getattr(error, "retry_after", None),
    )


def trailer_of(status: Status) -> tuple[tuple[str, str | bytes], ...]:
    """The trailing metadata that carries the details of a unary call's failure."""
    rich = status_pb2.Status(code=status.code, message=status.message)
    rich.details.add().Pack(details.ErrorInfo(reason=status.reason, domain=DOMAIN))
    if status.violations:
        bad = details.BadRequest()
        for violation in status.violations:
            bad.field_violations.add(field=violation.field, description=violation.description)
        rich.details.add().Pack(bad)
    if status.retry_after is None:
        return ((DETAILS, rich.SerializeToString()),)
    delay = Duration()
    delay.FromNanoseconds(round(status.retry_after * 1e9))
    rich.details.add().Pack(details.RetryInfo(retry_delay=delay))
    pushback = str(round(status.retry_after * 1000))
    return ((DETAILS, rich.SerializeToString()), (PUSHBACK, pushback))


def _bounded(violations: Iterable[Violation]) -> tuple[Violation, ...]:
    """As many as fit into a trailer, the last saying how many did not."""
    cut = [
        Violation(_cut(v.field, _VIOLATION_BYTES // 2), _cut(v.description, _VIOLATION_BYTES))
        for v in violations
    ]
    room = _VIOLATIONS_BYTES
    for index, violation in enumerate(cut):
        room -= len(f"{violation.field}{violation.description}".encode()) + 8
        if room < 0:
            return (*cut[:index], Violation("…", f"and {len(cut) - index} more"))
    return tuple(cut)


def _cut(text: str, size: int) -> str:
    """``text`` in at most ``size`` bytes of UTF-8."""
    # Surrogates, should one come here, would fail in the serializer.
    raw = text.encode(errors="replace")
    if len(raw) <= size:
        return raw.decode()
    return raw[: size - 3].decode(errors="ignore") + "…"


# -- and back ----------------------------------------------------------------------------


def error_of(status: Status) -> SvodkaError:
    """The exception a status was made of.

    A reason this version does not know, or none at all (the transport's own
    failures), leaves the code to say which class.
    """
    cls = _named(status.reason) or _coded(status)
    if issubclass(cls, InvalidRequest):
        blamed = status.violations or (Violation("request", status.message),)
        return _reasoned(cls(*blamed), status)
    if issubclass(cls, Overloaded | Unavailable):
        delay = 1.0 if status.retry_after is None else status.retry_after
        return _reasoned(cls(status.message, retry_after=delay), status)
    return _reasoned(cls(status.message), status)


def received(
    code: grpc.StatusCode, message: str | None, trailer: Sequence[tuple[str, str | bytes]] | None
) -> Status:
    """The status of a failed call, from what the transport hands out."""
    reason, violations, retry_after = "", (), None
    for part in _details(trailer or ()):
        if isinstance(part, details.ErrorInfo) and part.domain == DOMAIN:
            reason = part.reason
        elif isinstance(part, details.BadRequest):
            violations = tuple(Violation(v.field, v.description) for v in part.field_violations)
        elif isinstance(part, details.RetryInfo):
            retry_after = part.retry_delay.ToNanoseconds() / 1e9
    return Status(code.value[0], reason, message or code.name, violations, retry_after)


def _details(trailer: Sequence[tuple[str, str | bytes]]) -> Iterator[object]:
    kinds = (details.ErrorInfo, details.BadRequest, details.RetryInfo)
    for key, value in trailer:
        if key == DETAILS and isinstance(value, bytes):
            with suppress(DecodeError):  # somebody else's, or broken on the way
                for packed in status_pb2.Status.FromString(value).details:
                    for part in (kind() for kind in kinds):
                        if packed.Unpack(part):
                            yield part


def _named(reason: str) -> type[SvodkaError] | None:
    return next((cls for cls in _family(SvodkaError) if cls.reason == reason), None)


def _coded(status: Status) -> type[SvodkaError]:
    # The transport says RESOURCE_EXHAUSTED of messages above its limit, too: without
    # a time to come back, coming back is no use.
    if status.grpc_code is grpc.StatusCode.RESOURCE_EXHAUSTED and status.retry_after is None:
        return SvodkaError
    return next((cls for cls, code in CODES.items() if code is status.grpc_code), SvodkaError)


def _family(cls: type[SvodkaError]) -> Iterator[type[SvodkaError]]:
    yield cls
    for child in cls.__subclasses__():
        yield from _family(child)


def _reasoned(error: SvodkaError, status: Status) -> SvodkaError:
    """Gives the error the status's own reason, where the class has another."""
    if status.reason:
        error.reason = status.reason
    elif type(error) is SvodkaError:
        error.reason = status.grpc_code.name
    return error
