"""How much of the engine's speed do callers see?

    python -m bench.throughput --sentences FILE --articles FILE.jsonl [--quick]

One table for sentences (Translate) and one for whole articles through both models (Digest):
the service over gRPC, closed loop from 1 to 256 callers, then requests that arrive at random at
rising rates, in shares of the most that callers got. Each row has its own texts, from the first
question to the last answer. The engine alone does the very same texts in perfectly sorted
batches, half of these before the row and half after it: `alone` is its speed in tokens of input a
second, and `share` what callers saw of it.

`core ms` is the processor time of a token, in thousandths of a second, of all the server's
processes together. Where both sides saturate the cores and nothing stands idle, its ratio
(`of cores`) is `share`; unlike that, it is not disturbed by other work on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

from bench.bed import (
    RPCS,
    Bed,
    Server,
    arguments,
    asking,
    connected,
    prepare,
    run,
    serving,
    text_of,
)
from bench.ceiling import Alone, Turn, apart, outputs
from bench.load import Answer, Item, arriving, closed, overall, percentile, show

LEAST = 8  # texts of a row
WARMING = 120.0  # seconds at most

Way = Callable[[Iterator[Item[Any]]], Awaitable[list[Answer]]]
HEAD = [
    "",
    "texts",
    "tokens/s",
    "alone",
    "share",
    "core ms",
    "of cores",
    "p50 s",
    "p95 s",
    "p99 s",
    "errors",
]


@dataclass(frozen=True)
class Kind:
    """What is asked for, and on what scale: an article takes as long as dozens of sentences."""

    sample: int  # texts by which the engine's best batches are found
    seconds: float  # of a row, about
    callers: Sequence[int]


KINDS = {
    "sentences": Kind(128, 8.0, (1, 16, 64, 256)),
    "articles": Kind(16, 16.0, (1, 16)),
}


async def main() -> None:
    """Measure, and print."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, help="of a row; many callers' take longer")
    parser.add_argument("--callers", type=int, nargs="*")
    parser.add_argument("--rates", type=float, nargs="*", default=[0.5, 0.8])
    parser.add_argument("--only", choices=KINDS, help="one of the tables")
    given = parser.parse_args()
    bed = prepare(given)
    for name in [given.only] if given.only else KINDS:
        kind = KINDS[name]
        sample = bed.texts(name)[: kind.sample // 4 if given.quick else kind.sample]
        kind = replace(
            kind,
            callers=kind.callers if given.callers is None else given.callers,
            seconds=given.seconds or (5.0 if given.quick else kind.seconds),
        )
        print(f"\n{name.capitalize()}: {RPCS[name]}, one a request\n")
        with Alone(bed, name, sample) as alone:
            await table(bed, given, name, kind, alone)
        print(f"\nThe engine alone had batches of {alone.budget:,} tokens.")
        print(f"Tokens of an output: {spread(apart(outputs, bed, name, len(sample)))}.")
    print(f"\n{bed.describe()}")


async def table(bed: Bed, given: argparse.Namespace, name: str, kind: Kind, alone: Alone) -> None:
    """Measure the service and the engine in turns."""
    # Room and time for the articles of 256 callers: nobody is to be refused here.
    patient = ("--queue-tokens", "8000000", "--default-timeout", "3600", "--max-timeout", "3600")
    flags = (*bed.flags, *patient, *given.flags)
    async with serving(*flags) as server, connected(server) as stub:
        ask, items = asking(stub, name), bed.requests(name)
        await closed(ask, islice(items, kind.sample // 2), 16, WARMING)
        rows: list[list[str]] = []

        async def measure(title: str, count: float, way: Way) -> float:
            """A row of so many texts; texts a second."""
            texts = list(islice(items, max(LEAST, round(count))))
            answers, used, turn = await beside(alone, texts, way, server)
            rows.append(row(title, texts, answers, used, turn))
            return overall(answers) * len(texts) / sum(text.cost for text in texts)

        most = 0.0
        for callers in kind.callers:
            # Few callers get less. And the queue is to be full for most of the time.
            count = max(kind.seconds * alone.speed * min(1.0, callers / 16), callers * 3)
            way = partial(closed, ask, callers=callers)
            most = max(most, await measure(f"{callers} callers", count, way))
        for rate in (share * most for share in given.rates if most):
            way = partial(arriving, ask, rate=rate)
            await measure(f"arriving at {rate:.2f}/s", kind.seconds * rate, way)
    show(HEAD, rows)


async def beside(
    alone: Alone,
    texts: Sequence[Item[Any]],
    way: Way,
    server: Server,
) -> tuple[list[Answer], float, Turn]:
    """The answers, the server's core seconds for them, and what the engine alone took."""
    whole = [text_of(item.request) for item in texts]
    before = await asyncio.to_thread(alone.turn, whole, 0)
    used = server.core_seconds()
    answers = await way(iter(texts))
    used = server.core_seconds() - used
    return answers, used, before + await asyncio.to_thread(alone.turn, whole, 1)


def row(
    name: str, texts: Sequence[Item[Any]], answers: Sequence[Answer], used: float, alone: Turn
) -> list[str]:
    """One row of the table."""
    tokens = sum(item.cost for item in texts)
    good = [answer for answer in answers if not answer.error]
    return [
        name,
        f"{len(texts):,}",
        f"{overall(answers):,.0f}",
        f"{tokens / alone.seconds:,.0f}",
        f"{overall(answers) / tokens * alone.seconds:.2f}",
        f"{used / tokens * 1e3:.2f}",
        f"{alone.core_seconds / used:.2f}",
        *(f"{percentile(good, share):.2f}" for share in (0.5, 0.95, 0.99)),
        str(len(answers) - len(good)),
    ]


def spread(lengths: Sequence[int]) -> str:
    """Tenths of a distribution, in words."""
    tenths = statistics.quantiles(lengths, n=10)
    return f"10 % below {tenths[0]:.0f}, half below {tenths[4]:.0f}, 90 % below {tenths[8]:.0f}"


if __name__ == "__main__":
    run(main())
