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
    """The calls that wait, by their jobs' deadlines, which stay. Each step costs O(1)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # By the step of time they expire in.
        self._waiting: dict[float, tuple[set[Call], asyncio.TimerHandle]] = {}

    def __len__(self) -> int:
        return sum(len(calls) for calls, _ in self._waiting.values())

    def add(self, call: Call) -> None:
        """The call expires at its job's deadline, if that is ever."""
        step = self._step(call)
        if step not in self._waiting:
            if math.isinf(step):
                return
            loop, seconds = asyncio.get_running_loop(), step * STEP - self._clock()
            self._waiting[step] = set(), loop.call_later(seconds, self._expire, step)
        self._waiting[step][0].add(call)

    def discard(self, call: Call) -> None:
        """The call is over, or was never added."""
        step = self._step(call)
        if step in self._waiting:
            calls, timer = self._waiting[step]
            calls.discard(call)
            if not calls:
                timer.cancel()
                del self._waiting[step]

    def _expire(self, step: float) -> None:
        calls, _ = self._waiting.pop(step)
        for call in calls:
            call.expire()

    @staticmethod
    def _step(call: Call) -> float:
        deadline = call.job.deadline
        return deadline if math.isinf(deadline) else math.ceil(deadline / STEP)
