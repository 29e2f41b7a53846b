"""When calls expire.

A timer for each would cost a tenth of all that a unit costs the scheduler: nearly all are
cancelled, and the event loop sorts them by Python's own comparison and sweeps out the cancelled
ones thousands at a time, while a lane may be idle. So those that expire in the same hundredth of a
second share one.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from service.scheduler.entry import Call

STEP = 0.01  # seconds; nobody expires early, and nobody so much too late


class Deadlines:
    """The calls that wait, by their jobs' deadlines. Each step costs O(1)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._calls: dict[int, set[Call]] = {}  # by the step of time they expire in
        self._timers: dict[int, asyncio.TimerHandle] = {}  # likewise

    def __len__(self) -> int:
        return sum(map(len, self._calls.values()))

    def add(self, call: Call) -> None:
        """The call expires at its job's deadline, if that is ever."""
        deadline = call.job.deadline
        if math.isinf(deadline):
            return
        step = math.ceil(deadline / STEP)
        calls = self._calls.get(step)
        if calls is None:
            calls = self._calls[step] = set()
            seconds = step * STEP - self._clock()
            loop = asyncio.get_running_loop()
            self._timers[step] = loop.call_later(seconds, self._expire, step)
        calls.add(call)

    def discard(self, call: Call) -> None:
        """The call is over, or was never added."""
        deadline = call.job.deadline
        if math.isinf(deadline):
            return
        step = math.ceil(deadline / STEP)
        calls = self._calls.get(step)
        if calls is None:
            return
        calls.discard(call)
        if not calls:
            del self._calls[step]
            self._timers.pop(step).cancel()

    def _expire(self, step: int) -> None:
        del self._timers[step]
        for call in self._calls.pop(step):
            call.expire()
