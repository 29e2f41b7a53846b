"""A unit on its way, and the calls that wait for it.

Entries and calls know each other and nothing else: an entry neither orders
itself nor computes, a call neither admits nor expires.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Hashable
from typing import TYPE_CHECKING

from service.scheduler.work import Output, Unit
from service.schema import Priority

if TYPE_CHECKING:
    from service.scheduler.job import Job


class Call:
    """One ``Job.run``: its places, and the future that ends it.

    A place holds the entry that is waited for, then its outcome. The call belongs to the task that
    made it, so that leaving the job can end it.
    """

    __slots__ = ("done", "job", "missing", "results", "task")

    def __init__(self, job: Job, size: int) -> None:
        self.job = job
        self.results: list[Output | Exception | Entry | None] = [None] * size
        self.missing = size
        self.task = asyncio.current_task()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def entries(self) -> list[Entry]:
        """What it waits for."""
        return list(dict.fromkeys(place for place in self.results if isinstance(place, Entry)))

    def expire(self) -> None:
        """``done`` raises TimeoutError, if it is not done."""
        if not self.done.done():
            self.done.set_exception(TimeoutError())

    def fill(self, position: int, unit: Unit, outcome: Output | Exception, *, cached: bool) -> None:
        """Put an outcome in its place."""
        output_tokens = outcome.output_tokens if isinstance(outcome, Output) else 0
        self.job.meter.done(unit.input_tokens, output_tokens, cached=cached)
        self.results[position] = outcome
        self.missing -= 1
        # A caller may be cancelled and not know it yet; then its future is done.
        if not self.missing and not self.done.done():
            self.done.set_result(None)


class Entry:
    """A unit, once, whoever waits for it.

    ``key`` is None for a unit that is neither shared nor cached, or that nobody
    waits for any more. ``retried`` marks the second and last try, which is made
    alone.
    """

    __slots__ = (
        "_date",
        "_interactive",
        "caller",
        "calls",
        "due",
        "key",
        "number",
        "passed",
        "priority",
        "retried",
        "running",
        "tokens",
        "unit",
    )

    def __init__(self, unit: Unit, key: Hashable | None, number: int) -> None:
        self.unit = unit
        self.tokens = unit.tokens
        self.key = key
        self.number = number  # of arrival: breaks ties
        self.calls: dict[Call, list[int]] = {}
        self._interactive = 0  # calls
        self._date = math.inf
        self.priority = Priority.BULK
        self.due = 0.0
        self.caller = ""
        self.passed = 0  # times it was next and something else went
        self.running = False
        self.retried = False

    def join(self, call: Call, position: int) -> None:
        """The call waits too, for the given place."""
        call.results[position] = self
        positions = self.calls.get(call)
        if positions is not None:
            positions.append(position)
            return
        self.calls[call] = [position]
        self._interactive += call.job.priority is Priority.INTERACTIVE
        self._date = min(self._date, call.job.due)
        if self.running:
            call.job.meter.shift(running=1)

    def leave(self, call: Call) -> None:
        """The call waits no more."""
        del self.calls[call]
        self._interactive -= call.job.priority is Priority.INTERACTIVE
        if self.running:
            call.job.meter.shift(running=-1)

    def run(self, running: bool) -> None:
        """It is being computed now, or no more."""
        if running != self.running:
            self.running = running
            for call in self.calls:
                call.job.meter.shift(running=1 if running else -1)

    def charge(self, seconds: float) -> None:
        """Its share of a batch is paid by the first of those who wait for it."""
        for call in self.calls:
            call.job.meter.compute_seconds += seconds
            return

    def finish(self, outcome: Output | Exception) -> None:
        """Everybody gets the outcome; all but the first get it for nothing."""
        cached = False
        for call, positions in list(self.calls.items()):
            self.leave(call)
            for position in positions:
                call.fill(position, self.unit, outcome, cached=cached)
                cached = True

    def callers(self) -> tuple[str, str]:
        """Who waits: the first and the last of them, since all would be too many to look at."""
        return next(iter(self.calls)).job.caller, next(reversed(self.calls)).job.caller

    def urgency(self) -> tuple[Priority, float]:
        """The highest priority of those who wait, and the earliest date of all who ever did."""
        return Priority.INTERACTIVE if self._interactive else Priority.BULK, self._date
