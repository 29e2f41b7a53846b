"""The five rpcs: message in, dataclass to the pipeline, dataclass out, message.

It decides on what terms a request is served and whether it may begin. What an
answer says is the pipeline's business, and what an error says the boundary's.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol, TypeVar

import grpc.aio
from google.protobuf.message import Message

from service.errors import Unavailable
from service.pipeline.terms import Terms
from service.rpc.callers import CALLER
from service.rpc.calls import Calls
from service.rpc.metrics import Metrics
from service.rpc.stream import ItemStream, Patience
from service.scheduler import Stats
from service.schema import (
    Digest,
    DigestRequest,
    Limits,
    Priority,
    ServerInfo,
    SummarizeRequest,
    Summary,
    TranslateRequest,
    Translation,
)
from service.validation import Request, validate
from service.wire import from_message, to_message
from svodka.v1 import svodka_service_pb2 as pb
from svodka.v1 import svodka_service_pb2_grpc

R = TypeVar("R", bound=Request)
M = TypeVar("M", bound=Message)

_WHY_NOT = {
    "LOADING": "The models are loading; try again in a moment.",
    "DRAINING": "The server is stopping; another one may answer.",
    "DOWN": "The models are down; another server may answer.",
}

# An answer needs time to travel, the refusal to answer, too: so that a caller hears
# from us and not from its own clock, we keep back this much, or a tenth if that is less.
_REPLY_SECONDS = 0.05


class Pipeline(Protocol):
    """What the server asks of ``service.pipeline``; tests put others in its place."""

    info: ServerInfo

    @property
    def state(self) -> str:
        """LOADING, SERVING, RESTARTING, DRAINING or DOWN."""
        ...

    async def start(self) -> None:
        """Loads and warms up; raises ModelUnavailable."""

    async def digest(self, request: DigestRequest, terms: Terms) -> Digest:
        """Cancelling it drops its work."""
        ...

    async def summarize(self, request: SummarizeRequest, terms: Terms) -> Summary:
        """Likewise."""
        ...

    async def translate(self, request: TranslateRequest, terms: Terms) -> Translation:
        """Likewise."""
        ...

    def stats(self) -> Stats:
        """The scheduler's numbers at this moment."""
        ...

    async def drain(self, grace: float) -> None:
        """Takes no more work; returns when the rest is done, ``grace`` seconds at most."""

    async def close(self) -> None:
        """Frees everything."""


class Servicer(svodka_service_pb2_grpc.SvodkaServiceServicer):
    """Serves one pipeline."""

    def __init__(
        self, pipeline: Pipeline, calls: Calls, metrics: Metrics, patience: Patience
    ) -> None:
        self._pipeline = pipeline
        self._calls = calls
        self._metrics = metrics
        self._patience = patience

    async def Digest(  # noqa: N802 - the contract's name
        self, request: pb.DigestRequest, context: grpc.aio.ServicerContext
    ) -> pb.DigestResponse:
        """One article's digest."""
        self._admit()
        return await self._digest(request, _end(context), Priority.INTERACTIVE, wait=False)

    async def DigestStream(  # noqa: N802 - the contract's name
        self, request_iterator: object, context: grpc.aio.ServicerContext
    ) -> None:
        """Many articles' digests; see ``service.rpc.stream``."""
        self._admit()
        end = _end(context)

        async def digest(item: pb.DigestRequest) -> pb.DigestResponse:
            return await self._digest(item, end, Priority.BULK, wait=True)

        stream = ItemStream(
            context,
            digest,
            most=self._limits.max_stream_items,
            closing=self._calls.closing,
            patience=self._patience,
            ended=partial(self._metrics.called, "DigestStream/item"),
        )
        async with self._calls.until(end):
            await stream.run()

    async def Summarize(  # noqa: N802 - the contract's name
        self, request: pb.SummarizeRequest, context: grpc.aio.ServicerContext
    ) -> pb.SummarizeResponse:
        """One article's English summary."""
        self._admit()
        asked = self._read(request, SummarizeRequest)
        terms = self._terms(asked, _end(context))
        async with self._in_work(terms):
            answer = await self._pipeline.summarize(asked, terms)
        return self._told(answer, pb.SummarizeResponse)

    async def Translate(  # noqa: N802 - the contract's name
        self, request: pb.TranslateRequest, context: grpc.aio.ServicerContext
    ) -> pb.TranslateResponse:
        """The Russian of a text."""
        self._admit()
        asked = self._read(request, TranslateRequest)
        terms = self._terms(asked, _end(context))
        async with self._in_work(terms):
            answer = await self._pipeline.translate(asked, terms)
        return self._told(answer, pb.TranslateResponse)

    async def GetServerInfo(  # noqa: N802 - the contract's name
        self, request: pb.GetServerInfoRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetServerInfoResponse:
        """What this server is; answered while it loads and drains, too."""
        return to_message(self._pipeline.info, pb.GetServerInfoResponse)

    async def _digest(
        self,
        request: pb.DigestRequest,
        end: float,
        priority: Priority,
        wait: bool,
    ) -> pb.DigestResponse:
        asked = self._read(request, DigestRequest)
        terms = self._terms(asked, end, priority, wait)
        async with self._in_work(terms):
            answer = await self._pipeline.digest(asked, terms)
        return self._told(answer, pb.DigestResponse)

    def _told(self, answer: Digest | Summary | Translation, cls: type[M]) -> M:
        """Return an answer as a message, and count what it cost and what was found in it."""
        message = to_message(answer, cls)
        self._metrics.answered(answer.usage, answer.findings)
        return message

    @asynccontextmanager
    async def _in_work(self, terms: Terms) -> AsyncIterator[None]:
        """One request within its deadline and its caller's allowance."""
        async with self._calls.until(terms.deadline), CALLER.get().article(wait=terms.wait):
            yield

    @property
    def _limits(self) -> Limits:
        return self._pipeline.info.limits

    def _admit(self) -> None:
        self._calls.admit()
        # While a lane restarts the work waits for it, as it does for a busy one.
        if self._pipeline.state not in ("SERVING", "RESTARTING"):
            raise Unavailable(_WHY_NOT.get(self._pipeline.state, _WHY_NOT["DOWN"]))

    def _read(self, message: Message, cls: type[R]) -> R:
        request = from_message(message, cls, most=self._limits.max_terms)
        validate(request, self._limits)
        return request

    def _terms(
        self,
        request: Request,
        end: float,
        priority: Priority = Priority.INTERACTIVE,
        wait: bool = False,
    ) -> Terms:
        """``end`` is the call's, ``priority`` and ``wait`` are the rpc's; the request may name its
        own time and priority.
        """
        if request.priority is not Priority.UNSPECIFIED:
            priority = request.priority
        now = time.monotonic()
        named = min(end - now, math.inf if request.timeout is None else request.timeout)
        allowed = self._limits.default_timeout if math.isinf(named) else named
        deadline = now + min(allowed, self._limits.max_timeout)
        caller = CALLER.get()
        return Terms(
            deadline=deadline,
            priority=caller.cap(priority),
            caller=caller.name,
            scope=caller.name if caller.allowance.private else "",
            wait=wait,
        )


def _end(context: grpc.aio.ServicerContext) -> float:
    """When the answer to this call has to be on its way, in seconds of ``time.monotonic``.

    To be asked once, as the call comes: grpc counts by the clock of the wall, which may be set.
    """
    left = context.time_remaining()
    if left is None:
        return math.inf
    return time.monotonic() + left - min(_REPLY_SECONDS, left / 10)
