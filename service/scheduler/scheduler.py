"""The one place where the work of all callers meets.

It lets work in (or refuses it), computes equal units once, remembers results,
and lets work go when nobody wants it any more. What goes next is the
backlog's business, who computes it the dispatch's; what a unit means, nobody's
here. Single event loop, no threads, no locks but the line at the door.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Self, cast

from cachetools import LRUCache

from service.errors import DeadlineExpired, Overloaded, Unavailable
from service.scheduler.backlog import CLASSES, Backlog
from service.scheduler.deadlines import Deadlines
from service.scheduler.dispatch import Dispatch, State
from service.scheduler.entry import Call, Entry
from service.scheduler.forecast import Forecast
from service.scheduler.job import Job
from service.scheduler.meter import Meter
from service.scheduler.outlook import Outlook
from service.scheduler.policy import Policy
from service.scheduler.room import Room
from service.scheduler.stats import Stats
from service.scheduler.work import Lane, Output, Unit
from service.schema import Priority

log = logging.getLogger(__name__)

RECORD_BYTES = 512  # of a cached result besides the output itself: key, links, table
LEAST_WAIT = 1.0  # seconds; nobody is asked to come back sooner
# At the door so many times the predicted wait must be left: work that comes later and fits in
# length goes before, and who was let in is to be late or refused in rare cases only.
MARGIN = 2.5


class Scheduler:
    """Batches the units of all jobs over the lanes.

    ``sizeof`` gives an output's size in bytes, for the cache. Deadlines are
    times of ``clock``, which must run as fast as the event loop's own.
    """

    def __init__(
        self,
        lanes: Sequence[Lane],
        policy: Policy | None = None,
        *,
        sizeof: Callable[[Output], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.policy = policy = policy or Policy()
        self._clock = clock
        self._backlog = Backlog(
            max_padding=policy.max_padding,
            bulk_share=policy.bulk_share,
            lead=policy.lead,
            left=lambda priority: self._rooms[priority].change(),
        )
        self._rooms = {
            priority: Room(
                policy.queue_tokens,
                self._backlog.tokens(priority).total,
                partial(self._backlog.own, priority),
            )
            for priority in CLASSES
        }
        self._forecast = Forecast()
        self._dispatch = Dispatch(lanes, self._backlog, policy, clock, self._finish)
        self._outlook = Outlook(self._dispatch, self._backlog, self._forecast, policy, clock)
        self._cache: LRUCache[Hashable, Output] = LRUCache(
            policy.cache_bytes, getsizeof=lambda output: sizeof(output) + RECORD_BYTES
        )
        self._entries: dict[Hashable, Entry] = {}  # waiting or running, if they may be shared
        self._numbers = itertools.count()
        self._deadlines = Deadlines(clock)
        self._jobs: set[Job] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False
        self._counts: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Start all lanes. Raises the error of one that cannot start."""
        await self._dispatch.start()

    async def drain(self, grace: float) -> bool:
        """Take no more jobs; wait for those there are, but not over ``grace`` seconds.

        True if all of them ended. ``close`` comes next.
        """
        self._closing = True
        try:
            async with asyncio.timeout(grace):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Stop at once; what is not finished fails with Unavailable."""
        self._closing = True
        await self._dispatch.close()

    @property
    def state(self) -> State:
        """Can work be computed now?"""
        return self._dispatch.state

    def job(
        self,
        *,
        priority: Priority,
        deadline: float,
        caller: str = "",
        no_cache: bool = False,
        scope: str = "",
        wait: bool = False,
        kind: Hashable = None,
        delay: float = 0.0,
    ) -> Job:
        """A new job, to be entered with ``async with``.

        Within a priority the lanes are shared fairly between callers, whom ``caller`` names.
        Units are shared and cached within their ``scope`` only, and not at all
        with ``no_cache``. ``wait`` is for bulk work and streams: where there is
        no room it waits for it instead of being refused.

        A job enters before it knows its units. Jobs of one ``kind``, of which there
        are a few, ask for about as much as each other (None: nobody knows how much);
        ``delay`` is how many seconds it will be until the job asks.
        """
        if priority is Priority.UNSPECIFIED:
            raise ValueError("a job needs a priority")
        now = self._clock()
        return Job(
            self,
            caller=caller,
            priority=priority,
            deadline=deadline,
            # From the job's birth on, not the unit's: what was begun is finished first.
            due=min(deadline, now + self.policy.patience),
            no_cache=no_cache,
            scope=scope,
            wait=wait,
            kind=kind,
            delay=delay,
            meter=Meter(self._clock),
        )

    def stats(self) -> Stats:
        """A snapshot for metrics."""
        return Stats.of(
            self._dispatch,
            self._outlook,
            jobs=len(self._jobs),
            cache_entries=len(self._cache),
            cache_bytes=int(self._cache.currsize),
            counts=self._counts + self._dispatch.counts,
        )

    # What jobs call.

    def enter(self, job: Job) -> None:
        """The job begins. Raises Unavailable when draining, and Overloaded before
        anything is spent on a job that could probably not be done in time.
        """
        if self._closing:
            raise Unavailable("the server is shutting down")
        if not job.wait:
            left = job.deadline - self._clock()
            likely = self._forecast.typical(job.kind)
            tokens = sum(likely.values())
            ahead = max(job.delay, self._outlook.ahead(job.priority, job.caller, tokens))
            late = ahead and 0 < left < self._outlook.done(
                ahead * MARGIN, likely, self._outlook.alone(likely)
            )
            if late or (likely and not self._has_room(job, tokens)):
                raise self._refusal(ahead)
        self._forecast.enter(job)
        self._jobs.add(job)
        self._idle.clear()

    def leave(self, job: Job, *, well: bool) -> None:
        """The job is over, and nobody wants its units. Did it end ``well``?"""
        for call in list(job.calls):
            self._abandon(call)
            if call.task:
                call.task.cancel()
        if job in self._jobs:
            self._forecast.leave(job, well=well)
        self._jobs.discard(job)
        if not self._jobs:
            self._idle.set()

    async def compute(self, job: Job, units: Sequence[Unit]) -> list[Output | Exception]:
        """See ``Job.run``."""
        if job not in self._jobs:
            raise RuntimeError("a job runs between entering and leaving it")
        keys = [self._key(job, unit) for unit in units]
        self._admit(job, units, keys)
        job.wait = True  # what was begun is finished: later runs of the job are not refused
        call = Call(job, len(units))
        job.calls.add(call)
        job.meter.shift(unfinished=len(units))
        try:
            await self._place(call, units, keys)
            del keys  # thousands may wait from here on
            if units:
                self._deadlines.add(call)
                await call.done
        except TimeoutError:
            self._counts["expired"] += 1
            raise DeadlineExpired("the deadline passed") from None
        finally:
            self._abandon(call)
        return cast("list[Output | Exception]", call.results)

    # Admission.

    def _admit(self, job: Job, units: Sequence[Unit], keys: Sequence[Hashable | None]) -> None:
        """Raise what ``Job.run`` raises before anything is queued."""
        left = job.deadline - self._clock()
        if left <= 0:
            self._counts["expired"] += 1
            raise DeadlineExpired("the deadline has passed")
        tokens: dict[str, int] = {}  # of what is asked for the first time, by queue
        seen: set[Hashable] = set()
        for unit, key in zip(units, keys, strict=True):
            if key is not None:
                if key in seen or self._known(key):
                    continue
                seen.add(key)
            tokens[unit.queue] = tokens.get(unit.queue, 0) + unit.tokens
        self._forecast.ask(job, {unit.queue for unit in units}, tokens)
        if not tokens:
            return
        self._check_up()
        alone = self._outlook.alone(tokens)
        if alone > left:
            self._counts["expired"] += 1
            raise DeadlineExpired("the deadline is too near, even for an empty queue")
        if job.wait:
            return
        total = sum(tokens.values())
        ahead = self._outlook.ahead(job.priority, job.caller, total)
        room = self._rooms[job.priority].fits(job.caller, total)
        if self._outlook.done(ahead, tokens, alone) > left or not room:
            raise self._refusal(ahead)

    def _has_room(self, job: Job, tokens: int) -> bool:
        """Will there be room when all who are being prepared have asked?"""
        return self._rooms[job.priority].fits(
            job.caller,
            tokens,
            promised=self._forecast.tokens(job.priority).total(),
            own=self._forecast.own(job.priority, job.caller),
        )

    def _refusal(self, ahead: float) -> Overloaded:
        self._counts["overloaded"] += 1
        return Overloaded("too much work is waiting", retry_after=max(LEAST_WAIT, ahead))

    def _check_up(self) -> None:
        if self.state is State.DOWN:
            what = "the server is shutting down" if self._closing else "no model can be started"
            raise Unavailable(what, retry_after=self.policy.backoff_max)

    async def _place(
        self, call: Call, units: Sequence[Unit], keys: Sequence[Hashable | None]
    ) -> None:
        """Find each unit's output, join its entry, or make one as soon as there is room."""
        room, caller = self._rooms[call.job.priority], call.job.caller
        for position, (unit, key) in enumerate(zip(units, keys, strict=True)):
            if self._share(call, position, unit, key):
                continue
            entry = Entry(unit, key, next(self._numbers))
            if not room.fits(caller, entry.tokens):
                left = call.job.deadline - self._clock()
                async with asyncio.timeout(None if math.isinf(left) else left):
                    await room.wait(caller, entry.tokens, partial(self._known, key))
                if self._share(call, position, unit, key):
                    continue
            self._check_up()
            entry.join(call, position)
            if key is not None:
                self._entries[key] = entry
            self._dispatch.submit(entry)

    # Sharing.

    def _key(self, job: Job, unit: Unit) -> Hashable | None:
        """What makes two units equal; None for one that is equal to none."""
        return None if job.no_cache else (job.scope, unit.queue, unit.profile, unit.key)

    def _known(self, key: Hashable | None) -> bool:
        """Is there an output, or will there be one?"""
        return key in self._cache or key in self._entries

    def _share(self, call: Call, position: int, unit: Unit, key: Hashable | None) -> bool:
        """Serve a unit from the cache, or let it join an equal one."""
        if key is None:
            return False
        output = self._cache.get(key)
        if output is not None:
            self._counts["cached"] += 1
            call.fill(position, unit, output, cached=True)
            return True
        entry = self._entries.get(key)
        if entry is None:
            return False
        self._counts["shared"] += 1
        entry.join(call, position)
        if not entry.running:
            self._backlog.reorder(entry)
        return True

    def _abandon(self, call: Call) -> None:
        """The call is over: nothing of it stays behind."""
        call.job.calls.discard(call)
        self._deadlines.discard(call)
        if not call.missing:
            return
        call.job.meter.shift(unfinished=-call.missing)
        call.missing = 0
        running, waiting = set(), []
        for entry in call.entries:
            entry.leave(call)
            if not entry.calls:
                self._counts["abandoned"] += 1
                self._entries.pop(entry.key, None)
                entry.key = None  # its output, if there will be one, is nobody's
                if entry.running:
                    running.add(entry)
                else:
                    waiting.append(entry)
            elif not entry.running:
                self._backlog.reorder(entry)
        call.results.clear()  # an error may keep the call alive, for as long as it likes
        self._backlog.remove(*waiting)
        if running:
            self._dispatch.drop(running)

    def _finish(self, entry: Entry, outcome: Output | Exception) -> None:
        """An entry is through: tell everybody who waits, and remember it."""
        entry.finish(outcome)
        if entry.key is None:
            return
        del self._entries[entry.key]
        if isinstance(outcome, Output):
            try:
                self._cache[entry.key] = outcome
            except Exception:  # larger than the whole cache, or of no known size
                log.warning("an output was not cached", exc_info=True)
