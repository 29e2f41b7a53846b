"""How much of the engine's speed do callers see?

    python -m bench.throughput --sentences FILE --articles FILE.jsonl [--quick]

One table for sentences (Translate) and one for whole articles through both models (Digest).
First row: the engine alone, perfectly sorted. Then the service over gRPC: closed loop from 1 to
256 callers, then requests that arrive at random at rising rates, in shares of the most that
callers got. `share` is of the first row, in tokens of input a second.

`core ms` is the processor time of a token, in thousandths of a second, of the engine and of all
the server's processes together. Where both saturate the cores and nothing stands idle, its ratio
(`of cores`) is `share`; unlike that, it is not disturbed by other work on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from bench import ceiling
from bench.bed import Bed, arguments, connected, prepare, serving
from bench.load import Answer, Item, arriving, closed, overall, percentile, show

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
    parser.add_argument(
        "--requests", type=int, default=384, help="of each row of sentences, at most"
    )
    parser.add_argument("--callers", type=int, nargs="*", default=[1, 4, 16, 64, 256])
    parser.add_argument("--rates", type=float, nargs="*", default=[0.5, 0.8])
    parser.add_argument("--only", choices=["sentences", "articles"], help="one of the tables")
    given = parser.parse_args()
    bed = prepare(given)
    most = 48 if given.quick else given.requests
    if given.only != "articles":
        print("\nSentences: Translate, one a request\n")
        best, budget = ceiling.apart(ceiling.sentences, bed, 5.0 if given.quick else 30.0)
        name = f"engine alone, sorted, {budget:,} tokens a batch"
        await table(bed, given, name, best, "Translate", bed.translations(), most)
        lengths = ceiling.apart(ceiling.outputs, bed, 64)
        print(f"\nTokens of a translation: {spread(lengths)}.")
    if given.only != "sentences":
        print("\nArticles: Digest, through both models\n")
        count = most // 12  # an article takes as long as dozens of sentences do
        best, lengths = ceiling.apart(ceiling.articles, bed, count, ceiling.BUDGETS[0])
        name = f"engines alone, {count} articles, sorted"
        await table(bed, given, name, best, "Digest", bed.digests(), count)
        print(f"\nTokens of a summary: {spread(lengths)}.")
    print(f"\n{bed.describe()}")


async def table(
    bed: Bed,
    given: argparse.Namespace,
    name: str,
    best: ceiling.Speed,
    rpc: str,
    items: Iterator[Item[Any]],
    most: int,
) -> None:
    """Measure the service beside the engine."""
    cost = f"{best.core_seconds * 1e3:.2f}"
    rows = [[name, f"{best.tokens:,.0f}", "", "1.00", cost, "1.00", *[""] * 4]]
    async with serving(*bed.flags, *given.flags) as server, connected(server) as stub:
        ask = getattr(stub, rpc)
        await closed(ask, islice(items, most // 4), 16, WARMING)
        requests = 0.0
        for callers in given.callers:
            before = server.core_seconds()
            some = islice(items, min(most, 12 * callers))
            answers = await closed(ask, some, callers, math.inf)
            used = server.core_seconds() - before
            rows.append(row(f"{callers} callers", answers, used, best))
            requests = max(requests, overall([replace(answer, cost=1.0) for answer in answers]))
        for share in given.rates:
            before = server.core_seconds()
            answers = await arriving(ask, items, requests * share, most / requests / 2)
            used = server.core_seconds() - before
            rows.append(row(f"arriving at {requests * share:.2f}/s", answers, used, best))
    show(HEAD, rows)


def row(name: str, answers: Sequence[Answer], used: float, best: ceiling.Speed) -> list[str]:
    """One row of the table; ``used`` are core seconds."""
    good = [answer for answer in answers if not answer.error]
    tokens, requests = overall(good), overall([replace(answer, cost=1.0) for answer in good])
    cost = used / max(1.0, sum(answer.cost for answer in good))
    return [
        name,
        f"{tokens:,.0f}",
        f"{requests:.2f}",
        f"{tokens / best.tokens:.2f}",
        f"{cost * 1e3:.2f}",
        f"{best.core_seconds / cost:.2f}",
        *(f"{percentile(good, share):.2f}" for share in (0.5, 0.95, 0.99)),
        str(len(answers) - len(good)),
    ]


def spread(lengths: Sequence[int]) -> str:
    """Tenths of a distribution, in words."""
    tenths = statistics.quantiles(lengths, n=10)
    return f"10 % below {tenths[0]:.0f}, half below {tenths[4]:.0f}, 90 % below {tenths[8]:.0f}"


if __name__ == "__main__":
    asyncio.run(main())
