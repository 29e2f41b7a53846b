"""How much of the engine's speed do callers see?

    python -m bench.throughput --sentences FILE --articles FILE.jsonl [--quick]

One table for sentences (Translate) and one for whole articles through both models (Digest).
First row: the engine alone, perfectly sorted. Then the service over gRPC: closed loop from 1 to
256 callers, then requests that arrive at random at rising rates, in shares of the most that
callers got. `share` is of the first row, in tokens of input a second. The first third of a row's
seconds is its warm-up, and it ends while everybody still asks: what is told is the steady state.

`core ms` is the processor time of a token, in thousandths of a second, of the engine and of all
the server's processes together. Where both saturate the cores and nothing stands idle, its ratio
(`of cores`) is `share`; unlike that, it is not disturbed by other work on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import statistics
import time
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from bench import ceiling
from bench.bed import Bed, Server, arguments, connected, prepare, run, serving
from bench.load import Answer, Item, after, arriving, closed, percentile, rate, show, until

WARMING = 120.0  # seconds at most

HEAD = [
    "",
    "tokens/s",
    "requests/s",
    "share",
    "core ms",
    "of cores",
    "p50 s",
    "p95 s",
    "p99 s",
    "errors",
]


async def main() -> None:
    """Measure, and print."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="of a row; twice with articles")
    parser.add_argument("--callers", type=int, nargs="*", default=[1, 4, 16, 64, 256])
    parser.add_argument("--rates", type=float, nargs="*", default=[0.5, 0.8])
    parser.add_argument("--only", choices=["sentences", "articles"], help="one of the tables")
    given = parser.parse_args()
    bed = prepare(given)
    seconds = 5.0 if given.quick else given.seconds
    if given.only != "articles":
        print("\nSentences: Translate, one a request\n")
        best, budget = ceiling.apart(ceiling.sentences, bed, 5.0 if given.quick else 30.0)
        name = f"engine alone, sorted, {budget:,} tokens a batch"
        await table(bed, given, name, best, "Translate", bed.translations(), seconds)
        lengths = ceiling.apart(ceiling.outputs, bed, 64)
        print(f"\nTokens of a translation: {spread(lengths)}.")
    if given.only != "sentences":
        print("\nArticles: Digest, through both models\n")
        count = 4 if given.quick else 32
        best, lengths = ceiling.apart(ceiling.articles, bed, count, ceiling.BUDGETS[0])
        name = f"engines alone, {count} articles, sorted"
        await table(bed, given, name, best, "Digest", bed.digests(), seconds * 2)
        print(f"\nTokens of a summary: {spread(lengths)}.")
    print(f"\n{bed.describe()}")


async def table(
    bed: Bed,
    given: argparse.Namespace,
    name: str,
    best: ceiling.Speed,
    rpc: str,
    items: Iterator[Item[Any]],
    seconds: float,
) -> None:
    """Measure the service beside the engine."""
    cost = f"{best.core_seconds * 1e3:.2f}"
    rows = [[name, f"{best.tokens:,.0f}", "", "1.00", cost, "1.00", *[""] * 4]]
    # Room and time for the articles of 256 callers: nobody is to be refused here.
    patient = ("--queue-tokens", "8000000", "--default-timeout", "3600", "--max-timeout", "3600")
    flags = (*bed.flags, *patient, *given.flags)
    async with serving(*flags) as server, connected(server) as stub:
        ask = getattr(stub, rpc)
        await closed(ask, islice(items, 64 if rpc == "Translate" else 8), 16, WARMING)
        requests, warm_up = 0.0, seconds / 3
        for callers in given.callers:
            asking = closed(ask, items, callers, seconds)
            answers, used = await steady(asking, seconds, warm_up, server)
            rows.append(row(f"{callers} callers", answers, used, warm_up, best))
            requests = max(requests, rate(counted(answers), warm_up))
        for share in given.rates if requests else ():
            asking = arriving(ask, items, requests * share, seconds)
            answers, used = await steady(asking, seconds, warm_up, server)
            name = f"arriving at {requests * share:.2f}/s"
            rows.append(row(name, until(answers, seconds), used, warm_up, best))
    show(HEAD, rows)


async def steady(
    asking: Coroutine[Any, Any, list[Answer]], seconds: float, warm_up: float, server: Server
) -> tuple[list[Answer], float]:
    """The answers, and of how many cores the server made use after the warm-up."""
    answers = asyncio.create_task(asking)
    await asyncio.sleep(warm_up)
    began, before = time.perf_counter(), server.core_seconds()
    await asyncio.sleep(seconds - warm_up)
    used = (server.core_seconds() - before) / (time.perf_counter() - began)
    return await answers, used


def counted(answers: Sequence[Answer]) -> list[Answer]:
    """The same, each counting for one."""
    return [replace(answer, cost=1.0) for answer in answers]


def row(
    name: str, answers: Sequence[Answer], used: float, warm_up: float, best: ceiling.Speed
) -> list[str]:
    """One row of the table; ``used`` are cores."""
    tokens = rate(answers, warm_up) or math.nan  # nothing came: no ratio of it is a number
    good = [answer for answer in after(answers, warm_up) if not answer.error]
    return [
        name,
        f"{tokens:,.0f}",
        f"{rate(counted(answers), warm_up):.2f}",
        f"{tokens / best.tokens:.2f}",
        f"{used / tokens * 1e3:.2f}",
        f"{best.core_seconds * tokens / used:.2f}",
        *(f"{percentile(good, share):.2f}" for share in (0.5, 0.95, 0.99)),
        str(sum(bool(answer.error) for answer in answers)),
    ]


def spread(lengths: Sequence[int]) -> str:
    """Tenths of a distribution, in words."""
    tenths = statistics.quantiles(lengths, n=10)
    return f"10 % below {tenths[0]:.0f}, half below {tenths[4]:.0f}, 90 % below {tenths[8]:.0f}"


if __name__ == "__main__":
    run(main())
