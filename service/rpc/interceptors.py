"""The boundary around each of our calls: who calls, decoding, counting, errors, the log.

No exception of ours or of a stranger crosses it: the status table turns each
into a status with details. Every answer, good or bad, carries the request's id
in its trailer. Nothing of a stranger's message is decoded. Other services on the
same server (health, reflection) pass by, unless they are ``guarded`` too.

What it logs is the method, the outcome and the time; never a word of the text.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import string
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from service.errors import InvalidRequest, SvodkaError, Unauthenticated, Violation
from service.rpc.callers import CALLER, Callers
from service.rpc.calls import Calls
from service.rpc.metrics import Metrics
from service.rpc.status import Status, status_of, trailer_of
from service.tracing import span

SERVICE = "svodka.v1.SvodkaService"
REQUEST_ID = "svodka-request-id"

# A longer name than this is refused by validation; until then the call needs one.
_LONGEST_ID = 200
# What a trailer takes as it is; the rest is percent-encoded, as in a URL.
_PLAIN = string.punctuation.replace("%", "") + " "

_logger = logging.getLogger(__name__)

Behaviour = Callable[[Any, grpc.aio.ServicerContext], Awaitable[Any]]


@dataclass(frozen=True)
class Malformed:
    """Stands for a message that is no protobuf of its type, or not UTF-8."""

    def refusal(self) -> InvalidRequest:
        """What its sender is told."""
        return InvalidRequest(
            Violation("request", "must be a message of this service's .proto, its text in UTF-8")
        )


class Boundary(grpc.aio.ServerInterceptor):
    """Wraps the handlers of our service; ``guarded``: the others want a token, too."""

    def __init__(
        self, calls: Calls, callers: Callers, metrics: Metrics, *, guarded: bool = False
    ) -> None:
        self._calls = calls
        self._callers = callers
        self._metrics = metrics
        self._guarded = guarded

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        """Called by grpc once per call."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None:
            return None
        if not method.startswith(f"/{SERVICE}/"):
            return self._let_by(handler, handler_call_details.invocation_metadata)
        # grpc would answer a message it cannot decode with UNKNOWN and a traceback's text.
        decode = _lenient(handler.request_deserializer)
        encode = handler.response_serializer
        if handler.request_streaming:
            stream = self._guard(handler.stream_stream, method)
            return grpc.stream_stream_rpc_method_handler(stream, decode, encode)
        unary = self._guard(handler.unary_unary, method, decode)
        return grpc.unary_unary_rpc_method_handler(unary, None, encode)

    def _leave(self, context: object) -> None:
        self._calls.leave()

    def _let_by(self, handler: Any, metadata: Any) -> Any:
        """Return another service's handler, or in its place the refusal of a stranger."""
        if not self._guarded:
            return handler
        try:
            self._callers.identify(metadata or (), "")
        except Unauthenticated as error:
            return _refusing(handler, error)
        return handler

    def _guard(
        self, behaviour: Behaviour, method: str, decode: Callable[[bytes], Any] | None = None
    ) -> Behaviour:
        """Wrap a behaviour; ``decode`` makes a unary call's message of its bytes."""

        async def traced(request: Any, context: grpc.aio.ServicerContext) -> Any:
            headers = context.invocation_metadata() or ()
            with span(method.lstrip("/"), SpanKind.SERVER, headers):
                return await guarded(request, context, headers)

        async def guarded(request: Any, context: grpc.aio.ServicerContext, headers: Any) -> Any:
            self._calls.enter()
            context.add_done_callback(self._leave)  # pyright: ignore[reportArgumentType]
            record = _Record(method, self._metrics)
            try:
                caller = self._callers.identify(headers, _peer(context))
                record.caller = caller.name
                caller.permit(method.rpartition("/")[2])
                async with caller.call():
                    CALLER.set(caller)
                    if decode is not None:
                        request = decode(request)
                        record.take_id(request)
                        if isinstance(request, Malformed):
                            raise request.refusal()
                    context.set_trailing_metadata(record.trailer)
                    answer = await behaviour(request, context)
            except (asyncio.CancelledError, grpc.aio.BaseError):
                # The caller has left, in the middle of our work or of our answer.
                record.write("CANCELLED")
                raise
            except Exception as error:
                status = status_of(error)
                record.write(status.grpc_code.name, status)
                try:
                    await context.abort(
                        status.grpc_code, status.message, (*record.trailer, *trailer_of(status))
                    )
                except grpc.aio.InternalError:  # the caller left while it was told
                    raise asyncio.CancelledError from None
            record.write("OK")
            return answer

        return traced


class _Record:
    """What is said and counted of one call, and the name it goes by."""

    def __init__(self, method: str, metrics: Metrics) -> None:
        self.caller = ""
        self._method = method
        self._metrics = metrics
        self._request_id = self._quoted_id = secrets.token_hex(8)
        self._started = time.monotonic()

    def take_id(self, request: Any) -> None:
        """Take the caller's own name for the request, if it gave one that is fit."""
        given = getattr(request, "request_id", "")
        if 0 < len(given) <= _LONGEST_ID:
            self._request_id, self._quoted_id = given, quote(given, safe=_PLAIN)

    @property
    def trailer(self) -> tuple[tuple[str, str]]:
        """The trailing metadata that tells the name."""
        return ((REQUEST_ID, self._quoted_id),)

    def write(self, code: str, status: Status | None = None) -> None:
        """Write the line, count the call, and tell its span."""
        reason = status.reason if status else ""
        elapsed = (time.monotonic() - self._started) * 1000
        self._metrics.called(self._method.rpartition("/")[2], code, elapsed / 1000)
        told = trace.get_current_span()
        told.set_attribute("rpc.response.status_code", code)
        told.set_attribute("svodka.request_id", self._request_id)
        if code != "OK":
            told.set_status(StatusCode.ERROR, reason)
        _logger.info(
            "%s %s%s in %.0f ms for %s [%s]",
            self._method,
            code,
            f" {reason}" if reason else "",
            elapsed,
            self.caller or "a stranger",
            self._quoted_id,
            extra={
                "method": self._method,
                "code": code,
                "reason": reason,
                "elapsed_ms": elapsed,
                "caller": self.caller,
                "request_id": self._request_id,
            },
        )


def _peer(context: grpc.aio.ServicerContext) -> str:
    """Return the name of the caller's certificate, else its address without the port."""
    for name in (context.auth_context() or {}).get("x509_common_name", ()):
        return name.decode(errors="replace")
    return unquote(context.peer()).rpartition(":")[0]


_KINDS = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


def _refusing(handler: Any, error: SvodkaError) -> Any:
    """Return a handler of the same kind that answers with the error alone."""
    status = status_of(error)

    async def refuse(request: Any, context: grpc.aio.ServicerContext) -> None:
        await context.abort(status.grpc_code, status.message, trailer_of(status))

    return _KINDS[handler.request_streaming, handler.response_streaming](refuse)


def _lenient(decode: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def lenient(raw: bytes) -> Any:
        try:
            return decode(raw)
        except DecodeError:
            return Malformed()

    return lenient
