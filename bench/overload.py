"""What becomes of callers when far more comes than can be done?

    python -m bench.overload --sentences FILE --articles FILE.jsonl [--quick]

First the sustainable load: 256 callers in a closed loop, told as the peak. Then sentences arrive
at random at 1 and 4 times that rate, each with a deadline of `--deadline` seconds. `goodput` is
what was answered within its deadline, in tokens a second, once the queue has had a deadline's time
to fill, and its share of the peak; `refused` is how many were told to come back later
(RESOURCE_EXHAUSTED), which share of them was told when (RetryInfo), and how long the call took;
`late` had their deadline pass. `queue` is the most tokens that ever waited in a class, seen twice a
second, of those allowed. A row is to be three deadlines long at least, or its queue is not yet full
for most of it.

`lag p99` is by how much the callers' own loop was late: they share the cores with the server, and
what a refusal takes includes their own wait for a core.
"""

from __future__ import annotations

import asyncio
import re
import statistics
from collections import Counter
from contextlib import suppress
from functools import partial
from operator import attrgetter
from typing import Any

import grpc.aio

from bench.bed import arguments, connected, free_port, metrics_of, prepare, run, serving
from bench.load import Answer, arriving, closed, percentile, rate, show, until
from service.rpc.status import received

CALLERS = 256
QUEUE_TOKENS = 200_000
WAITING = r'^svodka_waiting_tokens{priority="(\w+)".*} (\S+)$'
TAKEN, LAG = attrgetter("taken"), attrgetter("lag")


class Untold(Exception):
    """Refused, and not told when to come back."""


HEAD = [
    "load", "sent", "goodput", "of peak", "p50 s", "refused", "told when", "p50 ms", "p99 ms",
    "late", "other", "queue", "of", "lag p99 ms",
]  # fmt: skip


async def main() -> None:
    """Measure, and print."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=24.0, help="of each row")
    parser.add_argument("--deadline", type=float, default=8.0, help="of each request, in seconds")
    parser.add_argument("--loads", type=float, nargs="*", default=[1.0, 4.0])
    given = parser.parse_args()
    bed = prepare(given)
    seconds, deadline = (9.0, 3.0) if given.quick else (given.seconds, given.deadline)
    metrics = f"127.0.0.1:{free_port()}"
    flags = [*bed.flags, "--metrics", metrics, "--queue-tokens", str(QUEUE_TOKENS), *given.flags]
    async with serving(*flags) as server, connected(server) as stub:
        items = bed.translations()
        peak = await closed(stub.Translate, items, CALLERS, seconds * 1.2)
        most = rate(peak, seconds / 3)
        each = most / statistics.mean(answer.cost for answer in peak)
        rows = [["peak", "", f"{most:,.0f}", "1.00", f"{percentile(peak, 0.5):.2f}", *[""] * 9]]
        for load in given.loads:
            watching = asyncio.create_task(watch(metrics))
            answers = await arriving(partial(ask, stub, deadline), items, each * load, seconds)
            watching.cancel()
            goodput = rate(until(answers, seconds), min(deadline, seconds / 3))
            rows.append(row(load, answers, goodput, most, await watching))
    show(HEAD, rows)
    print(f"\n{bed.describe()}")


async def ask(stub: Any, deadline: float, request: Any) -> None:
    """Raises Untold for a refusal that does not say when to come back."""
    try:
        await stub.Translate(request, timeout=deadline)
    except grpc.aio.AioRpcError as error:
        status = received(error.code(), error.details(), error.trailing_metadata())
        refused = error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        raise Untold if refused and status.retry_after is None else error from None


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


def row(load: float, answers: list[Answer], goodput: float, most: float, queue: float) -> list[str]:
    """One load."""
    by: dict[str, list[Answer]] = {}
    for answer in answers:
        by.setdefault(answer.error, []).append(answer)
    good = by.pop("", [])
    refused = by.pop("RESOURCE_EXHAUSTED", [])
    untold = by.pop("Untold", [])
    late = by.pop("DEADLINE_EXCEEDED", [])
    refusals = [*refused, *untold]
    return [
        f"{load:g} x",
        str(len(answers)),
        f"{goodput:,.0f}",
        f"{goodput / most:.2f}",
        f"{percentile(good, 0.5):.2f}",
        str(len(refusals)),
        f"{len(refused) / len(refusals):.0%}" if refusals else "",
        f"{percentile(refusals, 0.5, TAKEN) * 1e3:.1f}",
        f"{percentile(refusals, 0.99, TAKEN) * 1e3:.1f}",
        str(len(late)),
        " ".join(f"{len(some)} {name}" for name, some in by.items()) or "0",
        f"{queue:,.0f}",
        f"{QUEUE_TOKENS:,}",
        f"{percentile(answers, 0.99, LAG) * 1e3:.1f}",
    ]


if __name__ == "__main__":
    run(main())
