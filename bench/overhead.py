"""What do locks, limits, metrics, logs and traces cost an article, in processor time?

    python -m bench.overhead --sentences FILE --articles FILE.jsonl [--quick]

Servers side by side, the same models in each: a bare one on loopback, plain, for everybody;
one with TLS, tokens, an allowance, metrics that are scraped every five seconds, and log lines
as JSON; and the same with every span of every request sent to a collector. They take turns, in
random order, over the same articles, so what changes on the machine meanwhile changes for all.

Counted are the core seconds of all of a server's processes. The overhead is the ratio of two
servers' sums over all rounds; `at most` is its upper 95 % confidence limit, from resampling the
rounds (bootstrap). It fails (exit code 1) where that is over 5 %.

What cannot be switched off is in the bare server, too: counting, deadlines, the boundary.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import grpc.aio
import numpy as np

from bench.bed import (
    Bed,
    Server,
    arguments,
    connected,
    free_port,
    metrics_of,
    prepare,
    run,
    serving,
)
from bench.files import Files
from bench.load import Item, closed, show

MOST = 0.05
SCRAPE_SECONDS = 5.0
BARE, LOCKED, TRACED = "bare", "TLS, tokens, metrics, JSON logs", "the same, and traces"


async def main() -> int:
    """Measure, and print."""
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, help="default 20, with --quick 5")
    parser.add_argument("--count", type=int, default=16, help="articles of a round")
    parser.add_argument("--callers", type=int, default=8, help="articles in work at once")
    given = parser.parse_args()
    given.rounds = given.rounds or (5 if given.quick else 20)
    bed = prepare(given)
    used = await measure(bed, given)
    articles = given.rounds * given.count
    rows = [[BARE, f"{used[BARE].sum() / articles:.3f}", "", ""]]
    worst = 0.0
    for name in (LOCKED, TRACED):
        overhead, most = compare(used[BARE], used[name])
        worst = max(worst, most)
        seconds = used[name].sum() / articles
        rows.append([name, f"{seconds:.3f}", f"{overhead:+.1%}", f"{most:+.1%}"])
    show(("server", "core seconds an article", "overhead", "at most"), rows)
    print(f"\n{given.rounds} rounds of {given.count} articles, {given.callers} in work at once.")
    print(bed.describe())
    return 1 if worst > MOST else 0


async def measure(bed: Bed, given: argparse.Namespace) -> dict[str, np.ndarray]:
    """Each server's core seconds in each round."""
    turns = random.Random(1)
    used: dict[str, list[float]] = {name: [] for name in (BARE, LOCKED, TRACED)}
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        files = Files(Path(folder))
        collector = await stack.enter_async_context(collecting())
        # Each server would find a batch size of its own, which costs more than what is compared.
        flags = [*bed.flags, "--batch-tokens", "4096", *given.flags]
        servers: dict[str, Server] = {BARE: await stack.enter_async_context(serving(*flags))}
        for name, more in ((LOCKED, []), (TRACED, ["--traces", collector.address])):
            metrics = f"127.0.0.1:{free_port()}"
            locks = ["--metrics", metrics, "--log-format", "json", *files.flags(), *more]
            access = files.access("newsroom")
            servers[name] = await stack.enter_async_context(serving(*flags, *locks, access=access))
            scraping = asyncio.create_task(scrape(metrics))
            stack.callback(scraping.cancel)
        items = bed.digests()
        warm = list(itertools.islice(items, given.count))
        for server in servers.values():
            await answer(server, warm, given.callers)
        collector.requests = 0
        for _ in range(given.rounds):
            articles = list(itertools.islice(items, given.count))
            for name in turns.sample(list(servers), len(servers)):
                before = servers[name].core_seconds()
                await answer(servers[name], articles, given.callers)
                used[name].append(servers[name].core_seconds() - before)
        if not collector.requests:
            raise SystemExit("no span came to the collector")
    return {name: np.array(seconds) for name, seconds in used.items()}


async def answer(server: Server, articles: Sequence[Item], callers: int) -> None:
    """Have a server digest the articles."""
    async with connected(server) as stub:
        ask = partial(stub.Digest, metadata=server.access.metadata)
        answers = await closed(ask, iter(articles), callers)
    if errors := {answer.error for answer in answers} - {""}:
        raise SystemExit(f"not all were answered: {errors}")


def compare(bare: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """The overhead over all rounds, and its upper 95 % limit: pairs resampled 10,000 times."""
    picks = np.random.default_rng(1).integers(len(bare), size=(10_000, len(bare)))
    ratios = other[picks].sum(1) / bare[picks].sum(1) - 1
    return float(other.sum() / bare.sum() - 1), float(np.quantile(ratios, 0.95))


async def scrape(metrics: str) -> None:
    """Read a server's metrics again and again, as Prometheus does."""
    while True:
        await asyncio.to_thread(metrics_of, metrics)
        await asyncio.sleep(SCRAPE_SECONDS)


class Collector(grpc.GenericRpcHandler):
    """Takes spans and forgets them."""

    def __init__(self) -> None:
        self.address = ""
        self.requests = 0

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """Whatever is called, it is thanked for."""
        return grpc.unary_unary_rpc_method_handler(self._thank)

    async def _thank(self, request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        self.requests += 1
        return b""  # an ExportTraceServiceResponse without words


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """A collector that listens."""
    collector, server = Collector(), grpc.aio.server()
    server.add_generic_rpc_handlers((collector,))
    collector.address = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield collector
    finally:
        with suppress(asyncio.CancelledError):
            await server.stop(1)


if __name__ == "__main__":
    sys.exit(run(main()))
