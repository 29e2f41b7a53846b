"""What callers see of the scheduler: order, sharing, cancellation, deadlines, usage."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

import pytest

from fake_lane import FakeLane, answer, ask, scheduler, unit, warm
from service.errors import DeadlineExpired, Overloaded, Unavailable
from service.scheduler import Batch, Output, Scheduler, Spare, State, Unit, nothing
from service.schema import Priority
from virtual_loop import now, run

BULK = Priority.BULK


def test_each_unit_gets_its_own_answer_in_order():
    async def main() -> None:
        async with scheduler(FakeLane()) as s:
            assert await ask(s, *map(unit, "cab")) == [answer("c"), answer("a"), answer("b")]
            assert await ask(s) == []

    run(main())


def test_idle_runs_now_and_busy_gathers():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane) as s:
            start = now()
            await asyncio.gather(
                ask(s, unit("first")),
                *(ask(s, unit(n), after=0.01 * n) for n in range(1, 6)),
            )
            assert lane.payloads == [["first"], [1, 2, 3, 4, 5]]
            assert lane.began == pytest.approx([start, start + 0.1])

    run(main())


def test_callers_of_one_moment_share_the_first_batch():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane) as s:
            await asyncio.gather(*(ask(s, unit(n)) for n in range(5)))
            assert lane.payloads == [[0, 1, 2, 3, 4]]

    run(main())


def test_what_was_begun_is_finished_first_and_short_deadlines_go_ahead_within_patience():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, batch_tokens=1, patience=10.0, bulk_share=0.0) as s:
            async with s.job(priority=Priority.INTERACTIVE, deadline=now() + 1e6) as old:
                blocks = asyncio.create_task(ask(s, unit("blocks", 1000)))
                await asyncio.sleep(0.1)
                await asyncio.gather(
                    blocks,
                    ask(s, unit("bulk"), after=1, priority=BULK, timeout=10),
                    ask(s, unit("plain"), after=2),
                    ask(s, unit("hurried"), after=3, timeout=8.5),
                    ask(s, unit("more hurried"), after=4, timeout=7.2),
                    ask(s, unit("later"), after=5, timeout=50),
                    old.run([unit("second half")]),
                )
            order = ["blocks", "second half", "more hurried", "hurried", "plain", "later", "bulk"]
            assert [payload for (payload,) in lane.payloads] == order

    run(main())


def test_nobody_starves_under_a_stream_of_short_deadlines():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, batch_tokens=1, patience=5.0) as s:

            async def hurried(n: int) -> None:
                await asyncio.gather(
                    ask(s, unit(n), after=0.1 * n, timeout=1.0), return_exceptions=True
                )

            async def patient(priority: Priority) -> float:
                await ask(s, unit(priority), after=1.0, timeout=1e5, priority=priority)
                return now()

            start = now()
            *_, interactive, bulk = await asyncio.gather(
                *(hurried(n) for n in range(300)),
                patient(Priority.INTERACTIVE),
                patient(BULK),
            )
            assert interactive - start < 8
            assert bulk - start < 5

    run(main())


def test_several_lanes_work_side_by_side():
    async def main() -> None:
        lanes = [FakeLane(), FakeLane()]
        async with scheduler(*lanes, batch_tokens=1) as s:
            start = now()
            await asyncio.gather(*(ask(s, unit(n)) for n in range(4)))
            assert now() - start == pytest.approx(0.2)
            assert [len(lane.batches) for lane in lanes] == [2, 2]

    run(main())


# Sharing and caching


def test_equal_units_are_computed_once_and_then_remembered():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane) as s:
            same = unit("same")
            answers = await asyncio.gather(
                ask(s, same, same), ask(s, same), ask(s, same, after=0.05)
            )
            assert answers == [[answer("same")] * 2, [answer("same")], [answer("same")]]
            assert await ask(s, same) == [answer("same")]
            assert lane.payloads == [["same"]]
            stats = s.stats()
            assert (stats.shared, stats.cached, stats.cache_entries) == (3, 1, 1)
            assert stats.cache_bytes == 512 + len(answer("same"))

    run(main())


def test_scopes_queues_and_profiles_are_kept_apart_and_no_cache_shares_nothing():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane) as s:
            for _ in range(2):
                await asyncio.gather(
                    ask(s, unit("u"), scope="a"),
                    ask(s, unit("u"), scope="b"),
                    ask(s, unit("u", queue="other")),
                    ask(s, unit("u", profile="other")),
                )
            assert len(lane.batches) == 3
            assert sum(len(batch.units) for batch in lane.batches) == 4
            await asyncio.gather(*(ask(s, unit("u"), scope="a", no_cache=True) for _ in range(2)))
            assert len(lane.batches[-1].units) == 2
            await ask(s, unit("v"), no_cache=True)
            await ask(s, unit("v"))
            assert lane.payloads[-2:] == [["v"], ["v"]]

    run(main())


def test_the_cache_forgets_the_least_recently_used_and_what_is_too_large():
    async def main() -> None:
        lane = FakeLane()
        room = 2 * (512 + len(answer("a")))
        async with scheduler(lane, cache_bytes=room) as s:
            for payload in "abac":
                await ask(s, unit(payload))
            await ask(s, unit("a"))
            assert lane.payloads == [["a"], ["b"], ["c"]]
            assert s.stats().cache_bytes <= room
            await ask(s, unit("b"))
            assert lane.payloads[-1] == ["b"]
            for _ in range(2):
                assert await ask(s, unit("x" * 2000)) == [answer("x" * 2000)]
            assert lane.payloads[-2:] == [["x" * 2000]] * 2

    run(main())


def test_an_urgent_subscriber_pulls_the_unit_ahead_and_lets_go_when_leaving():
    async def main() -> None:
        for stays in (True, False):
            lane = FakeLane()
            async with scheduler(lane, batch_tokens=1) as s:
                callers = asyncio.gather(
                    ask(s, unit("blocks", 100)),
                    ask(s, unit("other"), after=0.1),
                    ask(s, unit("shared"), after=0.1, priority=BULK),
                )
                urgent = asyncio.create_task(ask(s, unit("shared"), after=0.2, timeout=20))
                await asyncio.sleep(0.3)
                if not stays:
                    urgent.cancel()
                await callers
                order = ["shared", "other"] if stays else ["other", "shared"]
                assert [payload for (payload,) in lane.payloads[1:]] == order

    run(main())


# Leaving


def test_a_cancelled_caller_takes_its_waiting_units_along_and_no_others():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, batch_tokens=1) as s:
            first = asyncio.create_task(ask(s, unit("runs")))
            gone = asyncio.create_task(ask(s, unit("gone"), unit("shared"), after=0.01))
            stays = asyncio.create_task(ask(s, unit("shared"), after=0.02))
            await asyncio.sleep(0.05)
            gone.cancel()
            await asyncio.sleep(0)
            assert s.stats().waiting_units == 1
            assert await first == [answer("runs")]
            assert await stays == [answer("shared")]
            assert lane.payloads == [["runs"], ["shared"]]
            assert s.stats().abandoned == 1
            assert gone.cancelled()

    run(main())


def test_the_lane_is_told_at_once_what_it_computes_for_nobody():
    async def main() -> None:
        lane = FakeLane(
            lambda batch: [
                Output("not computed" if n in lane.dropped else answer(u.payload), 1)
                for n, u in enumerate(batch.units)
            ]
        )
        async with scheduler(lane) as s:
            gone = asyncio.create_task(ask(s, unit("a"), unit("both"), unit("b"), unit("a")))
            stays = asyncio.create_task(ask(s, unit("both"), unit("c")))
            await asyncio.sleep(0.05)
            assert lane.payloads == [["a", "both", "b", "c"]]
            gone.cancel()
            await asyncio.sleep(0)
            assert lane.dropped == [0, 2]
            again = asyncio.create_task(ask(s, unit("a")))
            assert await stays == [answer("both"), answer("c")]
            assert await again == [answer("a")], "not what stands in the dropped row's place"
            assert await ask(s, unit("a"), unit("both")) == [answer("a"), answer("both")]
            assert lane.payloads[1:] == [["a"]]
            assert (s.stats().abandoned, s.stats().cached) == (2, 2)
            assert lane.cancelled == 0

    run(main())


def test_what_was_dropped_is_not_retried_when_its_batch_fails():
    async def main() -> None:
        def once(batch: Batch) -> None:
            lane.fault = lambda _: None
            raise ValueError

        lane = FakeLane(once)
        async with scheduler(lane) as s:
            gone = asyncio.create_task(ask(s, unit("gone")))
            stays = asyncio.create_task(ask(s, unit("stays")))
            await asyncio.sleep(0.05)
            gone.cancel()
            heir = asyncio.create_task(ask(s, unit("gone"), after=0.01))
            assert await stays == [answer("stays")]
            assert await heir == [answer("gone")]
            assert sorted(map(str, lane.payloads)) == ["['gone', 'stays']", "['gone']", "['stays']"]

    run(main())


def test_the_next_batch_is_on_its_way_before_the_answers_of_the_last_are_given_out():
    async def main() -> None:
        events: list[str] = []

        class Listening(FakeLane):
            async def run(self, batch: Batch, spare: Spare = nothing) -> Sequence[Output]:
                events.append(f"sent {batch.payloads}")
                return await super().run(batch, spare)

        async def caller(n: int) -> None:
            await ask(s, unit(n))
            events.append(f"answered {n}")

        async with scheduler(Listening(), batch_tokens=1) as s:
            await asyncio.gather(*(caller(n) for n in range(3)))
        assert events == [
            "sent [0]",
            "sent [1]",
            "answered 0",
            "sent [2]",
            "answered 1",
            "answered 2",
        ]

    run(main())


def test_a_caller_cancelled_in_the_moment_of_its_answer_harms_nobody():
    async def main() -> None:
        callers: list[asyncio.Task] = []

        def cancel(_):
            # The callers do not know yet when the rows come: their futures are done before.
            callers[0].cancel()

        lane = FakeLane(cancel)
        async with scheduler(lane) as s:
            callers += [asyncio.create_task(ask(s, unit(n))) for n in "ab"]
            await asyncio.wait(callers)
            assert callers[0].cancelled()
            assert callers[1].result() == [answer("b")]
            lane.fault = lambda _: None
            assert await ask(s, unit("c"), unit("a")) == [answer("c"), answer("a")]

    run(main())


def test_leaving_a_job_ends_its_runs_wherever_they_are():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, batch_tokens=1, queue_tokens=10) as s:
            async with s.job(priority=BULK, deadline=math.inf, wait=True) as job:
                runs = [asyncio.create_task(job.run([unit(n)])) for n in "abc"]
                await asyncio.sleep(0.05)
                assert lane.payloads == [["a"]]
            await asyncio.wait(runs)
            assert all(task.cancelled() for task in runs)
            stats = s.stats()
            assert (stats.jobs, stats.waiting_units) == (0, 0)
            waited = job.usage.queue_seconds
            await asyncio.sleep(5)
            assert job.usage.queue_seconds == waited, "nothing of it waits any more"
            with pytest.raises(RuntimeError):
                await job.run([unit("d")])
            assert await ask(s, unit("e")) == [answer("e")]
            assert lane.payloads == [["a"], ["e"]]

    run(main())


def test_a_job_runs_only_inside():
    async def main() -> None:
        async with scheduler(FakeLane()) as s:
            job = s.job(priority=BULK, deadline=math.inf)
            with pytest.raises(RuntimeError):
                await job.run([unit("a")])
            with pytest.raises(ValueError, match="priority"):
                s.job(priority=Priority.UNSPECIFIED, deadline=math.inf)

    run(main())


def test_of_a_cancelled_caller_only_what_runs_is_finished():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, batch_tokens=1) as s:
            gone = asyncio.create_task(ask(s, *(unit(n) for n in range(30))))
            await asyncio.sleep(0.05)
            gone.cancel()
            await asyncio.sleep(0)
            assert s.stats().waiting_units == 0
            await asyncio.sleep(5)
            assert lane.payloads == [[0]]

    run(main())


# Deadlines


async def expires_after_half_a_second(s: Scheduler, late: Unit, *, wait: bool = False) -> None:
    start = now()
    with pytest.raises(DeadlineExpired, match="the deadline passed"):
        await ask(s, late, timeout=0.5, wait=wait)
    assert now() - start == pytest.approx(0.5)
    assert s.stats().expired == 1
    assert s.stats().waiting_units == 0
    await asyncio.sleep(10)


def test_a_deadline_passes_while_waiting():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane) as s:
            long = asyncio.create_task(ask(s, unit("long", 100)))
            await asyncio.sleep(0.1)
            await expires_after_half_a_second(s, unit("late"))
            assert await long == [answer("long")]
            assert lane.payloads == [["long"]]

    run(main())


def test_a_deadline_passes_while_running():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane) as s:
            await expires_after_half_a_second(s, unit("late", 100))
            assert lane.dropped == [0]
            assert await ask(s, unit("late", 100)) == [answer("late")]
            assert lane.payloads == [["late"], ["late"]], "nobody knows what became of the first"

    run(main())


def test_a_deadline_passes_during_the_second_try():
    async def main() -> None:
        def fault(_: Batch) -> None:
            raise ValueError

        lane = FakeLane(fault)
        async with scheduler(lane) as s:
            await expires_after_half_a_second(s, unit("late", 30))
            assert lane.payloads == [["late"]] * 2
            assert s.stats().failed == 1
            lane.fault = lambda _: None
            assert await ask(s, unit("late")) == [answer("late")]

    run(main())


def test_a_deadline_passes_before_the_second_try():
    async def main() -> None:
        def fault(batch: Batch) -> None:
            if "bad" in batch.payloads:
                raise ValueError

        lane = FakeLane(fault)
        async with scheduler(lane, bulk_share=0.0, batch_tokens=1000) as s:
            bad = asyncio.create_task(ask(s, unit("bad", 20), unit("also", 20)))
            with pytest.raises(DeadlineExpired):
                await ask(s, unit("late", 20), timeout=0.7, priority=BULK)
            _, also = await bad
            assert also == answer("also")
            assert lane.payloads == [["bad", "also", "late"], ["bad"], ["also"]]

    run(main())


def test_a_deadline_passes_at_the_door():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, batch_tokens=1, queue_tokens=10) as s:
            full = asyncio.create_task(ask(s, unit("long", 100), unit("full"), wait=True))
            await asyncio.sleep(0.1)
            start = now()
            with pytest.raises(DeadlineExpired):
                await ask(s, unit("late"), timeout=0.5, wait=True)
            assert now() - start == pytest.approx(0.5)
            assert s.stats().waiting_units == 1
            assert await full == [answer("long"), answer("full")]
            assert await ask(s, unit("next"), wait=True) == [answer("next")]
            assert lane.payloads == [["long"], ["full"], ["next"]]

    run(main())


def test_a_deadline_in_the_past_is_refused_even_if_the_answer_is_known():
    async def main() -> None:
        async with scheduler(FakeLane()) as s:
            await ask(s, unit("a"))
            with pytest.raises(DeadlineExpired, match="has passed"):
                await ask(s, unit("a"), timeout=0)
            assert s.stats().expired == 1

    run(main())


def test_who_leaves_late_leaves_the_others_their_unit():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, batch_tokens=1) as s:
            _, late, patient = await asyncio.gather(
                ask(s, unit("long", 100)),
                asyncio.gather(ask(s, unit("u"), after=0.1, timeout=0.2), return_exceptions=True),
                ask(s, unit("u"), after=0.1),
            )
            assert isinstance(late[0], DeadlineExpired)
            assert patient == [answer("u")]

    run(main())


# Usage and numbers


def test_usage_counts_waiting_computing_and_what_others_paid_for():
    async def main() -> None:
        lane = FakeLane()
        async with (
            scheduler(lane) as s,
            s.job(priority=BULK, deadline=math.inf) as one,
            s.job(priority=BULK, deadline=math.inf) as two,
        ):
            first = asyncio.create_task(one.run([unit("a", 20), unit("b", 20), unit("b", 20)]))
            await asyncio.sleep(0.1)
            await asyncio.gather(first, two.run([unit("b", 20), unit("c", 40)]))
            assert one.usage.units == 3
            assert one.usage.cached_units == 1
            assert (one.usage.input_tokens, one.usage.output_tokens) == (30, 30)
            assert one.usage.queue_seconds == pytest.approx(0)
            assert one.usage.compute_seconds == pytest.approx(0.4)
            assert two.usage.cached_units == 1
            assert two.usage.queue_seconds == pytest.approx(0), "b was running all the time"
            assert two.usage.compute_seconds == pytest.approx(0.4)
            await asyncio.gather(one.run([unit("d", 60)]), two.run([unit("a", 20)]))
            assert two.usage.cached_units == 2
            assert two.usage.compute_seconds == pytest.approx(0.4)
            await asyncio.sleep(10)
            long = asyncio.create_task(one.run([unit("e", 100)]))
            await asyncio.sleep(0.25)
            waiting = asyncio.create_task(two.run([unit("f", 10)]))
            await asyncio.sleep(0.25)
            assert two.usage.queue_seconds == pytest.approx(0.25)
            await asyncio.gather(long, waiting)
            assert two.usage.queue_seconds == pytest.approx(0.75)
            assert two.usage.compute_seconds == pytest.approx(0.5)
            assert one.usage.compute_seconds == pytest.approx(0.4 + 0.6 + 1.0)

    run(main())


def test_a_batch_is_paid_by_tokens_and_waiting_at_the_door_is_waiting():
    async def main() -> None:
        lane = FakeLane()
        async with (
            scheduler(lane, queue_tokens=10, max_padding=0.5) as s,
            s.job(priority=BULK, deadline=math.inf) as one,
            s.job(priority=BULK, deadline=math.inf, wait=True) as two,
        ):
            await asyncio.gather(one.run([unit("a", 10)]), two.run([unit("b", 30)]))
            assert one.usage.compute_seconds == pytest.approx(0.1)
            assert two.usage.compute_seconds == pytest.approx(0.3)
            assert two.usage.queue_seconds == pytest.approx(0.1)
            await asyncio.sleep(5)
            assert two.usage.queue_seconds == pytest.approx(0.1)

    run(main())


def test_who_gave_up_stops_paying_and_waiting():
    async def main() -> None:
        async with (
            scheduler(FakeLane(), batch_tokens=1) as s,
            s.job(priority=BULK, deadline=math.inf) as one,
            s.job(priority=BULK, deadline=math.inf) as two,
        ):
            gone = asyncio.create_task(one.run([unit("a", 100), unit("b", 100)]))
            await asyncio.sleep(0.5)
            heir = asyncio.create_task(two.run([unit("a", 100)]))
            await asyncio.sleep(0.1)
            gone.cancel()
            await heir
            await asyncio.sleep(5)
            assert one.usage.compute_seconds == 0
            assert one.usage.queue_seconds == pytest.approx(0)
            assert two.usage.compute_seconds == pytest.approx(1.0)
            assert two.usage.cached_units == 0

    run(main())


def test_stats_describe_the_moment():
    async def main() -> None:
        lane = FakeLane()
        async with scheduler(lane, max_padding=0.5) as s:
            assert s.stats().queues == {}
            await ask(s, unit("a", 10), unit("b", 20))
            queue = s.stats().queues["q"]
            assert (queue.batches, queue.units, queue.tokens, queue.padded_tokens) == (1, 2, 30, 40)
            assert queue.busy_seconds == pytest.approx(0.4)
            assert queue.padding == pytest.approx(0.25)
            assert queue.rate == pytest.approx(75)
            await warm(s)
            task = asyncio.create_task(ask(s, unit("c", 75)))
            more = asyncio.create_task(ask(s, unit("d", 75), after=0.5, priority=BULK))
            await asyncio.sleep(0.5 + 1e-6)
            stats = s.stats()
            assert (stats.lanes, stats.lanes_serving, stats.lanes_busy) == (1, 1, 1)
            assert (stats.jobs, stats.waiting_units) == (2, 1)
            assert stats.waiting_tokens[BULK, "q"] == 75
            assert stats.waiting_tokens[Priority.INTERACTIVE, "q"] == 0
            assert stats.wait_seconds[Priority.INTERACTIVE] == pytest.approx(0.25, abs=0.05)
            assert stats.wait_seconds[BULK] == pytest.approx(1.0, abs=0.1)
            await asyncio.gather(task, more)
            stats = s.stats()
            assert (stats.lanes_busy, stats.jobs, stats.waiting_units) == (0, 0, 0)
            assert stats.queues["q"].padding == pytest.approx(10 / 390)

    run(main())


def test_totals_add_up():
    async def main() -> None:
        async with scheduler(FakeLane(), queue_tokens=30) as s:
            for n in range(2):
                await ask(s, unit(n), unit(n + 2))
                await ask(s, unit(n))
                with pytest.raises(DeadlineExpired):
                    await ask(s, unit(n), timeout=0)
                with pytest.raises(DeadlineExpired):
                    await ask(s, unit(n + 10, 1000), timeout=0.5)
            queue = s.stats().queues["q"]
            assert (queue.batches, queue.units, queue.tokens) == (2, 4, 40)
            assert queue.busy_seconds == pytest.approx(0.4)
            assert s.stats().cached == 2
            assert s.stats().expired == 4
            long = asyncio.create_task(ask(s, unit("long", 300)))
            await asyncio.sleep(0.1)
            for _ in range(2):
                with pytest.raises(DeadlineExpired):
                    await ask(s, unit("late"), timeout=0.5, wait=True)
            assert s.stats().expired == 6
            for _ in range(2):
                gone = asyncio.create_task(ask(s, unit("gone")))
                await asyncio.sleep(0.1)
                gone.cancel()
            full = asyncio.create_task(ask(s, unit("full", 30)))
            await asyncio.sleep(0.1)
            for _ in range(2):
                with pytest.raises(Overloaded):
                    await ask(s, unit("too much"))
            await asyncio.gather(long, full)
            assert (s.stats().abandoned, s.stats().overloaded) == (4, 2)

    run(main())


# The end


def test_drain_lets_the_accepted_finish_and_takes_no_more():
    async def main() -> None:
        s = scheduler(FakeLane(), batch_tokens=1)
        await s.start()
        async with s.job(priority=BULK, deadline=math.inf) as job:
            start = now()
            draining = asyncio.create_task(s.drain(10))
            await asyncio.sleep(0)
            with pytest.raises(Unavailable):
                await ask(s, unit("new"))
            assert [o.value for o in await job.run([unit("a")]) if isinstance(o, Output)]
            await job.run([unit("b")])
            assert not draining.done()
        assert await draining is True
        assert now() - start == pytest.approx(0.2)
        assert s.state is State.SERVING
        await s.close()
        assert s.state is State.DOWN

    run(main())


def test_drain_gives_up_after_its_grace_and_close_tells_everybody():
    async def main() -> None:
        lane = FakeLane()
        s = scheduler(lane, batch_tokens=1, queue_tokens=10)
        await s.start()
        callers = [
            asyncio.create_task(ask(s, unit(n, 1000), priority=BULK, wait=True)) for n in range(3)
        ]
        await asyncio.sleep(0.1)
        start = now()
        assert await s.drain(2) is False
        assert now() - start == pytest.approx(2)
        await s.close()
        outcomes = await asyncio.gather(*callers, return_exceptions=True)
        errors = [o[0] if isinstance(o, list) else o for o in outcomes]
        assert all(isinstance(error, Unavailable) for error in errors)
        assert {str(error) for error in errors} == {"the server is shutting down"}
        assert lane.stopped
        assert lane.cancelled == 1
        assert s.stats().waiting_units == 0
        assert await s.drain(0) is True
        with pytest.raises(Unavailable, match="shutting down"):
            await ask(s, unit("late"))

    run(main())


def test_a_lane_is_stopped_only_after_its_batch_has_let_go():
    async def main() -> None:
        lane = FakeLane()
        run_batch, stop, events = lane.run, lane.stop, []

        async def let_go_slowly(batch: Batch, spare: Spare) -> Sequence[Output]:
            try:
                return await run_batch(batch, spare)
            except asyncio.CancelledError:
                await asyncio.sleep(1)
                events.append("let go")
                raise

        async def stop_and_say() -> None:
            events.append("stopped")
            await stop()

        lane.run, lane.stop = let_go_slowly, stop_and_say
        async with scheduler(lane) as s:
            caller = asyncio.create_task(ask(s, unit("a", 100)))
            await asyncio.sleep(0.1)
        assert events == ["let go", "stopped"]
        (failure,) = await caller
        assert isinstance(failure, Unavailable)

    run(main())


def test_a_lane_that_cannot_start_is_told_and_the_others_are_stopped():
    async def main() -> None:
        good, slow, bad = FakeLane(), FakeLane(), FakeLane()
        bad.broken_starts = 1
        start, ended = slow.start, []

        async def start_slowly() -> None:
            try:
                await asyncio.sleep(100)
                await start()
            finally:
                ended.append(now())

        slow.start = start_slowly
        s = scheduler(good, slow, bad)
        began = now()
        with pytest.raises(OSError, match="weights"):
            await s.start()
        assert good.stopped
        assert slow.stopped
        assert ended == [began], "nothing goes on starting"
        assert s.state is State.DOWN

    run(main())
