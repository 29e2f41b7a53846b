"""Whatever callers do and whatever breaks, everybody gets their own answer or an honest error.

Hypothesis invents a day: callers who come, share, wait, expire and walk away,
and lanes that raise, run out of memory, hang, die and do not start. What must
hold does not depend on what happens.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_lane import FAULTS, SPEED, FakeLane, StormyLane, answer, scheduler
from service.errors import ComputeFailed, DeadlineExpired, Overloaded, Unavailable
from service.scheduler import Output, Scheduler, State, Unit
from service.schema import Priority
from virtual_loop import now, run

QUEUE_TOKENS, BATCH_TOKENS, BATCH_LIMIT = 60, 50, 3.0


@dataclass(frozen=True)
class Caller:
    """One job: when it comes, what it asks for, when it expires, when it walks away."""

    at: float
    units: tuple[Unit, ...]
    priority: Priority
    timeout: float
    leaves: float | None
    wait: bool
    no_cache: bool
    scope: str
    name: str
    twice: bool  # asks again in the same job


def times(longest: float) -> st.SearchStrategy[float]:
    return st.integers(0, int(longest * 10)).map(lambda n: n / 10)


units = st.builds(
    lambda queue, profile, number: Unit(
        queue, profile, (queue, profile, number), number, 1 + number * 2, number % 7
    ),
    st.sampled_from("ab"),
    st.sampled_from("xy"),
    st.integers(0, 14),
)
callers = st.builds(
    Caller,
    at=times(5),
    units=st.lists(units, max_size=6).map(tuple),
    priority=st.sampled_from([Priority.INTERACTIVE, Priority.BULK]),
    timeout=st.one_of(st.just(math.inf), times(4)),
    leaves=st.one_of(st.none(), times(4)),
    wait=st.booleans(),
    no_cache=st.sampled_from([False, False, True]),
    scope=st.sampled_from(["", "", "s"]),
    name=st.sampled_from("abc"),
    twice=st.booleans(),
)
faults = st.sampled_from(["", "", "", *FAULTS])


async def call(s: Scheduler, caller: Caller) -> object:
    await asyncio.sleep(caller.at)
    came = now()
    try:
        async with (
            asyncio.timeout(caller.leaves),
            s.job(
                priority=caller.priority,
                deadline=came + caller.timeout,
                wait=caller.wait,
                no_cache=caller.no_cache,
                scope=caller.scope,
                caller=caller.name,
            ) as job,
        ):
            results = await job.run(caller.units)
            if caller.twice:
                results = await job.run(caller.units)
    except TimeoutError:
        assert now() == pytest.approx(came + (caller.leaves or 0))
        return None
    except DeadlineExpired:
        assert now() <= came + caller.timeout + 1e-6
        return None
    except Overloaded:
        assert not caller.wait
        return None
    except Unavailable:
        return None
    assert now() <= came + caller.timeout + 1e-6
    usage = job.usage
    assert usage.units == len(results) * (1 + caller.twice)
    assert usage.queue_seconds <= now() - came + 1e-6
    assert len(results) == len(caller.units)
    for unit, result in zip(caller.units, results, strict=True):
        if isinstance(result, Output):
            assert result.value == answer(unit.payload)
        else:
            assert isinstance(result, (ComputeFailed, Unavailable))
    return results


@settings(max_examples=150, deadline=None)
@given(
    st.lists(callers, max_size=12),
    st.lists(st.lists(faults, max_size=8), min_size=1, max_size=2),
    st.integers(0, 4),
    st.sampled_from([1.0, 1.0, 0.5, 0.0]),
)
def test_everybody_gets_their_own_answer_or_an_honest_error(
    day: list[Caller], weather: list[list[str]], broken_starts: int, spare_after: float
):
    async def main() -> None:
        lanes = [StormyLane(w, spare_after=spare_after) for w in weather]
        async with scheduler(
            *lanes,
            batch_tokens=BATCH_TOKENS,
            queue_tokens=QUEUE_TOKENS,
            batch_limit=BATCH_LIMIT,
            cache_bytes=3000,
            restart_tries=3,
        ) as s:
            for lane in lanes:
                lane.broken_starts = broken_starts
            outcomes = await asyncio.gather(*(call(s, caller) for caller in day))
            quiet = all(not any(w) for w in weather)
            for caller, outcome in zip(day, outcomes, strict=True):
                patient = caller.timeout == math.inf and caller.leaves is None and caller.wait
                if quiet and patient:
                    assert outcome is not None
                    assert all(isinstance(result, Output) for result in outcome)

            await asyncio.sleep(1000)  # time for what runs for nobody, and for restarts
            stats = s.stats()
            assert s.state is State.SERVING
            assert (stats.jobs, stats.waiting_units, stats.lanes_busy) == (0, 0, 0)
            assert not any(stats.waiting_tokens.values())
            assert not s._entries, "nothing stays behind"
            assert stats.cache_bytes <= 3000

            for lane in lanes:
                for batch in lane.batches:
                    assert len({(u.queue, u.profile) for u in batch.units}) == 1
                    assert len(batch.units) == 1 or batch.padded <= BATCH_TOKENS
            if quiet:
                assert stats.retries == stats.failed == stats.lane_deaths == 0

    run(main())


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(times(20), st.integers(1, 40), st.booleans(), st.sampled_from("aaab")),
        max_size=80,
    ),
    st.sampled_from([0.1, 0.3]),
)
def test_nothing_starves(arrivals: list[tuple[float, int, bool, str]], share: float):
    """Under a flood of interactive work bulk waits no longer than its share says."""

    async def main() -> None:
        lane = FakeLane()
        async with scheduler(
            lane, batch_tokens=40, bulk_share=share, max_padding=0.9, lead=40
        ) as s:

            async def one(n: int, at: float, size: int, bulk: bool, caller: str) -> float:
                await asyncio.sleep(at)
                came = now()
                priority = Priority.BULK if bulk else Priority.INTERACTIVE
                async with s.job(priority=priority, deadline=math.inf, caller=caller) as job:
                    await job.run([Unit("q", None, n, n, size, 0)])
                return now() - came

            waits = await asyncio.gather(*(one(n, *a) for n, a in enumerate(arrivals)))
            bulk = sum(size for _, size, is_bulk, _ in arrivals if is_bulk) / SPEED
            everything = sum(size for _, size, *_ in arrivals) / SPEED * 2  # padded at most twice
            for wait, (_, _, is_bulk, _) in zip(waits, arrivals, strict=True):
                slack = 2 * 0.4
                assert wait <= everything * 5 + slack
                if is_bulk:
                    assert wait <= (bulk * 10 + slack) / share + slack

    run(main())
