"""Who gets in, who is sent away, who waits at the door."""

from __future__ import annotations

import asyncio
import math

import pytest

from fake_lane import SPEED, FakeLane, answer, ask, scheduler, unit, warm
from service.errors import DeadlineExpired, Overloaded
from service.scheduler import Job, Scheduler, Unit
from service.schema import Priority
from virtual_loop import now, run

INTERACTIVE, BULK = Priority.INTERACTIVE, Priority.BULK


async def settle() -> None:
    """Let everybody do what they can do now."""
    await asyncio.sleep(0.001)


def test_what_does_not_fit_is_refused_and_what_waits_gets_its_turn():
    async def main() -> None:
        async with scheduler(FakeLane(), queue_tokens=30) as s:
            running = asyncio.create_task(ask(s, unit("runs", 100)))
            await settle()
            fits = asyncio.create_task(ask(s, unit(1), unit(2)))
            await settle()
            with pytest.raises(Overloaded, match="too much work is waiting") as refusal:
                await ask(s, unit(3), unit(4))
            assert refusal.value.retry_after == 1.0
            brim = asyncio.create_task(ask(s, unit(3)))
            await settle()
            assert s.stats().waiting_tokens[INTERACTIVE, "q"] == 30
            waits = asyncio.create_task(ask(s, unit(5), unit(6), wait=True))
            await settle()
            assert s.stats().waiting_units == 3
            assert await waits == [answer(5), answer(6)]
            await asyncio.gather(running, fits, brim)
            assert s.stats().overloaded == 1

    run(main())


def test_a_refused_job_leaves_nothing_behind():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, queue_tokens=10) as s:
            running = asyncio.create_task(ask(s, unit("runs", 100)))
            await settle()
            waiting = asyncio.create_task(ask(s, unit("waits")))
            await settle()
            with pytest.raises(Overloaded):
                await ask(s, unit("waits"), unit("runs"), unit("new"))
            assert s.stats().shared == 0
            await asyncio.gather(running, waiting)
            assert lane.payloads == [["runs"], ["waits"]]

    run(main())


def test_known_and_shared_units_need_no_room():
    async def main() -> None:
        async with scheduler(FakeLane(), queue_tokens=10) as s:
            await ask(s, unit("known", 1000))
            running = asyncio.create_task(ask(s, unit("runs", 100)))
            await settle()
            waiting = asyncio.create_task(ask(s, unit("waits")))
            await settle()
            stuck = asyncio.create_task(ask(s, unit("stuck"), wait=True))
            await settle()
            assert await ask(s, unit("known", 1000)) == [answer("known")]
            shared = await ask(s, unit("waits"), unit("runs", 100))
            assert shared == [answer("waits"), answer("runs")]
            await asyncio.gather(running, waiting, stuck)

    run(main())


def test_equal_units_of_one_job_need_room_once():
    async def main() -> None:
        async with scheduler(FakeLane(), queue_tokens=20) as s:
            running = asyncio.create_task(ask(s, unit("runs", 100)))
            await settle()
            first = asyncio.create_task(ask(s, unit("a")))
            await settle()
            assert await ask(s, unit("b"), unit("b"), unit("b")) == [answer("b")] * 3
            more = asyncio.create_task(ask(s, unit("runs again", 100)))
            await settle()
            second = asyncio.create_task(ask(s, unit("c")))
            await settle()
            with pytest.raises(Overloaded):
                await ask(s, unit("d"), unit("d"), no_cache=True)
            await asyncio.gather(running, first, more, second)

    run(main())


def test_bulk_takes_no_room_from_interactive_work_nor_slows_its_prediction():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, queue_tokens=1000) as s:
            await warm(s)
            bulk = asyncio.create_task(ask(s, *(unit(n) for n in range(100)), priority=BULK))
            await settle()
            with pytest.raises(Overloaded):
                await ask(s, unit("more", 200), priority=BULK)
            assert await ask(s, unit("now"), timeout=2.5) == [answer("now")]
            await bulk

    run(main())


def test_a_deadline_that_the_queue_cannot_meet_is_refused_with_the_time_to_come_back():
    async def main() -> None:
        async with scheduler(FakeLane()) as s:
            await warm(s)
            long = [asyncio.create_task(ask(s, unit(n, 200))) for n in range(4)]
            await settle()
            with pytest.raises(Overloaded) as refusal:
                await ask(s, unit("a"), timeout=5)
            assert refusal.value.retry_after == pytest.approx(8, abs=0.1)
            with pytest.raises(Overloaded):
                await ask(s, unit("a"), timeout=9)  # too close to the prediction for the door
            assert await ask(s, unit("a"), timeout=21) == [answer("a")]
            await asyncio.gather(*long)
            assert s.stats().overloaded == 2

    run(main())


def test_running_work_is_ahead_too():
    async def main() -> None:
        async with scheduler(FakeLane()) as s:
            await warm(s)
            long = asyncio.create_task(ask(s, unit("long", 800)))
            await asyncio.sleep(2)
            with pytest.raises(Overloaded) as refusal:
                await ask(s, unit("a"), timeout=5)
            assert refusal.value.retry_after == pytest.approx(6, abs=0.1)
            with pytest.raises(Overloaded):
                await ask(s, unit("a"), timeout=6.5)  # its batch may be a long one, too
            assert await ask(s, unit("a"), timeout=16) == [answer("a")]
            await long

    run(main())


def test_nothing_is_spent_on_what_cannot_be_begun_in_time():
    async def main() -> None:
        async with scheduler(FakeLane()) as s:
            await warm(s)
            long = asyncio.create_task(ask(s, unit("long", 800)))
            await settle()
            for wait in (False, True):
                job = s.job(priority=INTERACTIVE, deadline=now() + 5, wait=wait)
                if wait:
                    async with job:
                        pass
                else:
                    with pytest.raises(Overloaded) as refusal:
                        await job.__aenter__()
                    assert refusal.value.retry_after == pytest.approx(8, abs=0.1)
            assert (s.stats().jobs, s.stats().overloaded) == (1, 1)
            await long

    run(main())


async def known(s: Scheduler, kind: str, *units: Unit) -> None:
    """Let a job of this kind end well."""
    async with s.job(priority=BULK, deadline=math.inf, kind=kind) as job:
        await job.run(units)


def enter(s: Scheduler, timeout: float, **options: object) -> Job:
    """A job that enters or is refused at once: nothing else happens meanwhile."""
    job = s.job(priority=INTERACTIVE, deadline=now() + timeout, **options)
    with pytest.raises(StopIteration):
        job.__aenter__().send(None)
    return job


def test_who_is_being_read_counts_for_what_its_kind_asks_for():
    async def main() -> None:
        async with scheduler(FakeLane()) as s:
            await warm(s)
            await known(s, "article", unit("a", 200))
            # The queue is empty: nobody has asked yet.
            read = [enter(s, timeout=7.1, kind="article") for _ in range(2)]
            assert s.stats().wait_seconds[INTERACTIVE] == pytest.approx(4, abs=0.1)
            with pytest.raises(Overloaded) as refusal:
                enter(s, timeout=6.9, kind="article")
            assert refusal.value.retry_after == pytest.approx(4, abs=0.1)
            read.append(enter(s, timeout=10.2, kind="a kind that nobody knows"))
            # Who asks counts for what it asks for, and who leaves for nothing.
            asking = asyncio.create_task(read[0].run([unit("short", 10)]))
            await settle()
            assert s.stats().wait_seconds[INTERACTIVE] == pytest.approx(2.1, abs=0.1)
            await read[1].__aexit__(ValueError, None, None)
            assert s.stats().wait_seconds[INTERACTIVE] == pytest.approx(0.1, abs=0.1)
            await asking

    run(main())


def test_a_job_is_expected_at_each_queue_until_it_asks_there_and_forgotten_with_its_end():
    async def main() -> None:
        async with scheduler(FakeLane()) as s:
            await known(s, "article", unit("a", 100), unit("b", 50, queue="second"))
            expected = s._forecast.tokens(INTERACTIVE)
            job = enter(s, timeout=100, kind="article")
            assert expected == {"q": 100, "second": 50}
            await job.run([unit("a", 100)])  # known: nothing is computed
            assert +expected == {"second": 50}
            await job.run([unit("c", 10, queue="second")])
            assert not +expected
            await job.__aexit__(None, None, None)
            tokens = s._forecast.typical("article")
            assert 45 < tokens["q"] < 55, "half of them found it in the cache"
            assert 25 < tokens["second"] < 35
            gone = enter(s, timeout=100, kind="article")
            await gone.__aexit__(None, None, None)
            await gone.__aexit__(None, None, None)
            assert not +expected

    run(main())


def test_who_is_being_read_takes_room():
    async def main() -> None:
        async with scheduler(FakeLane(), queue_tokens=100) as s:
            await known(s, "article", unit("a", 40))
            read = [enter(s, timeout=1e6, kind="article") for _ in range(2)]
            with pytest.raises(Overloaded):
                enter(s, timeout=1e6, kind="article")
            enter(s, timeout=1e6, kind="article", wait=True)  # it will wait for room
            for job in read:
                await job.__aexit__(ValueError, None, None)
            enter(s, timeout=1e6, kind="article")

    run(main())


def test_the_wait_for_a_reader_counts_where_it_is_longer_than_the_queue():
    async def main() -> None:
        async with scheduler(FakeLane()) as s:
            with pytest.raises(Overloaded) as refusal:
                enter(s, timeout=5, delay=6)
            assert refusal.value.retry_after == 6
            enter(s, timeout=15.1, delay=6)
            assert s.stats().overloaded == 1

    run(main())


def test_a_share_of_bulk_is_ahead_of_interactive_work():
    async def main() -> None:
        async with scheduler(FakeLane(), bulk_share=0.25) as s:
            await warm(s)
            first = asyncio.create_task(ask(s, unit("runs", 100)))
            await settle()
            others = [
                asyncio.create_task(ask(s, unit("i", 600))),
                asyncio.create_task(ask(s, unit("b", 150), priority=BULK)),
            ]
            await settle()
            wait = s.stats().wait_seconds
            assert wait[INTERACTIVE] == pytest.approx(1 + 6 + 1.5, abs=0.1)
            assert wait[BULK] == pytest.approx(1 + 6 + 1.5, abs=0.1)
            others.append(asyncio.create_task(ask(s, unit("b2", 850), priority=BULK)))
            await settle()
            wait = s.stats().wait_seconds
            assert wait[INTERACTIVE] == pytest.approx(1 + 6 + 2, abs=0.1)
            assert wait[BULK] == pytest.approx(1 + 6 + 10, abs=0.1)
            await asyncio.gather(first, *others)

    run(main())


def test_two_lanes_halve_the_wait():
    async def main() -> None:
        async with scheduler(FakeLane(), FakeLane()) as s:
            await warm(s)
            tasks = [asyncio.create_task(ask(s, unit(n, 400))) for n in range(10, 14)]
            await settle()
            assert s.stats().wait_seconds[INTERACTIVE] == pytest.approx(4 + 4, abs=0.1)
            await asyncio.gather(*tasks)
            with pytest.raises(DeadlineExpired):
                await ask(s, unit("a", 400), unit("b", 400), timeout=3.9)
            answers = await ask(s, unit("a", 400), unit("b", 400), timeout=4.1)
            assert answers == [answer("a"), answer("b")]

    run(main())


@pytest.mark.parametrize("wait", [False, True])
def test_what_even_an_empty_queue_cannot_do_in_time_is_refused_at_once(wait: bool):
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane) as s:
            await warm(s)
            start = now()
            with pytest.raises(DeadlineExpired, match="too near, even for an empty queue"):
                await ask(s, unit("long", 500), timeout=4.9, wait=wait)
            assert now() == start
            assert s.stats().expired == 1
            assert await ask(s, unit("long", 500), timeout=5.1, wait=wait) == [answer("long")]
            assert lane.payloads[2:] == [["long"]]

    run(main())


def test_one_slow_measurement_does_not_refuse_everybody_for_ever():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, fade=60.0) as s:
            lane.speed = SPEED / 10
            await warm(s)
            lane.speed = SPEED
            with pytest.raises(DeadlineExpired):
                await ask(s, unit("a", 100), timeout=5)
            await asyncio.sleep(55)
            with pytest.raises(DeadlineExpired):
                await ask(s, unit("a", 100), timeout=5)
            await asyncio.sleep(10)
            assert await ask(s, unit("a", 100), timeout=5) == [answer("a")]

    run(main())


# At the door


def test_the_door_is_fair_and_a_cancelled_waiter_is_skipped():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, batch_tokens=1, queue_tokens=10) as s:
            names = "abcdef"
            tasks = {}
            for name in names:
                tasks[name] = asyncio.create_task(ask(s, unit(name), priority=BULK, wait=True))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            await settle()
            assert s.stats().waiting_units == 1
            with pytest.raises(Overloaded):
                await ask(s, unit("barges in"), priority=BULK)
            tasks["c"].cancel()
            tasks["e"].cancel()
            await asyncio.wait(tasks.values())
            assert lane.payloads == [["a"], ["b"], ["d"], ["f"]]
            assert tasks["f"].result() == [answer("f")]

    run(main())


def test_nobody_passes_those_at_the_door_even_if_small():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, batch_tokens=1, queue_tokens=20) as s:
            tasks = [asyncio.create_task(ask(s, unit("runs", 100)))]
            for name, size in [("half", 10), ("large", 20), ("small", 5)]:
                await settle()
                tasks.append(asyncio.create_task(ask(s, unit(name, size), wait=True)))
            await settle()
            assert s.stats().waiting_units == 1
            with pytest.raises(Overloaded):
                await ask(s, unit("barges in", 1))
            await asyncio.gather(*tasks)
            assert [p for (p,) in lane.payloads] == ["runs", "half", "large", "small"]

    run(main())


def test_jobs_at_the_door_take_turns():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, batch_tokens=1, queue_tokens=10) as s:
            tasks = []
            for job in "ab":
                units = [unit(f"{job}{n}") for n in range(4)]
                tasks.append(asyncio.create_task(ask(s, *units, priority=BULK, wait=True)))
                await settle()
            await asyncio.gather(*tasks)
            order = [payload for (payload,) in lane.payloads]
            assert order == ["a0", "a1", "a2", "b0", "a3", "b1", "b2", "b3"]

    run(main())


@pytest.mark.parametrize("wait", [False, True])
def test_a_job_larger_than_the_whole_room_is_fed_piece_by_piece(wait: bool):
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, queue_tokens=25) as s:
            units = [unit(n) for n in range(9)] + [unit("huge", 1000)]
            seen: set[int] = set()

            async def watch() -> None:
                while True:
                    await asyncio.sleep(0.01)
                    seen.add(s.stats().waiting_tokens[INTERACTIVE, "q"])

            watcher = asyncio.create_task(watch())
            answers = await ask(s, *units, wait=wait)
            watcher.cancel()
            assert answers == [answer(u.payload) for u in units]
            assert max(seen - {1000}) <= 25, "the huge one goes in by itself"

    run(main())


def test_a_large_job_is_refused_while_others_wait():
    async def main() -> None:
        async with scheduler(FakeLane(), queue_tokens=25) as s:
            tasks = []
            for name in ("runs", "waits"):
                tasks.append(asyncio.create_task(ask(s, unit(name))))
                await settle()
            with pytest.raises(Overloaded):
                await ask(s, *(unit(n) for n in range(9)))
            await asyncio.gather(*tasks)

    run(main())


def test_a_unit_known_by_the_time_of_its_turn_needs_no_room():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, batch_tokens=1, queue_tokens=10) as s:
            tasks = []
            for name in ("runs", "waits", "same", "same"):
                tasks.append(asyncio.create_task(ask(s, unit(name), wait=True)))
                await settle()
            await asyncio.gather(*tasks)
            assert lane.payloads == [["runs"], ["waits"], ["same"]]
            assert s.stats().shared + s.stats().cached == 1

    run(main())


@pytest.mark.parametrize("room_changes", [True, False])
def test_at_the_door_of_one_priority_comes_what_the_other_has_asked_for(room_changes: bool):
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, batch_tokens=1, queue_tokens=20, bulk_share=0.0) as s:
            start = now()
            tasks = [asyncio.create_task(ask(s, unit("runs", 100)))]
            await settle()
            bulk = [asyncio.create_task(ask(s, unit(n), priority=BULK)) for n in range(2)]
            await settle()
            waits = asyncio.create_task(ask(s, unit("same", 20), priority=BULK, wait=True))
            await settle()
            tasks.append(asyncio.create_task(ask(s, unit("same", 20))))
            await settle()
            if room_changes:
                bulk[0].cancel()
            await asyncio.sleep(1.1)
            tasks.append(asyncio.create_task(ask(s, unit("more", 20))))
            assert await waits == [answer("same")]
            # It joins as soon as it looks, or finds the output when there is room at last.
            assert now() - start == pytest.approx(1.2 if room_changes else 1.4, abs=0.01)
            await asyncio.gather(*tasks, *bulk, return_exceptions=True)
            assert lane.payloads.count(["same"]) == 1

    run(main())


def test_own_work_and_ones_own_priority_count_in_the_prediction():
    async def main() -> None:
        async with scheduler(FakeLane()) as s:
            await warm(s)
            long = [asyncio.create_task(ask(s, unit("runs", 100)))]
            await settle()
            long.append(asyncio.create_task(ask(s, unit("bulk", 600), priority=BULK)))
            await settle()
            with pytest.raises(Overloaded):
                await ask(s, unit("a", 200), priority=BULK, timeout=5)
            assert await ask(s, unit("a", 200), timeout=5) == [answer("a")]
            long.append(asyncio.create_task(ask(s, unit("more", 300))))
            await settle()
            with pytest.raises(Overloaded):
                await ask(s, unit("b", 300), timeout=s.stats().wait_seconds[INTERACTIVE] + 1)
            await asyncio.gather(*long)

    run(main())


def test_no_deadline_is_no_deadline():
    async def main() -> None:
        async with scheduler(FakeLane()) as s:
            await ask(s, unit("warm"))
            assert await ask(s, unit("a", 10**4), timeout=math.inf) == [answer("a")]

    run(main())
