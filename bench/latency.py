"""How long does somebody wait while a dump saturates the lane?

    python -m bench.latency --sentences FILE --articles FILE.jsonl [--quick]

Bulk work comes as a stream does, from callers of priority BULK who always have one request in
work. Interactive requests arrive at random beside it, as one in twenty of what bulk alone gets
done, but a few at least: `share` is what they were of all that was done. One table for
sentences and one for whole articles, a row for each bound on a batch's duration (`--bounds`, the
server's `--batch-seconds`): the setting that moves along the trade-off. `p95/idle` is interactive
latency against the same requests on an idle server, `kept` what bulk keeps of its own peak.

A p95 wants many requests. For articles, of which a CPU does one in a second, that takes
long: `--only articles --seconds 40`.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.bed import Bed, arguments, asking, connected, prepare, run, serving
from bench.load import Answer, Item, arriving, closed, percentile, rate, show
from svodka.v1 import svodka_service_pb2 as pb

SHARE = 0.05


@dataclass(frozen=True)
class Kind:
    """What is asked for, and on what scale: an article takes as long as dozens of sentences."""

    callers: int  # of bulk
    times: float  # as long as sentences take
    least: int  # interactive requests, about
    bounds: Sequence[float]


KINDS = {
    "sentences": Kind(64, 1.0, 8, (0.5, 2.0)),
    "articles": Kind(16, 4.0, 4, (0.5,)),
}
HEAD = ["bound s", "bulk peak", "kept", "requests", "share", "p50", "p95", "p95/idle"]


async def main() -> None:
    """Measure, and print."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each phase, for sentences")
    parser.add_argument("--bounds", type=float, nargs="*")
    parser.add_argument("--only", choices=KINDS, help="one of the tables")
    given = parser.parse_args()
    bed = prepare(given)
    for name in [given.only] if given.only else KINDS:
        kind = KINDS[name]
        seconds = (3.0 if given.quick else given.seconds) * kind.times
        idle = await alone(bed, given, name, seconds)
        print(
            f"\n{name.capitalize()}; seconds, and tokens a second. On an idle server: "
            f"p50 {percentile(idle, 0.5):.2f}, p95 {percentile(idle, 0.95):.2f}\n"
        )
        calm, bounds = percentile(idle, 0.95), given.bounds or kind.bounds
        show(HEAD, [await row(bed, given, name, bound, seconds, calm) for bound in bounds])
    print(f"\n{bed.describe()}")


def work(bed: Bed, name: str) -> tuple[Iterator[Item[Any]], Iterator[Item[Any]]]:
    """Bulk and interactive requests."""
    bulk, interactive = (bed.requests(name, seed=seed) for seed in (1, 2))
    return of(bulk, pb.PRIORITY_BULK), of(interactive, 0)


async def alone(bed: Bed, given: argparse.Namespace, name: str, seconds: float) -> list[Answer]:
    """Interactive requests one by one on an idle server."""
    _, interactive = work(bed, name)
    async with serving(*bed.flags, *given.flags) as server, connected(server) as stub:
        ask = asking(stub, name)
        await closed(ask, itertools.islice(interactive, 2), 1, seconds)  # the first are slower
        return await closed(ask, interactive, 1, seconds)


async def row(
    bed: Bed, given: argparse.Namespace, name: str, bound: float, seconds: float, calm: float
) -> list[str]:
    """One bound on the duration of a batch; ``calm`` is an idle server's p95."""
    kind, (bulk, interactive) = KINDS[name], work(bed, name)
    flags = ["--batch-seconds", str(bound), *given.flags]
    async with serving(*bed.flags, *flags) as server, connected(server) as stub:
        ask = asking(stub, name)
        undisturbed = await closed(ask, bulk, kind.callers, seconds * 1.5)
        peak = rate(undisturbed, seconds / 2)
        rhythm = SHARE * peak / statistics.mean(answer.cost for answer in undisturbed)
        rhythm = max(rhythm, kind.least / (seconds * 1.5))
        loading = asyncio.create_task(closed(ask, bulk, kind.callers, seconds * 2))
        await asyncio.sleep(seconds / 2)
        urgent = await arriving(ask, interactive, rhythm, seconds * 1.5)
        loaded = await loading
    p95 = percentile(urgent, 0.95)
    kept = rate(loaded, seconds / 2)
    wanted = sum(answer.cost for answer in urgent) / (seconds * 1.5)
    return [
        f"{bound:g}",
        f"{peak:,.0f}",
        f"{kept / peak:.2f}",
        str(len(urgent)),
        f"{wanted / (wanted + kept):.0%}",
        f"{percentile(urgent, 0.5):.2f}",
        f"{p95:.2f}",
        f"{p95 / calm:.2f}",
    ]


def of(items: Iterator[Item[Any]], priority: Any) -> Iterator[Item[Any]]:
    """The same requests with another priority; 0 leaves it to the rpc."""
    for item in itertools.chain(items):
        item.request.priority = priority
        yield item


if __name__ == "__main__":
    run(main())
