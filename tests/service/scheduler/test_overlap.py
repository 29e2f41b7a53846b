"""A lane that has room begins the next batch beside the rest of the one that runs."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence

import pytest

from fake_lane import SPEED, FakeLane, StormyLane, answer, ask, scheduler, unit
from service.errors import ComputeFailed, Unavailable
from service.scheduler import Batch, LaneDied, Output, Spare, State, nothing
from service.schema import Priority
from virtual_loop import now, run


def test_the_next_batch_begins_when_there_is_room_and_not_before():
    async def main() -> None:
        lane = FakeLane(spare_after=0.5)
        async with scheduler(lane, batch_tokens=1) as s:
            start = now()
            answers = await asyncio.gather(*(ask(s, unit(n, 20)) for n in range(3)))
            assert answers == [[answer(n)] for n in range(3)]
            assert lane.payloads == [[0], [1], [2]]
            assert [at - start for at in lane.began] == pytest.approx([0, 0.1, 0.2], abs=1e-6)
            assert now() - start == pytest.approx(0.4, abs=1e-6)
            assert s.stats().lanes_busy == 0

    run(main())


def test_it_holds_what_is_most_urgent_by_then():
    async def main() -> None:
        lane = FakeLane(spare_after=0.5)
        async with scheduler(lane, batch_tokens=1) as s:
            await asyncio.gather(
                *(ask(s, unit(n, 20), priority=Priority.BULK) for n in range(2)),
                ask(s, unit("urgent", 20), after=0.05),
            )
            assert lane.payloads == [[0], ["urgent"], [1]]

    run(main())


@pytest.mark.parametrize("spare_after", [0.0, 0.25, 0.7])
@pytest.mark.parametrize("sizes", [[20] * 8, [10, 40] * 5, [200, 20, 20, 20, 20]])
def test_no_time_counts_twice_and_none_is_lost(sizes: list[int], spare_after: float):
    """However many batches are under way, and in whatever order they end, the lane is one lane."""

    async def main() -> None:
        lane = FakeLane(spare_after=spare_after)
        async with scheduler(lane, batch_tokens=20) as s:
            start = now()
            jobs = [s.job(priority=Priority.BULK, deadline=float("inf")) for _ in sizes]

            async def one(n: int) -> None:
                async with jobs[n] as job:
                    await job.run([unit(n, sizes[n])])

            await asyncio.gather(*map(one, range(len(sizes))))
            took = now() - start
            assert max(lane.beside) > 0
            assert s.stats().queues["q"].busy_seconds == pytest.approx(took)
            assert sum(job.usage.compute_seconds for job in jobs) == pytest.approx(took)

    run(main())


def test_how_long_a_batch_lasts_is_bounded_whatever_runs_beside_it():
    """Who comes waits for its end; that it has only half of the lane is no comfort."""

    async def main() -> None:
        lane = FakeLane(spare_after=0.5)
        async with scheduler(lane, batch_tokens=400, batch_seconds=2.0) as s:
            units = [unit(n, 4 + n * 7 % 30) for n in range(1000)]
            await asyncio.gather(*(ask(s, it, wait=True) for it in units))
            lasted = [batch.padded / SPEED for batch in lane.batches]
            assert lasted[0] > 3, "nothing is known yet"
            assert 1.5 < statistics.mean(lasted[10:]) < max(lasted[10:]) < 2.1

    run(main())


def test_what_runs_beside_another_counts_until_its_end():
    async def main() -> None:
        lane = FakeLane(spare_after=0.5)
        async with scheduler(lane, batch_tokens=20) as s:
            for n in range(20):  # what a batch takes is known
                await ask(s, unit(("warm", n), 20))
            both = [asyncio.create_task(ask(s, unit(n, 20))) for n in range(2)]
            left = []
            while not all(task.done() for task in both):
                await asyncio.sleep(0.025)
                left.append(s.stats().wait_seconds[Priority.INTERACTIVE])
            assert 0.3 <= len(left) * 0.025 < 0.35, "half of it side by side"
            assert left == sorted(left, reverse=True)
            assert left[0] == pytest.approx(0.4 - 0.025, abs=0.01)
            assert 0 < left[-2] < 0.15, "the lane is busy to the end"

    run(main())


def test_a_prediction_that_is_wrong_is_not_carried_on():
    """A lane that is never idle: what it is at is known from what runs, not from long ago."""

    async def main() -> None:
        lane = FakeLane(spare_after=0.8)
        async with scheduler(lane, batch_tokens=30) as s:

            async def caller(name: str, size: int) -> None:
                for n in range(300):
                    await ask(s, unit(f"{name} {n}", size), priority=Priority.BULK)

            callers = [
                asyncio.create_task(caller(c, z)) for c, z in zip("abcd", [18, 22] * 2, strict=True)
            ]
            waits = []
            while not all(task.done() for task in callers):
                await asyncio.sleep(1)
                waits.append(s.stats().wait_seconds[Priority.INTERACTIVE])
            assert len(waits) > 100
            assert max(waits) < 1.0, "there are four units, of 0.2 s each"

    run(main())


def test_an_idle_lane_goes_before_the_rest_of_a_busy_one():
    async def main() -> None:
        lanes = [FakeLane(spare_after=0.0) for _ in range(2)]
        async with scheduler(*lanes) as s:
            await asyncio.gather(*(ask(s, unit(n, 100), after=n * 0.05) for n in range(4)))
            assert [lane.payloads for lane in lanes] == [[[0], [2]], [[1], [3]]]

    run(main())


def test_a_close_in_the_moment_of_a_beginning_answers_all():
    async def main() -> None:
        lane = FakeLane()
        s = scheduler(lane, batch_tokens=20)
        await s.start()
        callers = [asyncio.create_task(ask(s, unit(n, 20))) for n in range(2)]
        for _ in range(10):  # until the batch is begun, and nobody waits for it yet
            await asyncio.sleep(0)
            if s.stats().lanes_busy:
                break
        assert not lane.batches
        await s.close()
        for caller in callers:
            (failure,) = await asyncio.wait_for(caller, 1)
            assert isinstance(failure, Unavailable)

    run(main())


def test_what_is_dropped_is_of_the_batch_that_it_is_in():
    async def main() -> None:
        lane = StormyLane([], spare_after=0.0)
        async with scheduler(lane, batch_tokens=30) as s:
            callers = [asyncio.create_task(ask(s, *map(unit, names))) for names in ("abc", "def")]
            await asyncio.sleep(0.05)
            assert lane.payloads == [["a", "b", "c"], ["d", "e", "f"]]
            late = asyncio.create_task(ask(s, unit("b")))
            await asyncio.sleep(0)
            callers[0].cancel()
            await asyncio.sleep(0)
            assert list(lane.running.values()) == [[0, 2], []]
            assert await late == [answer("b")]
            assert await callers[1] == [answer(name) for name in "def"]

    run(main())


def test_a_second_try_is_computed_beside_nothing():
    """It may be what took the lane down: whoever ran beside it then is not to go down again."""

    async def main() -> None:
        def fault(batch: Batch) -> None:
            if "poison" in batch.payloads:
                raise LaneDied("segfault")

        lane = FakeLane(fault, spare_after=0.0)
        async with scheduler(lane, batch_tokens=1, backoff=0.01) as s:
            *good, bad = await asyncio.gather(
                *(ask(s, unit(n, 20)) for n in range(3)), ask(s, unit("poison", 10))
            )
            assert good == [[answer(n)] for n in range(3)]
            assert isinstance(bad[0], ComputeFailed)
            assert lane.payloads == [*([n] for n in [0, 1, 2, "poison"])] * 2
            assert lane.beside == [0, 1, 2, 3, 0, 0, 0, 0]
            assert (s.stats().lane_deaths, s.stats().failed) == (2, 1)
            more = await asyncio.gather(*(ask(s, unit(n, 20)) for n in "xy"))
            assert more == [[answer(n)] for n in "xy"]
            assert lane.beside[-2:] == [0, 1], "all is as before"

    run(main())


def test_a_batch_that_fails_is_no_concern_of_the_one_beside_it():
    async def main() -> None:
        def fault(batch: Batch) -> None:
            if batch.payloads == ["poison"]:
                raise ValueError

        lane = FakeLane(fault, spare_after=0.0)
        async with scheduler(lane, batch_tokens=1) as s:
            (bad,), (good,) = await asyncio.gather(
                ask(s, unit("poison", 10)), ask(s, unit("fine", 20))
            )
            assert isinstance(bad, ComputeFailed)
            assert good == answer("fine")
            assert lane.payloads == [["poison"], ["fine"], ["poison"]]
            assert (s.stats().retries, s.stats().lane_deaths) == (1, 0)

    run(main())


def test_one_that_hangs_takes_nobody_along_for_good():
    async def main() -> None:
        class Hanging(FakeLane):
            async def run(self, batch: Batch, spare: Spare = nothing) -> Sequence[Output]:
                if batch.payloads == ["hangs"]:
                    batch = Batch((unit("hangs", 10**9),))
                return await super().run(batch, spare)

        lane = Hanging(spare_after=0.0)
        async with scheduler(lane, batch_tokens=1, batch_limit=5.0, backoff=0.01) as s:
            start = now()
            (bad,), (good,) = await asyncio.gather(
                ask(s, unit("hangs")), ask(s, unit("fine", 300), after=3.0)
            )
            assert isinstance(bad, ComputeFailed)
            assert isinstance(bad.__cause__, LaneDied)
            assert good == answer("fine")
            assert lane.beside == [0, 1, 0, 0]
            assert now() - start == pytest.approx(5 + 5 + 3, abs=0.1)
            await asyncio.sleep(1)
            assert s.state is State.SERVING

    run(main())


def test_a_close_ends_all_that_runs():
    async def main() -> None:
        lane = FakeLane(spare_after=0.0)
        async with scheduler(lane, batch_tokens=1) as s:
            callers = [asyncio.create_task(ask(s, unit(n, 1000))) for n in range(3)]
            await asyncio.sleep(0.1)
            assert len(lane.running) == 3
        assert not lane.running
        for caller in callers:
            (failure,) = await caller
            assert isinstance(failure, Unavailable)

    run(main())
