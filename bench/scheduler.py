"""What the scheduler itself costs, over a lane that computes nothing.

Callers keep a number of units queued: each asks for the units of one article,
and when it has the answers, for the next. `gap` is the scheduler's own delay,
for which the lane is idle: from the end of a batch until the next one comes;
the answers are given out while that one runs. It and `cpu`, the time per unit with the
callers' part, are processor time, so that other work on the machine does not
count; units/s are by the wall clock, and it does. The garbage collector is set as in a server
that is warm.

    python bench/scheduler.py [--seconds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import os
import platform
import random
import time
from collections.abc import Awaitable, Sequence

from service.scheduler import Batch, Output, Policy, Scheduler, Spare, Unit, nothing
from service.schema import Priority
from service.tidying import settle

QUEUED = (100, 1_000, 10_000)
PER_JOB = (1, 10)


class NullLane:
    """Answers at once, and notes how long it was idle."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self._free = math.nan

    async def start(self) -> None:
        """Nothing to load."""

    async def stop(self) -> None:
        """Nothing to end."""

    async def wait(self) -> None:
        """It never dies."""
        await asyncio.Event().wait()

    def drop(self, batch: Batch, positions: Sequence[int]) -> None:
        """It has answered before anybody can leave."""

    def run(self, batch: Batch, spare: Spare = nothing) -> Awaitable[Sequence[Output]]:
        """Answer, but let the callers have their turn first, as a real lane does."""
        self.gaps.append(time.process_time() - self._free)
        return self._answer(batch)

    async def _answer(self, batch: Batch) -> Sequence[Output]:
        await asyncio.sleep(0)
        outputs = [Output(None, unit.output_tokens) for unit in batch.units]
        self._free = time.process_time()
        return outputs


async def measure(queued: int, per_job: int, seconds: float) -> list[str]:
    """One row of the table."""
    lane, numbers, lengths = NullLane(), itertools.count(), random.Random(0)
    policy = Policy(queue_tokens=queued * 200)
    async with Scheduler([lane], policy, sizeof=lambda _: 100) as scheduler:

        async def ask() -> None:
            while True:
                units = [
                    Unit("translator", "default", None, next(numbers), length, length)
                    for length in (lengths.randint(5, 60) for _ in range(per_job))
                ]
                deadline = time.monotonic() + 600
                async with scheduler.job(priority=Priority.BULK, deadline=deadline) as job:
                    await job.run(units)

        callers = [asyncio.create_task(ask()) for _ in range(queued // per_job)]
        await asyncio.sleep(seconds / 3)  # the first round, with every queue still growing
        lane.gaps.clear()
        before, began, cpu = scheduler.stats(), time.perf_counter(), time.process_time()
        await asyncio.sleep(seconds)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        after = scheduler.stats()
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
    old, new = before.queues["translator"], after.queues["translator"]
    done = new.units - old.units
    gaps = sorted(lane.gaps)
    p50, p99 = (gaps[int(len(gaps) * share)] * 1e3 for share in (0.5, 0.99))
    size = done / (new.batches - old.batches)
    row = f"{queued:,}", f"{per_job}", f"{done / took:,.0f}", f"{cpu / done * 1e6:.0f}"
    return [*row, f"{size:.0f}", f"{new.padding:.1%}", f"{p50:.2f}", f"{p99:.2f}"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    seconds = parser.parse_args().seconds
    settle()
    rows = [["queued", "per job", "units/s", "cpu µs", "batch", "padding", "gap p50 ms", "p99 ms"]]
    for queued, per_job in itertools.product(QUEUED, PER_JOB):
        rows.append(asyncio.run(measure(queued, per_job, seconds)))
    for row in rows:
        print("".join(cell.rjust(12) for cell in row))
    load = os.getloadavg()[0]
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}")


if __name__ == "__main__":
    main()
