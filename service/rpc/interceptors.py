"""The boundary around each of our calls: decoding, counting, errors, the log.

No exception of ours or of a stranger crosses it: the status table turns each
into a status with details. Every answer, good or bad, carries the request's id
in its trailer. Other services on the same server (health, reflection) pass by.

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
from urllib.parse import quote

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from service.errors import InvalidRequest, Violation
from service.rpc.calls import Calls
from service.rpc.status import Status, status_of, trailer_of

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
    """Wraps the handlers of our service."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        """Called by grpc once per call."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith(f"/{SERVICE}/"):
            return handler
        # grpc would answer a message it cannot decode with UNKNOWN and a traceback's text.
        decode = _lenient(handler.request_deserializer)
        if handler.request_streaming:
            return grpc.stream_stream_rpc_method_handler(
                self._guard(handler.stream_stream, method), decode, handler.response_serializer
            )
        return grpc.unary_unary_rpc_method_handler(
            self._guard(handler.unary_unary, method), decode, handler.response_serializer
        )

    def _leave(self, context: object) -> None:
        self._calls.leave()

    def _guard(self, behaviour: Behaviour, method: str) -> Behaviour:
        async def guarded(request: Any, context: grpc.aio.ServicerContext) -> Any:
            self._calls.enter()
            context.add_done_callback(self._leave)  # pyright: ignore[reportArgumentType]
            request_id = _request_id(request)
            trailer = ((REQUEST_ID, quote(request_id, safe=_PLAIN)),)
            context.set_trailing_metadata(trailer)
            record = _Record(method, request_id, time.monotonic())
            try:
                if isinstance(request, Malformed):
                    raise request.refusal()
                answer = await behaviour(request, context)
            except (asyncio.CancelledError, grpc.aio.BaseError):
                # The caller has left, in the middle of our work or of our answer.
                record.write("CANCELLED")
                raise
            except Exception as error:
                status = status_of(error)
                record.write(status.grpc_code.name, status)
                await context.abort(
                    status.grpc_code, status.message, (*trailer, *trailer_of(status))
                )
            record.write("OK")
            return answer

        return guarded


@dataclass(frozen=True)
class _Record:
    """One line of the log for one call."""

    method: str
    request_id: str
    started: float

    def write(self, code: str, status: Status | None = None) -> None:
        reason = status.reason if status else ""
        elapsed = (time.monotonic() - self.started) * 1000
        _logger.info(
            "%s %s%s in %.0f ms [%s]",
            self.method,
            code,
            f" {reason}" if reason else "",
            elapsed,
            quote(self.request_id, safe=_PLAIN),
            extra={
                "method": self.method,
                "code": code,
                "reason": reason,
                "elapsed_ms": elapsed,
                "request_id": self.request_id,
            },
        )


def _lenient(decode: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def lenient(raw: bytes) -> Any:
        try:
            return decode(raw)
        except DecodeError:
            return Malformed()

    return lenient


def _request_id(request: Any) -> str:
    """The caller's name for the request, or a fresh one."""
    given = getattr(request, "request_id", "")
    return given if 0 < len(given) <= _LONGEST_ID else secrets.token_hex(8)
