"""A pipeline that does as it is told, in place of the one with models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc.aio

from service.lag import Lag
from service.pipeline.terms import Terms
from service.rpc.server import Listen, Server
from service.scheduler import QueueStats, State, Stats
from service.schema import (
    Digest,
    DigestRequest,
    Limits,
    Model,
    Priority,
    ServerInfo,
    SummarizeRequest,
    Summary,
    TranslateRequest,
    Translation,
)
from svodka.v1 import svodka_service_pb2_grpc

LIMITS = Limits(max_article_chars=10_000, max_sentences=20, max_terms=5, max_stream_items=3)


@dataclass
class FakePipeline:
    """Answers with its input; ``act`` may wait or raise before that."""

    limits: Limits = LIMITS
    state: str = "SERVING"
    act: Callable[[DigestRequest], Awaitable[None]] | None = None
    seen: list[tuple[object, Terms]] = field(default_factory=list)
    in_work: int = 0
    most_in_work: int = 0
    cancelled: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    drained: bool = False
    closed: bool = False
    warm: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def info(self) -> ServerInfo:
        return ServerInfo("1.2.3", "fake", (Model("translator", "fake"),), self.limits)

    def stats(self) -> Stats:
        queue = QueueStats(3, 10, 900, 1000, 2.5, 360.0, 4096.0)
        return Stats(
            state=State.SERVING,
            lanes=1,
            lanes_serving=1,
            lanes_busy=0,
            jobs=self.in_work,
            waiting_units=7,
            waiting_tokens={(Priority.BULK, "translator"): 70},
            wait_seconds={Priority.BULK: 1.5},
            cache_entries=2,
            cache_bytes=64,
            queues={"translator": queue},
            lag=Lag(0.001, 0.004, 0.25),
            cached=5,
        )

    async def start(self) -> None:
        self.state = "LOADING"
        await self.warm.wait()
        self.state = "SERVING"

    async def digest(self, request: DigestRequest, terms: Terms) -> Digest:
        await self._work(request, terms)
        return Digest(id=request.article.id, summary_en=request.article.text or "")

    async def summarize(self, request: SummarizeRequest, terms: Terms) -> Summary:
        await self._work(request, terms)
        return Summary(id=request.article.id, summary_en=request.article.text or "")

    async def translate(self, request: TranslateRequest, terms: Terms) -> Translation:
        await self._work(request, terms)
        return Translation(text_ru=request.text, html_ru=request.html)

    async def _work(self, request, terms: Terms) -> None:
        self.seen.append((request, terms))
        self.in_work += 1
        self.most_in_work = max(self.most_in_work, self.in_work)
        await self._tell()
        try:
            if self.act is not None:
                await self.act(request)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.in_work -= 1
            await self._tell()

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns once ``condition`` holds; it is looked at after every change."""
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(condition)

    async def drain(self, grace: float) -> None:
        self.drained = True

    async def close(self) -> None:
        self.closed = True
        self.state = "DOWN"


@dataclass(frozen=True)
class Running:
    """A server on a socket of its own, and a stub that talks to it."""

    server: Server
    pipeline: FakePipeline
    stub: svodka_service_pb2_grpc.SvodkaServiceStub
    channel: grpc.aio.Channel

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.port}"


@asynccontextmanager
async def running(pipeline: FakePipeline | None = None, **listen) -> AsyncIterator[Running]:
    pipeline = pipeline or FakePipeline()
    server = Server(pipeline, Listen(address="127.0.0.1:0", **listen))
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = svodka_service_pb2_grpc.SvodkaServiceStub(channel)
        try:
            yield Running(server, pipeline, stub, channel)
        finally:
            await server.stop(0)
