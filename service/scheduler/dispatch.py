"""From the backlog to the lanes and back, whatever breaks on the way.

There is no wait timer: an idle lane takes what is there, and while it is busy the next batch
gathers, in order. That is closed only when the lane has room for it, so that it holds the
most urgent work of that moment: when the batch before has ended or, where a lane tells so,
when a part of it has nothing more to do for that one. And it is on its way before the answers
of the one before are given out, and before it is taken off the books: these take milliseconds,
choosing it a part of one.

Each lane has a task that starts it again when it dies, and each batch one that waits for its end.
A second try is of a unit that may have taken the lane down: nothing else is computed beside it.

It does not know about jobs, the cache, or who may enter: every outcome goes to
``finish``, which the scheduler gives.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum

from service.errors import ComputeFailed, Unavailable
from service.scheduler.backlog import Backlog, Pick
from service.scheduler.entry import Entry
from service.scheduler.pace import Pace
from service.scheduler.policy import Policy
from service.scheduler.work import Batch, Lane, LaneDied, OutOfMemory, Output

log = logging.getLogger(__name__)


class State(Enum):
    """Can work be computed?"""

    SERVING = "serving"
    RESTARTING = "restarting"
    DOWN = "down"


@dataclass(eq=False)
class Run:
    """A batch that is being computed."""

    pick: Pick
    batch: Batch
    began: float = 0.0
    predicted: float = 0.0  # seconds of the lane's time
    seconds: float = 0.0  # of the lane's time, so far
    spare: bool = False  # there is room beside the rest of it

    @property
    def alone(self) -> bool:
        """Is nothing to be computed beside it?"""
        return self.pick.entries[0].retried


class Post:
    """One lane and what it is at."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.state = State.DOWN
        self.failures = 0  # deaths and failed starts since the last clean batch
        self._counted = 0.0  # until when the lane's time has been
        self.runs: dict[Run, asyncio.Task[None]] = {}
        self.died = asyncio.Event()  # a batch says so

    @property
    def has_room(self) -> bool:
        """Can it begin a batch?"""
        serving = self.state is State.SERVING and not self.died.is_set()
        return serving and all(run.spare and not run.alone for run in self.runs)

    def count(self, now: float) -> None:
        """Share the time since the last count among those that ran then: none counts twice, and
        none is lost. To be called whenever one begins or ends, and as often as one likes.
        """
        for run in self.runs:
            run.seconds += (now - self._counted) / len(self.runs)
        self._counted = now

    def left(self, now: float) -> float:
        """Predicted seconds until what runs is done."""
        self.count(now)
        return sum(max(0.0, run.predicted - run.seconds) for run in self.runs)


class Dispatch:
    """Feeds the lanes from the backlog."""

    def __init__(
        self,
        lanes: Sequence[Lane],
        backlog: Backlog,
        policy: Policy,
        clock: Callable[[], float],
        finish: Callable[[Entry, Output | Exception], None],
    ) -> None:
        self.backlog = backlog
        self.paces: dict[str, Pace] = {}
        self.posts = [Post(lane) for lane in lanes]
        self.counts: Counter[str] = Counter()
        self._policy = policy
        self._clock = clock
        self._finish = finish
        self._woken = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def state(self) -> State:
        """The best of the lanes' states."""
        best = State.DOWN
        for post in self.posts:
            if post.state is State.SERVING:
                return State.SERVING
            if post.state is State.RESTARTING:
                best = State.RESTARTING
        return best

    def pace(self, queue: str) -> Pace:
        """Speed and budget of a queue."""
        pace = self.paces.get(queue)
        if pace is None:
            pace = self.paces[queue] = Pace(queue, self._policy)
        return pace

    def submit(self, entry: Entry) -> None:
        """Put an entry in line for a lane that has room, or will have."""
        self.backlog.add(entry)
        self._wake()

    def drop(self, entries: Collection[Entry]) -> None:
        """Nobody waits any more for these, which are being computed."""
        for post in self.posts:
            for run in post.runs:
                its = enumerate(run.pick.entries)
                if positions := [n for n, entry in its if entry in entries]:
                    post.lane.drop(run.batch, positions)

    async def start(self) -> None:
        """Start all lanes. If one cannot start, stop all and raise its error."""
        starts = [asyncio.create_task(post.lane.start()) for post in self.posts]
        try:
            await asyncio.gather(*starts)
        except BaseException:
            for start in starts:
                start.cancel()
            await asyncio.wait(starts)
            await self._stop_lanes()
            raise
        for post in self.posts:
            post.state = State.SERVING
            self._tasks.append(asyncio.create_task(self._tend(post)))

    async def close(self) -> None:
        """Stop all lanes; what is not finished fails with Unavailable."""
        for post in self.posts:
            post.state = State.DOWN
        await asyncio.sleep(0)  # a task that has not begun would end without a word
        tasks = [*self._tasks, *(task for post in self.posts for task in post.runs.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
        self._give_up("the server is shutting down")
        await self._stop_lanes()

    async def _stop_lanes(self) -> None:
        results = await asyncio.gather(
            *(post.lane.stop() for post in self.posts), return_exceptions=True
        )
        for result in results:
            if isinstance(result, Exception):
                log.error("a lane did not stop", exc_info=result)

    def _wake(self) -> None:
        """Fill the lanes soon: what else is about to be submitted now is to go with it."""
        if not self._woken:
            self._woken = True
            asyncio.get_running_loop().call_soon(self._fill_all)

    def _fill_all(self) -> None:
        self._woken = False
        for post in sorted(self.posts, key=lambda post: len(post.runs)):  # what is idle first
            self._fill(post)

    def _fill(self, post: Post) -> None:
        """Begin what there is room for."""
        while post.has_room:
            pick = self.backlog.take(lambda queue: self.pace(queue).budget, beside=bool(post.runs))
            if pick is None:
                return
            self._begin(post, pick)

    def _begin(self, post: Post, pick: Pick) -> None:
        batch = Batch(tuple(entry.unit for entry in pick.entries))
        run = Run(pick, batch)

        def spare() -> None:
            run.spare = True
            if run in post.runs:  # else it is about to be, and looked at
                self._fill(post)

        try:
            answer = post.lane.run(batch, spare)
        except Exception as error:  # no different from a failure later on
            answer = asyncio.get_running_loop().create_future()
            answer.set_exception(error)
        # The lane is at work; now there is time for the books.
        run.began = now = self._clock()
        run.predicted = self.pace(batch.queue).predict(batch.tokens, now)
        post.count(now)
        post.runs[run] = asyncio.create_task(self._follow(post, run, answer))
        self.backlog.clear(pick)
        for entry in pick.entries:
            entry.run(True)

    async def _follow(self, post: Post, run: Run, answer: Awaitable[Sequence[Output]]) -> None:
        """Wait for a batch, and see that every entry of it goes on."""
        entries, batch, pace = run.pick.entries, run.batch, self.pace(run.batch.queue)
        try:
            outputs = await self._outputs(answer, batch)
        except asyncio.CancelledError:
            for entry in entries:
                self._finish(entry, Unavailable("the server is shutting down"))
            raise
        except OutOfMemory as error:
            self._end(post, run)
            self.counts["out_of_memory"] += 1
            pace.shrink(batch)
            log.warning("out of memory with %d padded tokens of %s", batch.padded, batch.queue)
            self._again(run, error, blame=len(entries) == 1)
        except Exception as error:
            if isinstance(error, LaneDied):
                post.died.set()
            log.warning("a batch of %s failed", batch.queue, exc_info=error)
            self._end(post, run)
            self._again(run, error, blame=True)
        else:
            self._end(post, run)
            now = self._clock()
            pace.measure(batch, run.seconds, now - run.began, now)
            post.failures = 0
            self._fill(post)  # before the answers are given out
            for entry, output in zip(entries, outputs, strict=True):
                entry.charge(run.seconds * entry.tokens / batch.tokens)
                self._finish(entry, output)

    def _end(self, post: Post, run: Run) -> None:
        """The lane is done with it: put its time on its priority's account."""
        post.count(self._clock())
        del post.runs[run]
        self.backlog.charge(run.pick, run.seconds)

    async def _outputs(self, answer: Awaitable[Sequence[Output]], batch: Batch) -> Sequence[Output]:
        """What the lane answers, if it is an answer."""
        limit = asyncio.timeout(self._policy.batch_limit)
        try:
            async with limit:
                outputs = await answer
        except TimeoutError:
            if limit.expired():
                raise LaneDied(f"no answer after {self._policy.batch_limit:g} s") from None
            raise
        if len(outputs) != len(batch.units):
            raise ValueError(f"{len(outputs)} rows for {len(batch.units)} units")
        for output in outputs:
            if not isinstance(output, Output):
                raise TypeError(f"a lane returned {type(output).__name__}, not Output")
        return outputs

    def _again(self, run: Run, error: Exception, *, blame: bool) -> None:
        """After a failure: a second try for those still wanted, alone if they are to blame."""
        for entry in run.pick.entries:
            entry.charge(run.seconds * entry.tokens / run.batch.tokens)
            entry.run(False)
            if entry.retried or not entry.calls:
                failure = ComputeFailed("the model failed twice on a piece of the text")
                failure.__cause__ = error
                self.counts["failed"] += 1
                self._finish(entry, failure)
                continue
            self.counts["retries"] += 1
            entry.retried = blame
            self.submit(entry)
        self._wake()  # there is room, be there nothing to try again

    async def _tend(self, post: Post) -> None:
        """Start the lane again whenever it has died."""
        while True:
            signs = [asyncio.ensure_future(sign()) for sign in (post.lane.wait, post.died.wait)]
            try:
                await asyncio.wait(signs, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for sign in signs:
                    sign.cancel()
            log.error("a lane died")
            self.counts["lane_deaths"] += 1
            await self._revive(post)

    async def _revive(self, post: Post) -> None:
        """Start the lane again, however often it takes."""
        post.state = State.RESTARTING
        while True:
            if post.failures:
                delay = self._policy.backoff * 2.0 ** min(post.failures - 1, 32)
                await asyncio.sleep(min(delay, self._policy.backoff_max))
            post.failures += 1
            try:
                async with asyncio.timeout(self._policy.start_limit):
                    await post.lane.stop()
                    if post.runs:
                        await asyncio.wait(post.runs.values())
                    await post.lane.start()
            except Exception as error:
                log.error("a lane does not start: %s", error)
            else:
                post.died.clear()
                post.state = State.SERVING
                self._wake()
                return
            if post.failures >= self._policy.restart_tries:
                post.state = State.DOWN
                if self.state is State.DOWN:
                    self._give_up("the models cannot be started")

    def _give_up(self, message: str) -> None:
        for entry in list(self.backlog):
            self.backlog.remove(entry)
            self._finish(entry, Unavailable(message, retry_after=self._policy.backoff_max))
