"""How long does somebody wait while a dump saturates the lane?

    python -m bench.latency --sentences FILE --articles FILE.jsonl [--quick]

Bulk work comes as a stream does, 64 callers of priority BULK who always have one request in
work. Interactive requests arrive at random beside it, as one in twenty of what bulk alone gets
done. One table for sentences and one for whole articles, a row for each bound on a batch's
duration (`--batch-seconds`): the setting that moves along the trade-off. `p95/idle` is interactive
latency against the same requests on an idle server, `kept` what bulk keeps of its own peak.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
from collections.abc import Iterator
from typing import Any

from bench.bed import Bed, arguments, connected, prepare, serving
from bench.load import Item, arriving, closed, percentile, rate, show
from svodka.v1 import svodka_service_pb2 as pb

CALLERS = 64
SHARE = 0.05
HEAD = ["bound s", "idle p50", "idle p95", "bulk peak", "with: p50", "p95", "p95/idle", "kept"]


async def main() -> None:
    """Measure, and print."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each phase, for sentences")
    parser.add_argument("--bounds", type=float, nargs="*", default=[0.5, 2.0, 8.0])
    parser.add_argument("--only", choices=["sentences", "articles"], help="one of the tables")
    given = parser.parse_args()
    bed = prepare(given)
    seconds = 3.0 if given.quick else given.seconds
    for kind in ("sentences", "articles"):
        if given.only in (None, kind):
            print(f"\n{kind.capitalize()}; seconds, and tokens a second\n")
            length = seconds if kind == "sentences" else seconds * 2
            show(HEAD, [await row(bed, given, kind, bound, length) for bound in given.bounds])
    print(f"\n{bed.describe()}")


async def row(
    bed: Bed, given: argparse.Namespace, kind: str, bound: float, seconds: float
) -> list[str]:
    """One bound on the duration of a batch."""
    make = bed.translations if kind == "sentences" else bed.digests
    bulk, interactive = of(make(seed=1), pb.PRIORITY_BULK), of(make(seed=2), 0)
    flags = ["--batch-seconds", str(bound), *given.flags]
    async with serving(*bed.flags, *flags) as server, connected(server) as stub:
        ask = stub.Translate if kind == "sentences" else stub.Digest
        idle = await closed(ask, interactive, 1, seconds)
        alone = await closed(ask, bulk, CALLERS, seconds * 1.5)
        peak = rate(alone, seconds / 2)
        rhythm = SHARE * peak / statistics.mean(answer.cost for answer in alone)
        loading = asyncio.create_task(closed(ask, bulk, CALLERS, seconds * 2))
        await asyncio.sleep(seconds / 2)
        urgent = await arriving(ask, interactive, rhythm, seconds * 1.5)
        kept = rate(await loading, seconds / 2) / peak
    p95, calm = percentile(urgent, 0.95), percentile(idle, 0.95)
    return [
        f"{bound:g}",
        f"{percentile(idle, 0.5):.2f}",
        f"{calm:.2f}",
        f"{peak:,.0f}",
        f"{percentile(urgent, 0.5):.2f}",
        f"{p95:.2f}",
        f"{p95 / calm:.2f}",
        f"{kept:.2f}",
    ]


def of(items: Iterator[Item[Any]], priority: Any) -> Iterator[Item[Any]]:
    """The same requests with another priority; 0 leaves it to the rpc."""
    for item in itertools.chain(items):
        item.request.priority = priority
        yield item


if __name__ == "__main__":
    asyncio.run(main())
