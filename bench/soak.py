"""An hour of everything at once against a real server: does anything grow, is anything lost?

    python -m bench.soak --minutes 60

A server with TLS, tokens and metrics gets a moderate, seeded mixture of callers
(``bench/visitors.py``): sound and broken requests, streams, slow readers and some that never
read, cancellations, deadlines, disconnects; meanwhile its certificate and its tokens change.
Every answer is checked against what was asked.

Now and then nobody comes, until nothing is in work: then memory, processes, threads,
descriptors, sockets and event-loop tasks are counted, and they have to be as before. Growth
an hour is the slope of a line with its 95 % interval, the first part of the run (ten minutes
of an hour) left out.

It fails (exit code 1) for any answer that is wrong or missing, any code out of place, any
defect in the server's log, any count that grows, and for memory that grows by more than
10 MB an hour, which a run of less than half an hour is too short to tell.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from bench.bed import Server, free_port, metrics_of, run, serving
from bench.files import Files
from bench.load import show
from bench.visitors import PATIENCE, Visitors, Wrong, known_phrases
from bench.vitals import Vitals, growth, vitals
from service.tidying import QUIET

TRANSLATOR = Path(__file__).parent.parent / "tests" / "data" / "tiny-marian-en-ru"
MOST_MB_AN_HOUR = 10.0
AT_ONCE = 64
MINUTES_TO_TELL = 30.0
REPORTED = ("memory_mb", "resident_mb", "processes", "threads", "descriptors", "sockets", "tasks")
COUNTED = REPORTED[2:]


@dataclass
class Soak:
    """What came of a run."""

    minutes: float
    warm: float  # the part of it that is left out, in minutes
    visits: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    rests: list[Vitals] = field(default_factory=list)
    core_share: float = 0.0  # of one core, that the server took

    def judge(self) -> None:
        """Add to ``wrong`` what grew."""
        later = self.later
        hours = [rest.hours for rest in later]
        span = hours[-1] - hours[0]
        for name in COUNTED:
            grown = growth(hours, [getattr(rest, name) for rest in later])
            if grown.low * span >= 1:  # for sure, and by a whole one
                self.wrong.append(f"{name} grow by {grown.slope:.1f} an hour")
        memory = growth(hours, [rest.memory_mb for rest in later])
        if span * 60 >= MINUTES_TO_TELL and memory.slope > MOST_MB_AN_HOUR:
            self.wrong.append(f"memory grows by {memory.slope:.1f} MB an hour")

    @property
    def later(self) -> list[Vitals]:
        """The rests that count."""
        return [rest for rest in self.rests if rest.hours * 60 >= self.warm]

    def tell(self) -> None:
        """Print it all."""
        rows: list[Sequence[str]] = []
        for name, outcome in sorted(self.visits):
            rows.append((name, outcome, f"{self.visits[name, outcome]:,}"))
        show(("visit", "outcome", "count"), rows)
        print()
        later = self.later
        hours = [rest.hours for rest in later]
        rows = []
        for name in REPORTED:
            values = [getattr(rest, name) for rest in later]
            grown = growth(hours, values)
            rows.append(
                (
                    name, f"{values[0]:.1f}", f"{values[-1]:.1f}", f"{min(values):.1f}",
                    f"{max(values):.1f}", f"{grown.slope:+.2f}",
                    f"{grown.low:+.2f} to {grown.high:+.2f}",
                )
            )  # fmt: skip
        show(("at rest", "first", "last", "least", "most", "an hour", "95 %"), rows)
        print(
            f"\n{self.minutes:g} minutes, {self.visits.total():,} visits, {len(later)} rests after "
            f"{self.warm:g} minutes; the server took {self.core_share:.0%} of a core."
        )
        for line in self.wrong[:50]:
            print(f"WRONG {line}")


async def soak(minutes: float, rate: float, rests: int, seed: int = 1) -> Soak:
    """Run it. ``rate`` is visits a second while there are any; ``rests`` are spread evenly."""
    result = Soak(minutes, warm=min(10.0, minutes / 4))
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder))
        metrics = f"127.0.0.1:{free_port()}"
        flags = ["--preset", "starter", "--translator", str(TRANSLATOR), "--compute-type", "int8"]
        # Connections grow old every other minute or sooner, so that this, too, happens often.
        # A small cache, full before anything is counted: filling it is no growth.
        age = str(min(120.0, minutes * 15))
        flags += ["--metrics", metrics, "--max-connection-age", age, "--cache-bytes", "1000000"]
        flags += files.flags()
        async with serving(*flags, access=files.access("newsroom")) as server:
            visitors = Visitors(server, files, known_phrases(TRANSLATOR), seed)
            await _run(result, server, visitors, metrics, rate, rests)
            await visitors.close()
        defects = ("Traceback", "internal error", "defect")
        result.wrong += [line.rstrip() for line in server.log if any(d in line for d in defects)]
    result.judge()
    return result


async def _run(
    result: Soak, server: Server, visitors: Visitors, metrics: str, rate: float, rests: int
) -> None:
    began, cpu = time.monotonic(), server.core_seconds()
    for rest in range(rests):
        until = began + result.minutes * 60 * (rest + 1) / rests
        await _visit(result, visitors, rate, until)
        await visitors.connect()  # so that as many connections are counted at each rest
        counts = await _at_rest(metrics)
        elapsed = time.monotonic() - began
        result.rests.append(vitals(server, elapsed / 3600, counts["svodka_tasks"]))
        print(f"{elapsed / 60:6.1f} min  {result.rests[-1]}", file=sys.stderr, flush=True)
    for event in ("failed", "lane_deaths"):
        if counts[event]:
            result.wrong.append(f"the scheduler counts {counts[event]:g} {event}")
    result.core_share = (server.core_seconds() - cpu) / (time.monotonic() - began)


async def _visit(result: Soak, visitors: Visitors, rate: float, until: float) -> None:
    """Visits at random times, ``rate`` a second, and one change of the files; all have ended."""
    room = asyncio.Semaphore(AT_ONCE)

    async def make(name: str, visit: Callable[[], Awaitable[str]]) -> None:
        async with room:
            try:
                outcome = await visit()
            except Wrong as wrong:
                outcome = "WRONG"
                result.wrong.append(f"{name}: {wrong}")
            except Exception as error:  # an answer that did not come, above all
                outcome = "WRONG"
                result.wrong.append(f"{name}: {type(error).__name__}: {error}")
        result.visits[name, outcome] += 1

    async with asyncio.TaskGroup() as group:
        group.create_task(make("reload", visitors.reload))
        while time.monotonic() < until:
            group.create_task(make(*visitors.draw()))
            await asyncio.sleep(random.expovariate(rate))


async def _at_rest(metrics: str) -> dict[str, float]:
    """What the server counts, once nothing is in work and its tasks have come to an end."""
    before: dict[str, float] = {}
    async with asyncio.timeout(PATIENCE):
        while True:
            page = await asyncio.to_thread(metrics_of, metrics)
            counts = {
                sample.labels.get("event", sample.name): sample.value
                for family in text_string_to_metric_families(page)
                for sample in family.samples
            }
            if not counts["svodka_jobs"] and counts["svodka_tasks"] == before.get("svodka_tasks"):
                return counts
            before = counts
            # Longer than anything that is about to end takes, and until the server has tidied up.
            await asyncio.sleep(3 * QUIET)


def main() -> int:
    """Run it, print it, and judge it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=3.0, help="visits a second")
    parser.add_argument("--rests", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    result = run(soak(asked.minutes, asked.rate, asked.rests, asked.seed))
    result.tell()
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
