"""A server whose model takes time and does nothing else, as a program of its own.

    python -m bench.paced --tokens FILE [--batch-seconds 0.1] [--batch-tokens 4096]

Everything between the socket and the lane is the product's: gRPC, callers and their tokens,
admission, the scheduler. Translate makes one unit of a text, two tokens for each of its words, half
of them put out; each batch takes the same time. Prints its port, and serves until it is ended.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
from collections.abc import Sequence
from pathlib import Path

from service.pipeline.terms import Terms
from service.rpc.callers import Allowance
from service.rpc.server import Listen, Server
from service.scheduler import Batch, Output, Policy, Scheduler, Spare, Stats, Unit, nothing
from service.schema import (
    Digest,
    DigestRequest,
    Limits,
    Model,
    ServerInfo,
    SummarizeRequest,
    Summary,
    TranslateRequest,
    Translation,
)


class PacedLane:
    """Answers each batch after so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def start(self) -> None:
        """Nothing to load."""

    async def stop(self) -> None:
        """Nothing to end."""

    async def wait(self) -> None:
        """It never dies."""
        await asyncio.Event().wait()

    def drop(self, batch: Batch, positions: Sequence[int]) -> None:
        """A row takes no time of its own."""

    async def run(self, batch: Batch, spare: Spare = nothing) -> Sequence[Output]:
        """Take the time."""
        await asyncio.sleep(self._seconds)
        return [Output(unit.payload, unit.output_tokens) for unit in batch.units]


class PacedPipeline:
    """The text itself for a translation; it has no other rpc."""

    state = "SERVING"
    info = ServerInfo("", "paced", (Model("translator", "paced"),), Limits())

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._numbers = itertools.count()

    async def start(self) -> None:
        """There is nothing to load."""
        await self._scheduler.start()

    async def translate(self, request: TranslateRequest, terms: Terms) -> Translation:
        """One unit."""
        text = request.text or ""
        words = len(text.split())
        async with self._scheduler.job(
            priority=terms.priority,
            deadline=terms.deadline,
            caller=terms.caller,
            wait=terms.wait,
            kind="translate",
        ) as job:
            await job.run([Unit("translator", None, text, next(self._numbers), words, words)])
        return Translation(text_ru=text)

    async def digest(self, request: DigestRequest, terms: Terms) -> Digest:
        """Not here."""
        raise NotImplementedError

    async def summarize(self, request: SummarizeRequest, terms: Terms) -> Summary:
        """Not here."""
        raise NotImplementedError

    def stats(self) -> Stats:
        """The scheduler's."""
        return self._scheduler.stats()

    async def drain(self, grace: float) -> None:
        """Finish."""
        await self._scheduler.drain(grace)

    async def close(self) -> None:
        """End."""
        await self._scheduler.close()


async def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tokens", type=Path, required=True, help="as in the server's settings")
    parser.add_argument("--batch-seconds", type=float, default=0.1, help="that each batch takes")
    parser.add_argument("--batch-tokens", type=int, default=4096, help="of a batch, at most")
    given = parser.parse_args()
    policy = Policy(batch_tokens=given.batch_tokens)
    scheduler = Scheduler([PacedLane(given.batch_seconds)], policy, sizeof=lambda _: 100)
    pipeline = PacedPipeline(scheduler)
    listen = Listen("127.0.0.1:0", allowance=Allowance(calls=5000), tokens=given.tokens)
    server = Server(pipeline, listen)
    await pipeline.start()
    await server.start()
    print(server.port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
