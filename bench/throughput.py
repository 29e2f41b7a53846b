"""How much of the engine's speed do callers see?

    python -m bench.throughput --sentences FILE --articles FILE.jsonl [--quick]

One table for sentences (Translate) and one for whole articles through both models (Digest).
First row: the engine alone, perfectly sorted. Then the service over gRPC: closed loop from 1 to
256 callers, then requests that arrive at random at rising rates, told in shares of what 256
callers got. `share` is of the first row, in tokens of input a second.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from bench import ceiling
from bench.bed import Bed, arguments, connected, prepare, serving
from bench.load import Answer, Item, after, arriving, closed, percentile, rate, show

HEAD = ["", "tokens/s", "requests/s", "share", "p50 s", "p95 s", "p99 s", "errors"]


async def main() -> None:
    """Measure, and print."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each row")
    parser.add_argument("--callers", type=int, nargs="*", default=[1, 4, 16, 64, 256])
    parser.add_argument("--rates", type=float, nargs="*", default=[0.5, 0.8])
    parser.add_argument("--only", choices=["sentences", "articles"], help="one of the tables")
    given = parser.parse_args()
    bed = prepare(given)
    seconds = 3.0 if given.quick else given.seconds
    if given.only != "articles":
        print("\nSentences: Translate, one a request\n")
        best, budget = ceiling.apart(ceiling.sentences, bed, seconds * 2)
        name = f"engine alone, sorted, {budget:,} tokens a batch"
        await table(bed, given, name, best, "Translate", bed.translations(), seconds)
        lengths = ceiling.apart(ceiling.outputs, bed, 64)
        print(f"\nTokens of a translation: {spread(lengths)}.")
    if given.only != "sentences":
        print("\nArticles: Digest, through both models\n")
        count = 8 if given.quick else 24
        best, lengths = ceiling.apart(ceiling.articles, bed, count, ceiling.BUDGETS[2])
        name = f"engines alone, {count} articles, sorted"
        # An article takes as long as dozens of sentences do.
        await table(bed, given, name, best, "Digest", bed.digests(), seconds * 2)
        print(f"\nTokens of a summary: {spread(lengths)}.")
    print(f"\n{bed.describe()}")


async def table(
    bed: Bed,
    given: argparse.Namespace,
    name: str,
    best: float,
    rpc: str,
    items: Iterator[Item[Any]],
    seconds: float,
) -> None:
    """Measure the service beside the engine."""
    rows = [[name, f"{best:,.0f}", "", "1.00", "", "", "", ""]]
    async with serving(*bed.flags, *given.flags) as address, connected(address) as stub:
        ask = getattr(stub, rpc)
        most = 0.0
        for callers in given.callers:
            answers = await closed(ask, items, callers, seconds * 1.5)
            rows.append(row(f"{callers} callers", answers, seconds / 2, best))
            most = max(most, requests_a_second(answers, seconds / 2))
        for share in given.rates if most > 0 else ():
            answers = await arriving(ask, items, most * share, seconds)
            rows.append(row(f"arriving at {most * share:.2f}/s", answers, 0.0, best))
    show(HEAD, rows)


def row(name: str, answers: Sequence[Answer], warm_up: float, best: float) -> list[str]:
    """One row of the table."""
    good = [answer for answer in after(answers, warm_up) if not answer.error]
    tokens, requests = rate(answers, warm_up), requests_a_second(answers, warm_up)
    times = [f"{percentile(good, share):.2f}" for share in (0.5, 0.95, 0.99)]
    errors = str(sum(bool(answer.error) for answer in answers))
    return [name, f"{tokens:,.0f}", f"{requests:.2f}", f"{tokens / best:.2f}", *times, errors]


def requests_a_second(answers: Sequence[Answer], warm_up: float) -> float:
    """As ``rate``, with each request counting as one."""
    return rate([replace(answer, cost=1.0) for answer in answers], warm_up)


def spread(lengths: Sequence[int]) -> str:
    """Tenths of a distribution, in words."""
    tenths = statistics.quantiles(lengths, n=10)
    return f"10 % below {tenths[0]:.0f}, half below {tenths[4]:.0f}, 90 % below {tenths[8]:.0f}"


if __name__ == "__main__":
    asyncio.run(main())
