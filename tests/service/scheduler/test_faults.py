"""Whatever breaks: poison, memory, wrong rows, dead and hung lanes, lanes that do not start."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence

import pytest

from fake_lane import FakeLane, answer, ask, scheduler, unit, warm
from service.errors import ComputeFailed, Unavailable
from service.scheduler import Batch, LaneDied, OutOfMemory, Output, Spare, State, nothing
from service.schema import Priority
from virtual_loop import now, run


def poison(error: Exception) -> Callable[[Batch], None]:
    def fault(batch: Batch) -> None:
        if "poison" in batch.payloads:
            raise error

    return fault


@pytest.mark.parametrize("error", [ValueError("no"), TimeoutError("theirs"), LaneDied("segfault")])
def test_only_the_poisonous_unit_fails(error: Exception):
    async def main() -> None:
        lane = FakeLane(poison(error))
        async with scheduler(lane) as s:
            *good, bad = await asyncio.gather(
                *(ask(s, unit(n)) for n in range(3)), ask(s, unit("poison"))
            )
            assert good == [[answer(n)] for n in range(3)]
            (failure,) = bad
            assert isinstance(failure, ComputeFailed)
            assert failure.__cause__ is error
            assert str(failure) == "the model failed twice on a piece of the text"
            assert lane.payloads == [[0, 1, 2, "poison"], [0], [1], [2], ["poison"]]
            stats = s.stats()
            assert (stats.failed, stats.retries) == (1, 4)
            assert stats.lane_deaths == (2 if isinstance(error, LaneDied) else 0)
            assert await ask(s, unit("later")) == [answer("later")]

    run(main())


def test_failures_are_not_remembered():
    async def main() -> None:
        lane = FakeLane(poison(ValueError()))
        async with scheduler(lane) as s:
            first, second = await asyncio.gather(*(ask(s, unit("poison")) for _ in range(2)))
            assert isinstance(first[0], ComputeFailed)
            assert isinstance(second[0], ComputeFailed)
            lane.fault = lambda _: None
            assert await ask(s, unit("poison")) == [answer("poison")]

    run(main())


ROWS = {
    "too few": lambda batch: [Output("x", 1)] * (len(batch.units) - 1),
    "too many": lambda batch: [Output("x", 1)] * (len(batch.units) + 1),
    "none at all": lambda batch: (),
    "not rows": lambda batch: 7,
    "not outputs": lambda batch: ["x"] * len(batch.units),
}


SAID = {
    "too few": "0 rows for 1 units",
    "too many": "2 rows for 1 units",
    "not outputs": "a lane returned str, not Output",
}


@pytest.mark.parametrize("rows", ROWS)
def test_wrong_rows_are_a_failure_of_the_batch(rows: str):
    async def main() -> None:
        def fault(batch: Batch) -> Sequence[Output] | None:
            return ROWS[rows](batch) if "poison" in batch.payloads else None

        lane = FakeLane(fault)
        async with scheduler(lane) as s:
            good, bad = await asyncio.gather(ask(s, unit("a")), ask(s, unit("poison")))
            assert good == [answer("a")]
            assert isinstance(bad[0], ComputeFailed)
            if what := SAID.get(rows):
                assert str(bad[0].__cause__) == what
            assert lane.payloads == [["a", "poison"], ["a"], ["poison"]]

    run(main())


def test_a_second_try_may_succeed():
    async def main() -> None:
        def once(batch: Batch) -> None:
            lane.fault = lambda _: None
            raise ValueError

        lane = FakeLane(once)
        async with scheduler(lane) as s:
            assert await ask(s, unit("a")) == [answer("a")]
            assert lane.payloads == [["a"], ["a"]]
            assert s.stats().failed == 0

    run(main())


def test_nobody_retries_what_nobody_wants():
    async def main() -> None:
        lane = FakeLane(poison(ValueError()))
        async with scheduler(lane) as s:
            stays = asyncio.create_task(ask(s, unit("a")))
            gone = asyncio.create_task(ask(s, unit("poison")))
            await asyncio.sleep(0.05)
            gone.cancel()
            assert await stays == [answer("a")]
            assert lane.payloads == [["a", "poison"], ["a"]]
            assert s.stats().waiting_units == 0
            lane.fault = lambda _: None
            assert await ask(s, unit("poison")) == [answer("poison")]

    run(main())


def test_what_nobody_wants_does_not_keep_others_from_their_second_try():
    async def main() -> None:
        lane = FakeLane(poison(ValueError()))
        async with scheduler(lane) as s:
            gone = [asyncio.create_task(ask(s, unit(n))) for n in ("gone", "poison")]
            stays = asyncio.create_task(ask(s, unit("a"), unit("b"), after=0))
            await asyncio.sleep(0.05)
            for caller in gone:
                caller.cancel()
            assert await stays == [answer("a"), answer("b")]
            assert lane.payloads == [["gone", "poison", "a", "b"], ["a"], ["b"]]

    run(main())


def test_faults_are_counted():
    async def main() -> None:
        lane = FakeLane(poison(ValueError()))
        async with scheduler(lane) as s:
            for n in range(2):
                await ask(s, unit("poison"), unit(n))
            lane.fault = fits(10)
            for n in range(2):
                await ask(s, unit(10 + n, 20))
            stats = s.stats()
            assert stats.state is State.SERVING
            assert (stats.failed, stats.retries, stats.out_of_memory) == (4, 6, 4)

    run(main())


def test_a_caller_may_leave_between_the_two_tries():
    async def main() -> None:
        lane = FakeLane(poison(ValueError()))
        async with scheduler(lane) as s:
            stays = asyncio.create_task(ask(s, unit("a", 20)))
            gone = asyncio.create_task(ask(s, unit("poison", 20)))
            await asyncio.sleep(0.5)
            assert lane.payloads == [["a", "poison"], ["a"]]
            gone.cancel()
            await stays
            await asyncio.sleep(1)
            assert lane.payloads == [["a", "poison"], ["a"]]

    run(main())


# Memory


def fits(tokens: int) -> Callable[[Batch], None]:
    def fault(batch: Batch) -> None:
        if batch.padded > tokens:
            raise OutOfMemory

    return fault


def test_out_of_memory_halves_the_budget_and_tries_again_together():
    async def main() -> None:
        lane = FakeLane(fits(50))
        async with scheduler(lane) as s:
            answers = await ask(s, *(unit(n) for n in range(8)))
            assert answers == [answer(n) for n in range(8)]
            assert [len(batch.units) for batch in lane.batches] == [8, 4, 4]
            assert s.stats().out_of_memory == 1
            assert s.stats().failed == 0

    run(main())


def test_what_does_not_even_fit_alone_fails_and_the_rest_does_not():
    async def main() -> None:
        lane = FakeLane(fits(15))
        async with scheduler(lane, max_padding=0.5) as s:
            answers = await ask(s, *(unit(n) for n in range(4)), unit("big", 20))
            assert answers[:4] == [answer(n) for n in range(4)]
            assert isinstance(answers[4], ComputeFailed)
            assert isinstance(answers[4].__cause__, OutOfMemory)
            assert lane.payloads.count(["big"]) == 2

    run(main())


def test_a_budget_comes_back_after_clean_batches():
    async def main() -> None:
        lane = FakeLane(fits(40))
        async with scheduler(lane, batch_tokens=100) as s:
            await ask(s, *(unit(n) for n in range(10)))
            cut = s.stats().queues["q"].budget
            assert cut < 60
            lane.fault = lambda _: None
            for n in range(100, 164):
                await ask(s, unit(n))
            assert s.stats().queues["q"].budget == 100
            await ask(s, *(unit(n) for n in range(200, 210)))
            assert len(lane.batches[-1].units) == 10

    run(main())


def test_queues_have_budgets_of_their_own():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, budgets={"small": 20}) as s:
            await ask(s, *(unit(n, queue="small") for n in range(4)))
            await ask(s, *(unit(n) for n in range(4)))
            assert [len(batch.units) for batch in lane.batches] == [2, 2, 4]

    run(main())


def test_a_batch_is_no_longer_than_its_seconds():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, batch_tokens=1000, batch_seconds=0.501) as s:
            await warm(s)
            await ask(s, *(unit(n) for n in range(20)))
            assert [len(batch.units) for batch in lane.batches[2:]] == [5, 5, 5, 5]

    run(main())


# Lanes


def test_a_hung_lane_is_killed_and_its_units_tried_again_alone():
    async def main() -> None:
        def hang(batch: Batch) -> None:
            if len(batch.units) > 1:
                raise AssertionError("it does not come to that")

        lane = FakeLane(hang)
        async with scheduler(lane, batch_limit=0.25, backoff=1.0) as s:
            start = now()
            answers = await ask(s, unit("a", 20), unit("b", 20), unit("long", 30))
            assert answers[:2] == [answer("a"), answer("b")]
            assert isinstance(answers[2], ComputeFailed)
            assert isinstance(answers[2].__cause__, LaneDied)
            assert str(answers[2].__cause__) == "no answer after 0.25 s"
            assert lane.cancelled == 2
            assert now() - start == pytest.approx(0.25 + 0.2 + 0.2 + 0.25)
            await asyncio.sleep(1e-6)  # it is being started again
            assert lane.starts == pytest.approx([start, start + 0.25, start + 0.9])
            assert s.state is State.SERVING

    run(main())


def test_a_lane_that_dies_is_started_again_and_its_work_done():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane) as s:
            caller = asyncio.create_task(ask(s, unit("a"), unit("b")))
            await asyncio.sleep(0.05)
            lane.die()
            assert await caller == [answer("a"), answer("b")]
            assert len(lane.starts) == 2
            assert s.stats().lane_deaths == 1
            assert lane.payloads == [["a", "b"], ["a"], ["b"]]

    run(main())


def test_an_idle_lane_that_dies_is_started_again_before_work_comes():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane) as s:
            await ask(s, unit("a"))
            lane.die()
            await asyncio.sleep(0.01)
            assert len(lane.starts) == 2
            assert s.state is State.SERVING
            assert await ask(s, unit("b")) == [answer("b")]
            assert s.stats().retries == 0
            assert s.stats().lane_deaths == 1

    run(main())


def test_restarts_back_off_and_a_clean_batch_forgives():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, backoff=1.0, backoff_max=4.0, restart_tries=99) as s:
            start = now()
            lane.broken_starts = 5
            lane.die()
            await asyncio.sleep(0.5)
            assert s.state is State.RESTARTING
            assert await ask(s, unit("a")) == [answer("a")]
            times = [0, 0, 1, 1 + 2, 3 + 4, 7 + 4, 11 + 4]
            assert lane.starts == pytest.approx([start + t for t in times])
            lane.die()
            died = now()
            await asyncio.sleep(0.1)
            assert lane.starts[-1] == pytest.approx(died)
            lane.die()
            await asyncio.sleep(0.5)
            assert s.stats().lanes_serving == 0, "a second death without a batch in between waits"
            await asyncio.sleep(1)
            assert s.state is State.SERVING

    run(main())


def test_a_lane_that_cannot_be_started_is_down_and_comes_back():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, backoff=1.0, backoff_max=10, restart_tries=3) as s:
            await ask(s, unit("known"))
            start = now()
            lane.broken_starts = 4
            lane.die()
            caller = asyncio.create_task(ask(s, unit("a"), after=0.1))
            door = asyncio.create_task(
                ask(s, *(unit(n, 900_000) for n in "xyz"), after=0.2, wait=True)
            )
            (failure,) = await caller
            assert isinstance(failure, Unavailable)
            assert "cannot be started" in str(failure)
            assert failure.retry_after == 10
            assert now() - start == pytest.approx(3)
            assert s.state is State.DOWN
            with pytest.raises(Unavailable):
                await door
            assert s.stats().waiting_units == 0
            with pytest.raises(Unavailable, match="no model can be started") as refusal:
                await ask(s, unit("b"))
            assert refusal.value.retry_after == 10
            assert await ask(s, unit("known")) == [answer("known")]
            await asyncio.sleep(13)
            assert s.state is State.SERVING
            assert await ask(s, unit("a")) == [answer("a")]

    run(main())


def test_while_one_lane_serves_nobody_notices_the_other():
    async def main() -> None:
        good, bad = FakeLane(), FakeLane()
        async with scheduler(good, bad, restart_tries=1) as s:
            bad.broken_starts = 10**6
            bad.die()
            await asyncio.sleep(5)
            assert s.state is State.SERVING
            assert s.stats().lanes_serving == 1
            assert await ask(s, unit("a")) == [answer("a")]
            assert good.payloads == [["a"]]

    run(main())


def test_a_start_that_hangs_is_given_up():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, start_limit=5.0, backoff=1.0) as s:
            start, begin = lane.start, now()

            async def hang() -> None:
                lane.start = start
                await asyncio.Event().wait()

            lane.start = hang
            lane.die()
            assert await ask(s, unit("a"), after=0.1) == [answer("a")]
            assert now() - begin == pytest.approx(6.1)

    run(main())


def test_closing_while_a_lane_restarts_does_not_hang():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, restart_tries=99) as s:
            lane.broken_starts = 10**6
            lane.die()
            caller = asyncio.create_task(ask(s, unit("a"), after=0.1))
            await asyncio.sleep(10)
        (failure,) = await caller
        assert isinstance(failure, Unavailable)
        with pytest.raises(Unavailable):
            await ask(s, unit("b"))

    run(main())


def test_a_lane_that_does_not_stop_keeps_nobody():
    async def main() -> None:
        good, bad = FakeLane(), FakeLane()

        async def refuse() -> None:
            raise OSError("stuck")

        bad.stop = refuse
        async with scheduler(bad, good):
            pass
        assert good.stopped

    run(main())


def test_an_output_of_no_known_size_is_given_and_not_kept():
    async def main() -> None:
        def fault(batch: Batch) -> Sequence[Output]:
            return [Output(Sizeless(), 1) for _ in batch.units]

        lane = FakeLane(fault)
        async with scheduler(lane) as s:
            for _ in range(2):
                first, second = await ask(s, unit("a"), unit("b"))
                assert isinstance(first, Sizeless)
                assert isinstance(second, Sizeless)
            assert len(lane.batches) == 2

    run(main())


class Sizeless:
    def __str__(self) -> str:
        raise RuntimeError


def test_the_wait_for_a_second_try_is_waiting():
    async def main() -> None:
        lane = FakeLane(poison(ValueError()))
        async with (
            scheduler(lane, batch_tokens=1) as s,
            s.job(priority=Priority.BULK, deadline=math.inf) as job,
        ):
            task = asyncio.create_task(job.run([unit("poison", 20)]))
            await asyncio.sleep(0.1)
            await ask(s, unit("goes first", 50))
            await task
            assert lane.payloads == [["poison"], ["goes first"], ["poison"]]
            assert job.usage.queue_seconds == pytest.approx(0.5)

    run(main())


def test_retries_wait_like_others_and_count_as_waiting():
    async def main() -> None:
        lane = FakeLane(poison(ValueError()))
        async with (
            scheduler(lane) as s,
            s.job(priority=Priority.BULK, deadline=math.inf) as job,
        ):
            task = asyncio.create_task(job.run([unit("poison", 20), unit("a", 30)]))
            await asyncio.sleep(0.7)
            assert s.stats().waiting_tokens[Priority.BULK, "q"] == 30
            await task
            assert job.usage.queue_seconds == pytest.approx(0)
            assert job.usage.compute_seconds == pytest.approx(0.6 + 0.2 + 0.3)

    run(main())


def test_a_lane_that_refuses_a_batch_at_once_has_failed_with_it_and_loses_no_other():
    class Refusing(FakeLane):
        refused = 0

        def run(self, batch: Batch, spare: Spare = nothing) -> Awaitable[Sequence[Output]]:
            if "bad" in batch.payloads:
                self.refused += 1
                raise OSError("the line is gone")
            return super().run(batch, spare)

    async def main() -> None:
        lane = Refusing()
        async with scheduler(lane, batch_tokens=20) as s:
            good, bad, also = await asyncio.gather(
                *(ask(s, unit(name, 20)) for name in ("good", "bad", "also"))
            )
            assert (good, also) == ([answer("good")], [answer("also")])
            assert isinstance(bad[0], ComputeFailed)
            assert lane.refused == 2
            assert await ask(s, unit("next")) == [answer("next")]

    run(main())


@pytest.mark.parametrize("policy", [{"batch_tokens": 0}, {"batch_seconds": 0.0}])
def test_a_budget_of_nothing_still_has_units_go_one_by_one(policy: dict[str, float]):
    async def main() -> None:
        async with scheduler(FakeLane(), **policy) as s:
            for _ in range(3):
                names = [object() for _ in range(5)]
                answers = await asyncio.gather(*(ask(s, unit(it, 10)) for it in names))
                assert answers == [[answer(it)] for it in names]

    run(main())
