"""Calls expire at their jobs' deadlines, and leave no timer behind when they end before."""

from __future__ import annotations

import asyncio
import math
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from service.scheduler.deadlines import STEP, Deadlines
from virtual_loop import now, run


class Waiter:
    """As much of a call as deadlines are about."""

    def __init__(self, deadline: float) -> None:
        self.job = SimpleNamespace(deadline=deadline)
        self.expired: list[float] = []

    def expire(self) -> None:
        self.expired.append(now())


seconds = st.one_of(st.just(math.inf), st.floats(-1, 3), st.integers(0, 300).map(lambda n: n / 100))


@settings(deadline=None)
@given(st.lists(st.tuples(seconds, st.none() | st.floats(0, 4))))
def test_each_expires_once_and_in_time_unless_it_ends_before(waiters):
    async def main() -> None:
        begin, deadlines, calls = now(), Deadlines(now), []
        for left, ends in waiters:
            call = Waiter(begin + left)
            calls.append((call, left, ends))
            deadlines.add(call)
            if ends is not None:
                asyncio.get_running_loop().call_later(ends, deadlines.discard, call)
        assert len(deadlines) == sum(not math.isinf(left) for left, _ in waiters)
        await asyncio.sleep(10)
        for call, left, ends in calls:
            end = math.inf if ends is None else ends
            due = max(0.0, left)
            if due + 2 * STEP < end and not math.isinf(left):
                assert len(call.expired) == 1
            elif due > end + 2 * STEP:
                assert not call.expired
            for when in call.expired:
                assert due - 1e-6 <= when - begin <= due + STEP + 1e-6
        assert not deadlines
        assert not deadlines._waiting

    run(main())


def test_whoever_is_discarded_leaves_no_timer():
    async def main() -> None:
        deadlines = Deadlines(now)
        calls = [Waiter(now() + n / 10) for n in range(100)]
        for call in calls:
            deadlines.add(call)
        for call in calls:
            deadlines.discard(call)
            deadlines.discard(call)
        assert not deadlines
        assert not deadlines._waiting
        timers = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
        assert all(timer.cancelled() for timer in timers)

    run(main())
