"""The scheduler as a machine: callers, time and faults in any order that hypothesis can think of.

After every step it is looked at from outside and inside. ``test_weather`` invents whole
days instead, with expiry, scopes and second runs.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
)

from fake_lane import FAULTS, StormyLane, answer, scheduler
from service.errors import ComputeFailed, Unavailable
from service.scheduler import Batch, Output, Scheduler, Spare, Unit, nothing
from service.scheduler.backlog import PASSED
from service.scheduler.entry import Entry
from service.schema import Priority
from virtual_loop import VirtualLoop, now

BATCH_TOKENS = 60

units = st.builds(
    lambda queue, number: Unit(queue, None, (queue, number), number, 3 + number, number % 5),
    st.sampled_from("ab"),
    st.integers(0, 30),
)


class Machine(RuleBasedStateMachine):
    """One scheduler with one or two lanes. Nobody is refused here, and nobody expires."""

    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=VirtualLoop)
        self.unhandled: list[object] = []
        self.runner.get_loop().set_exception_handler(lambda _, what: self.unhandled.append(what))
        self.asked: dict[asyncio.Task[list[Output | Exception]], list[Unit]] = {}
        self.draining: asyncio.Task[bool] | None = None
        self.faults = 0

    @initialize(
        lanes=st.integers(1, 2),
        share=st.sampled_from([0.1, 0.3]),
        spare_after=st.sampled_from([1.0, 0.5, 0.0]),
    )
    def open(self, lanes: int, share: float, spare_after: float) -> None:
        async def start() -> Scheduler:
            machine = self

            class Watched(StormyLane):
                async def run(self, batch: Batch, spare: Spare = nothing) -> Sequence[Output]:
                    machine.look_at(batch)
                    return await super().run(batch, spare)

            self.lanes = [Watched([], spare_after=spare_after) for _ in range(lanes)]
            s = scheduler(
                *self.lanes,
                batch_tokens=BATCH_TOKENS,
                batch_limit=5.0,
                bulk_share=share,
                lead=20,
            )
            await s.start()
            return s

        self.scheduler = self.runner.run(start())

    def look_at(self, batch: Batch) -> None:
        """A batch goes out: is it one, and is it the turn of its head?"""
        assert len({(unit.queue, unit.profile) for unit in batch.units}) == 1
        assert len(batch.units) == 1 or batch.padded <= BATCH_TOKENS
        posts = self.scheduler._dispatch.posts
        runs = (run for post in posts for run in post.runs)
        entries = next(run.pick.entries for run in runs if run.batch is batch)
        assert all(entry.calls for entry in entries), "nobody waits for it"
        head = entries[0]
        for entry in self.scheduler._backlog:
            if entry.priority is head.priority:
                assert entry.passed <= PASSED
                if entry.caller == head.caller and not entry.passed:
                    assert (head.due, head.number) <= (entry.due, entry.number)
            elif head.priority is Priority.BULK:
                assert self.scheduler._backlog._owed > 0, "interactive work goes first"

    @rule(
        target=calls,
        wanted=st.lists(units, min_size=1, max_size=6),
        priority=st.sampled_from([Priority.INTERACTIVE, Priority.BULK]),
        caller=st.sampled_from("abc"),
        no_cache=st.sampled_from([False, False, True]),
        patience=st.integers(1, 40),
    )
    def ask(
        self, wanted: list[Unit], priority: Priority, caller: str, no_cache: bool, patience: int
    ) -> asyncio.Task[list[Output | Exception]]:
        async def call() -> list[Output | Exception]:
            job = self.scheduler.job(
                priority=priority, caller=caller, deadline=math.inf, no_cache=no_cache, wait=True
            )
            job.due = now() + patience
            async with job:
                return await job.run(wanted)

        async def begin() -> asyncio.Task[list[Output | Exception]]:
            task = asyncio.create_task(call())
            await asyncio.sleep(0)
            return task

        task = self.runner.run(begin())
        self.asked[task] = wanted
        return task

    @rule(call=consumes(calls))
    def leave(self, call: asyncio.Task[list[Output | Exception]]) -> None:
        """Waiting, running or answered already: whatever it is at."""

        async def cancel() -> None:
            call.cancel()
            await asyncio.sleep(0)

        self.runner.run(cancel())

    @rule(tenths=st.integers(0, 30))
    def pass_time(self, tenths: int) -> None:
        self.runner.run(asyncio.sleep(tenths / 10))

    @rule(lane=st.integers(0, 1), fault=st.sampled_from(FAULTS))
    def break_something(self, lane: int, fault: str) -> None:
        self.lanes[lane % len(self.lanes)].weather.append(fault)
        self.faults += 1

    @rule(lane=st.integers(0, 1))
    def kill(self, lane: int) -> None:
        self.lanes[lane % len(self.lanes)].die()
        self.faults += 1

    @precondition(lambda self: self.asked and not self.draining)
    @rule()
    def drain(self) -> None:
        async def begin() -> asyncio.Task[bool]:
            task = asyncio.create_task(self.scheduler.drain(1e6))
            await asyncio.sleep(0)
            return task

        self.draining = self.runner.run(begin())

    @invariant()
    def the_books_are_right(self) -> None:
        if not hasattr(self, "scheduler"):
            return
        backlog, posts = self.scheduler._backlog, self.scheduler._dispatch.posts
        waiting: list[Entry] = list(backlog)
        running = [entry for post in posts for run in post.runs for entry in run.pick.entries]
        assert len(set(waiting)) == len(waiting) == len(backlog)
        assert not set(waiting) & set(running)
        assert all(entry.calls for entry in waiting), "it waits for nobody"
        for entry in waiting:
            assert entry.caller in {call.job.caller for call in entry.calls}
        for priority in (Priority.INTERACTIVE, Priority.BULK):
            own = [entry.unit.tokens for entry in waiting if entry.priority is priority]
            assert backlog.tokens(priority).total() == sum(own)
        for call in (call for job in self.scheduler._jobs for call in job.calls):
            places = [place for place in call.results if isinstance(place, Entry)]
            assert call.missing == len(places) + call.results.count(None)
            assert call.missing >= len(call.entries) > 0 or call.done.done()
        assert not self.unhandled

    def teardown(self) -> None:
        if not hasattr(self, "scheduler"):
            return

        async def end() -> None:
            await asyncio.sleep(10_000)  # whatever broke is whole again
            assert all(task.done() for task in self.asked), "somebody waits for ever"
            stats = self.scheduler.stats()
            assert (stats.jobs, stats.waiting_units, stats.lanes_busy) == (0, 0, 0)
            assert not self.scheduler._entries
            assert not self.scheduler._deadlines
            if self.draining:
                assert self.draining.result() is True
            await self.scheduler.close()

        self.runner.run(end())
        for task, wanted in self.asked.items():
            if task.cancelled():
                continue
            if isinstance(task.exception(), Unavailable):
                assert self.draining, "it came after the door was closed"
                continue
            for unit, result in zip(wanted, task.result(), strict=True):
                if isinstance(result, Output):
                    assert result.value == answer(unit.payload)
                else:
                    assert isinstance(result, (ComputeFailed, Unavailable))
                    assert self.faults, "nothing broke, and yet it failed"
        assert not self.unhandled
        self.runner.close()


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
