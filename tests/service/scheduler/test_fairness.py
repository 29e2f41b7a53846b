"""One caller who asks for far more than its share, and the others. In virtual time."""

from __future__ import annotations

import asyncio
import random
import statistics
from collections.abc import Sequence

import pytest

from fake_lane import SPEED, FakeLane, answer, ask, scheduler, unit, warm
from service.errors import Overloaded
from service.scheduler import Scheduler, Unit
from service.schema import Priority
from virtual_loop import now, run

BULK = Priority.BULK
RATE = SPEED / 10  # units of ten tokens that the lane does in a second, in full batches
NINE = [f"caller {n}" for n in range(9)]


async def latencies(s: Scheduler, shares: dict[str, float], seconds: float) -> list[float]:
    """Of the nine, when units arrive at random, each caller's at its own rate."""
    taken: list[float] = []

    async def one(number: int, caller: str, at: float) -> None:
        tokens = lots.choice([6, 10, 14])
        await asyncio.sleep(at)
        await ask(s, unit(number, tokens), caller=caller, wait=True)
        if caller in NINE:
            taken.append(now() - began - at)

    began, lots = now(), random.Random(0)
    arrivals: list[tuple[float, str]] = []
    for caller, rate in shares.items():
        at = 0.0
        while (at := at + lots.expovariate(rate)) < seconds:
            arrivals.append((at, caller))
    await asyncio.gather(*(one(n, caller, at) for n, (at, caller) in enumerate(arrivals)))
    return taken


@pytest.mark.parametrize("load", [0.8, 1.5, 2.5])
def test_one_at_twenty_times_its_share_is_not_felt_by_the_others(load: float):
    async def measure(shares: Sequence[float]) -> float:
        async with scheduler(FakeLane(), lead=100, max_padding=0.6) as s:
            callers = dict(zip([*NINE, "greedy"], shares, strict=True))
            taken = await latencies(s, callers, 60.0)
            return statistics.quantiles(taken, n=20)[-1]

    total = load * RATE
    equal = run(measure([total / 10] * 10))
    beside = run(measure([total / 29] * 9 + [total * 20 / 29]))
    assert beside <= 1.25 * equal
    if load > 1:
        assert beside < 0.5 * equal, "and where all cannot be served, those who ask for less are"


def test_a_caller_with_a_full_queue_has_nobody_else_refused():
    async def main() -> None:
        async with scheduler(FakeLane(), lead=0) as s:
            await warm(s)
            calls = [ask(s, unit(n, 20), caller="greedy", timeout=30.0) for n in range(200)]
            greedy = asyncio.gather(*calls, return_exceptions=True)
            await asyncio.sleep(0.1)
            assert await ask(s, unit("modest"), caller="modest", timeout=8.0) == [answer("modest")]
            with pytest.raises(Overloaded) as refusal:
                await ask(s, unit("more"), caller="greedy", timeout=8.0)
            assert refusal.value.retry_after > 10
            outcomes = await greedy
            assert sum(isinstance(outcome, Overloaded) for outcome in outcomes) > 50

    run(main())


def test_a_caller_who_fills_the_room_leaves_some_and_holds_up_nobody_at_the_door():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, queue_tokens=900, lead=0) as s:
            work = [unit(("greedy", n)) for n in range(300)]
            greedy = asyncio.create_task(ask(s, *work, caller="greedy", priority=BULK, wait=True))
            await asyncio.sleep(0.05)
            assert s.stats().waiting_tokens[BULK, "q"] == 800
            with pytest.raises(Overloaded):
                await ask(s, unit("more"), caller="greedy", priority=BULK)
            began = now()
            for wait in (True, False):
                mine = unit(("modest", wait))
                assert await ask(s, mine, caller="modest", priority=BULK, wait=wait)
            assert now() - began < 5, "two batches after those that ran"
            assert not greedy.done()
            assert len(await greedy) == 300

    run(main())


def test_equal_callers_fill_batches_together_and_one_who_is_ahead_fills_what_is_left():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, lead=0) as s:
            calls = [ask(s, unit("blocks", 100))]
            calls += [ask(s, unit(("greedy", n)), caller="greedy") for n in range(30)]
            first = [asyncio.create_task(call) for call in calls]
            await asyncio.sleep(1.5)  # its first batch runs
            others = [
                asyncio.create_task(ask(s, unit((name, n)), caller=name))
                for name in NINE[:3]
                for n in range(2)
            ]
            await asyncio.gather(*first, *others)
            names = [[name for name, _ in payloads] for payloads in lane.payloads[2:]]
            assert (
                sorted(names[0])
                == ["caller 0"] * 2 + ["caller 1"] * 2 + ["caller 2"] * 2 + ["greedy"] * 4
            )

    run(main())


def test_who_shares_a_unit_with_a_greedy_caller_does_not_wait_with_it():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, batch_tokens=1, lead=0) as s:
            same: Unit = unit("same")
            greedy = [asyncio.create_task(ask(s, unit(n), caller="greedy")) for n in range(20)]
            greedy.append(asyncio.create_task(ask(s, same, caller="greedy")))
            other = asyncio.create_task(ask(s, unit("other"), caller="other", after=0.25))
            began = now()
            await ask(s, same, caller="modest", after=0.25)
            assert now() - began < 0.7
            await asyncio.gather(*greedy, other)
            assert lane.payloads.count(["same"]) == 1

    run(main())
