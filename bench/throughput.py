"""How much of the engine's speed do callers see?

    python -m bench.throughput --sentences FILE --articles FILE.jsonl [--quick]

One table for sentences (Translate) and one for whole articles through both models (Digest):
the service over gRPC, closed loop from 1 to 256 callers, then requests that arrive at random at
rising rates, in shares of the most that callers got. Before and after each row the engine alone
has a turn with perfectly sorted batches: `alone` is the mean of both, in tokens of input a second,
and `share` what callers saw of it. A text counts for its tokens and for what it costs whatever its
length, as found beforehand; both sides alike. The first third of a row's seconds is its warm-up,
and it ends while everybody still asks: what is told is the steady state.

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

from bench.bed import Bed, Server, arguments, connected, prepare, run, serving
from bench.ceiling import Alone, Turn, apart, outputs
from bench.load import Answer, Item, after, arriving, closed, percentile, rate, show, until

WARMING = 120.0  # seconds at most

HEAD = [
    "",
    "tokens/s",
    "requests/s",
    "alone",
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
    for kind, rpc, items, texts in (
        ("sentences", "Translate", bed.translations(), 256),
        ("articles", "Digest", bed.digests(), 24),
    ):
        if given.only in (None, kind):
            print(f"\n{kind.capitalize()}: {rpc}, one a request\n")
            with Alone(bed, kind, texts // 4 if given.quick else texts) as alone:
                await table(bed, given, alone, rpc, items, seconds)
            print(
                f"\nThe engine alone had batches of {alone.budget:,} tokens; a text counts "
                f"{alone.overhead:.0f} more than it has."
            )
            print(f"Tokens of an output: {spread(apart(outputs, bed, kind, texts // 4))}.")
            seconds *= 2  # an article takes as long as dozens of sentences do
    print(f"\n{bed.describe()}")


async def table(
    bed: Bed,
    given: argparse.Namespace,
    alone: Alone,
    rpc: str,
    items: Iterator[Item[Any]],
    seconds: float,
) -> None:
    """Measure the service and the engine in turns."""
    items = (replace(item, cost=item.cost + alone.overhead) for item in items)
    # Room and time for the articles of 256 callers: nobody is to be refused here.
    patient = ("--queue-tokens", "8000000", "--default-timeout", "3600", "--max-timeout", "3600")
    flags = (*bed.flags, *patient, *given.flags)
    async with serving(*flags) as server, connected(server) as stub:
        ask = getattr(stub, rpc)
        await closed(ask, islice(items, 64 if rpc == "Translate" else 8), 16, WARMING)
        rows, requests, warm_up = [], 0.0, seconds / 3
        turns = [await asyncio.to_thread(alone.turn)]
        for callers in given.callers:
            asking = closed(ask, items, callers, seconds)
            answers, used = await steady(asking, seconds, warm_up, server)
            turns.append(await asyncio.to_thread(alone.turn))
            rows.append(row(f"{callers} callers", answers, used, warm_up, alone, turns[-2:]))
            requests = max(requests, rate(counted(answers), warm_up))
        for share in given.rates if requests else ():
            asking = arriving(ask, items, requests * share, seconds)
            answers, used = await steady(asking, seconds, warm_up, server)
            turns.append(await asyncio.to_thread(alone.turn))
            name = f"arriving at {requests * share:.2f}/s"
            rows.append(row(name, until(answers, seconds), used, warm_up, alone, turns[-2:]))
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
    name: str,
    answers: Sequence[Answer],
    used: float,
    warm_up: float,
    alone: Alone,
    turns: Sequence[Turn],
) -> list[str]:
    """One row of the table; ``used`` are cores, ``turns`` the engine's own before and after."""
    speed = statistics.mean(map(alone.speed, turns))
    cost = statistics.mean(turn.core_seconds / alone.work(turn) for turn in turns)
    tokens = rate(answers, warm_up) or math.nan  # nothing came: no ratio of it is a number
    good = [answer for answer in after(answers, warm_up) if not answer.error]
    return [
        name,
        f"{tokens:,.0f}",
        f"{rate(counted(answers), warm_up):.2f}",
        f"{speed:,.0f}",
        f"{tokens / speed:.2f}",
        f"{used / tokens * 1e3:.2f}",
        f"{cost * tokens / used:.2f}",
        *(f"{percentile(good, share):.2f}" for share in (0.5, 0.95, 0.99)),
        str(sum(bool(answer.error) for answer in answers)),
    ]


def spread(lengths: Sequence[int]) -> str:
    """Tenths of a distribution, in words."""
    tenths = statistics.quantiles(lengths, n=10)
    return f"10 % below {tenths[0]:.0f}, half below {tenths[4]:.0f}, 90 % below {tenths[8]:.0f}"


if __name__ == "__main__":
    run(main())
