"""What becomes of callers when far more comes than can be done?

    python -m bench.overload --sentences FILE --articles FILE.jsonl [--quick]
    python -m bench.overload … --only articles --callers 8 16 --deadline 40 --seconds 120

Each request has a deadline of `--deadline` seconds. First the sustainable load: 64, 96 and 128
callers in a closed loop, who come back when they are told to. Then requests arrive at random at 1
and 4 times the rate of the best of these; then the callers of the beginning once more, since the
machine may be another one by now. `goodput` is what was answered within its deadline, in tokens a
second, once the queue has had a deadline's time to fill, and `of peak` its share of the best
closed loop's, the mean of its two rows. `refused` is how many were told to come back later
(RESOURCE_EXHAUSTED), which share of them was told when (RetryInfo), and how long the call took;
`late` had their deadline pass. `queue` is the most tokens that ever waited in a class, seen twice a
second, of those allowed. A row of arrivals is to be three deadlines long at least, or its queue is
not yet full for most of it.

`lag p99` is by how much the callers' own loop was late: they share the cores with the server, and
what a refusal takes includes their own wait for a core. `callers` and `door` are how much of a core
the callers took, and the server's own process, which refuses: what the models do not get.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any

import grpc.aio

from bench.bed import (
    RPCS,
    arguments,
    asking,
    connected,
    free_port,
    metrics_of,
    prepare,
    run,
    serving,
)
from bench.load import Answer, arriving, closed, percentile, rate, show, until
from service.rpc.status import received

CALLERS = (64, 96, 128)
QUEUE_TOKENS = 200_000
WAITING = r'^svodka_waiting_tokens{priority="(\w+)".*} (\S+)$'
TAKEN, LAG = attrgetter("taken"), attrgetter("lag")


class Untold(Exception):
    """Refused, and not told when to come back."""


HEAD = [
    "load", "sent", "goodput", "of peak", "p50 s", "p99 s", "refused", "told when", "p50 ms",
    "p99 ms", "late", "other", "queue", "of", "lag p99 ms", "callers", "door",
]  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One load."""

    load: str
    answers: list[Answer]
    goodput: float  # tokens a second
    queue: float  # the most tokens that waited
    callers: float  # cores
    door: float
    patient: bool  # a refusal's time is that until its caller asks again, no one's to be told

    @property
    def requests(self) -> float:
        """A second that are answered in time."""
        good = [answer.cost for answer in self.answers if not answer.error]
        return self.goodput / statistics.mean(good)


async def main() -> None:
    """Measure, and print."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=24.0, help="of each row of arrivals")
    parser.add_argument("--deadline", type=float, default=8.0, help="of each request, in seconds")
    parser.add_argument("--loads", type=float, nargs="*", default=[1.0, 4.0])
    parser.add_argument("--callers", type=int, nargs="*", default=CALLERS)
    parser.add_argument("--only", choices=RPCS, default="sentences")
    given = parser.parse_args()
    bed = prepare(given)
    seconds, deadline = (9.0, 3.0) if given.quick else (given.seconds, given.deadline)
    metrics = f"127.0.0.1:{free_port()}"
    flags = [*bed.flags, "--metrics", metrics, "--queue-tokens", str(QUEUE_TOKENS), *given.flags]
    async with serving(*flags) as server, connected(server) as stub:
        items, call = bed.requests(given.only), asking(stub, given.only)

        async def measured(
            load: str,
            answering: Coroutine[Any, Any, list[Answer]],
            lasts: float,
            patient: bool,
        ) -> Row:
            watching = asyncio.create_task(watch(metrics))
            began, callers, door = time.monotonic(), time.process_time(), server.own_seconds()
            answers = await answering
            took = time.monotonic() - began
            callers, door = time.process_time() - callers, server.own_seconds() - door
            watching.cancel()
            goodput = rate(until(answers, lasts), min(deadline, lasts / 3))
            return Row(load, answers, goodput, await watching, callers / took, door / took, patient)

        async def closing(callers: int) -> Row:
            asked = closed(partial(patient, call, deadline), items, callers, seconds / 2)
            return await measured(f"{callers} callers", asked, seconds / 2, patient=True)

        before = [await closing(callers) for callers in given.callers]
        each = max(row.requests for row in before)
        rows = []
        for load in given.loads:
            asked = arriving(partial(ask, call, deadline), items, each * load, seconds)
            rows.append(await measured(f"{load:g} x", asked, seconds, patient=False))
        after = [await closing(callers) for callers in reversed(given.callers)]
    pairs = zip(before, reversed(after), strict=True)
    peak = max((one.goodput + other.goodput) / 2 for one, other in pairs)
    show(HEAD, [cells(row, peak) for row in (*before, *rows, *after)])
    print(f"\n{bed.describe()}")


async def ask(call: Any, deadline: float, request: Any) -> None:
    """Raises Untold for a refusal that does not say when to come back."""
    try:
        await call(request, timeout=deadline)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and told(error) is None:
            raise Untold from None
        raise


async def patient(call: Any, deadline: float, request: Any) -> None:
    """The same; who is refused asks no more until the time that it was told."""
    try:
        await ask(call, deadline, request)
    except grpc.aio.AioRpcError as error:
        await asyncio.sleep(told(error) or 0.0)
        raise


def told(error: grpc.aio.AioRpcError) -> float | None:
    """When to come back, in seconds."""
    return received(error.code(), error.details(), error.trailing_metadata()).retry_after


async def watch(metrics: str) -> float:
    """Return, when cancelled, the most tokens that waited at once in a class."""
    most = 0.0
    with suppress(asyncio.CancelledError):
        while True:
            page = await asyncio.to_thread(metrics_of, metrics)
            waiting = Counter[str]()
            for priority, tokens in re.findall(WAITING, page, re.MULTILINE):
                waiting[priority] += float(tokens)  # pyright: ignore[reportArgumentType]
            most = max(most, *waiting.values(), 0.0)
            await asyncio.sleep(0.5)
    return most


def cells(row: Row, peak: float) -> list[str]:
    """One row of the table."""
    by: dict[str, list[Answer]] = {}
    for answer in row.answers:
        by.setdefault(answer.error, []).append(answer)
    good = by.pop("", [])
    refused = by.pop("RESOURCE_EXHAUSTED", [])
    untold = by.pop("Untold", [])
    late = by.pop("DEADLINE_EXCEEDED", [])
    refusals = [*refused, *untold]
    at_once = [] if row.patient else refusals
    return [
        row.load,
        str(len(row.answers)),
        f"{row.goodput:,.0f}",
        f"{row.goodput / peak:.2f}",
        f"{percentile(good, 0.5):.2f}",
        f"{percentile(good, 0.99):.2f}",
        str(len(refusals)),
        f"{len(refused) / len(refusals):.0%}" if refusals else "",
        f"{percentile(at_once, 0.5, TAKEN) * 1e3:.1f}",
        f"{percentile(at_once, 0.99, TAKEN) * 1e3:.1f}",
        str(len(late)),
        " ".join(f"{len(some)} {name}" for name, some in by.items()) or "0",
        f"{row.queue:,.0f}",
        f"{QUEUE_TOKENS:,}",
        f"{percentile(row.answers, 0.99, LAG) * 1e3:.1f}",
        f"{row.callers:.2f}",
        f"{row.door:.2f}",
    ]


if __name__ == "__main__":
    run(main())
