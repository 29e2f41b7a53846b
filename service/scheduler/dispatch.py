"""From the backlog to the lanes and back, whatever breaks on the way.

Each lane has one task, which starts it again when it dies and otherwise gives
it batch after batch. There is no wait timer: an idle lane takes what is there,
and while it is busy the next batch gathers, in order. It is closed only when
the lane is free, so that it holds the most urgent work of that moment, and is
on its way before the answers of the one before are given out: that takes
milliseconds, closing it takes microseconds.

It does not know about jobs, the cache, or who may enter: every outcome goes to
``finish``, which the scheduler gives.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import Enum

from service.errors import ComputeFailed, Unavailable
from service.scheduler.backlog import Backlog, Pick
from service.scheduler.entry import Entry
from service.scheduler.forecast import Forecast
from service.scheduler.pace import Pace
from service.scheduler.policy import Policy
from service.scheduler.work import Batch, Lane, LaneDied, OutOfMemory, Output
from service.schema import Priority

log = logging.getLogger(__name__)


class State(Enum):
    """Can work be computed?"""

    SERVING = "serving"
    RESTARTING = "restarting"
    DOWN = "down"


class Post:
    """One lane and what it is at."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.state = State.DOWN
        self.failures = 0  # deaths and failed starts since the last clean batch
        self.free_at: float | None = None  # predicted; None while idle
        self.entries: Sequence[Entry] = ()  # of the batch that runs, in order


class Dispatch:
    """Feeds the lanes from the backlog."""

    def __init__(
        self,
        lanes: Sequence[Lane],
        backlog: Backlog,
        forecast: Forecast,
        policy: Policy,
        clock: Callable[[], float],
        finish: Callable[[Entry, Output | Exception], None],
    ) -> None:
        self.backlog = backlog
        self.paces: dict[str, Pace] = {}
        self.posts = [Post(lane) for lane in lanes]
        self.counts: Counter[str] = Counter()
        self._forecast = forecast
        self._policy = policy
        self._clock = clock
        self._finish = finish
        self._work = asyncio.Event()
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
        """Put an entry in line and wake a lane."""
        self.backlog.add(entry)
        self._work.set()

    def drop(self, entries: Collection[Entry]) -> None:
        """Nobody waits any more for these, which are being computed."""
        for post in self.posts:
            positions = [n for n, entry in enumerate(post.entries) if entry in entries]
            if positions:
                post.lane.drop(positions)

    def seconds(self, tokens: Mapping[str, int]) -> float:
        """Predicted time of all lanes together for so many tokens by queue."""
        now, lane_seconds = self._clock(), 0.0
        for queue, count in tokens.items():
            lane_seconds += self.pace(queue).predict(count, now)
        return lane_seconds / len(self.posts)

    def wait(self, priority: Priority, part: float = 1.0) -> float:
        """Predicted time until work that arrives now is at the head of the line.

        ``part`` of what waits in its class goes first; see ``ahead``.
        """
        now = self._clock()
        running = 0.0
        for post in self.posts:
            if post.free_at is not None and post.free_at > now:
                running += post.free_at - now
        ahead, bulk = self._seconds(Priority.INTERACTIVE, now), self._seconds(Priority.BULK, now)
        if priority is Priority.BULK:
            ahead += bulk * part
        else:
            # Bulk takes its share meanwhile, if there is so much of it.
            share = self._policy.bulk_share
            ahead *= part
            ahead += min(bulk, ahead * share / (1 - share))
        return running / len(self.posts) + ahead

    def _seconds(self, priority: Priority, now: float) -> float:
        """Predicted time of all lanes together for what waits, and is to come, in a class."""
        waiting, promised = self.backlog.tokens(priority), self._forecast.tokens(priority)
        lane_seconds = 0.0
        for queue, pace in self.paces.items():
            if count := waiting.get(queue, 0) + promised.get(queue, 0):
                lane_seconds += pace.predict(count, now)
        return lane_seconds / len(self.posts)

    def ahead(self, priority: Priority, caller: str, tokens: int) -> float:
        """How much of what waits in a class goes before the last of so many tokens of a caller's.

        Its own goes first, and as much again of each other caller's, if that has so much.
        """
        others = self.backlog.others(priority, caller)
        if not others:
            return 1.0
        total = self.backlog.tokens(priority).total() + self._forecast.tokens(priority).total()
        own = self.backlog.own(priority, caller) + self._forecast.own(priority, caller) + tokens
        return min(1.0, own * (1 + others) / total)

    def together(self, queues: Iterable[str]) -> float:
        """Predicted time of a batch that a unit of one of these queues shares with others."""
        now = self._clock()
        return max(self.pace(queue).batch_seconds(now) for queue in queues)

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
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
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

    async def _tend(self, post: Post) -> None:
        while True:
            death = asyncio.ensure_future(post.lane.wait())
            death.add_done_callback(lambda _: self._work.set())
            try:
                while not death.done():
                    if pick := self.backlog.take(lambda queue: self.pace(queue).budget):
                        await self._compute(post, pick)
                    else:
                        self._work.clear()
                        await self._work.wait()
                log.error("an idle lane died")
            except Exception as error:
                log.error("a lane died", exc_info=error)
            finally:
                death.cancel()
            self.counts["lane_deaths"] += 1
            await self._revive(post)

    async def _compute(self, post: Post, pick: Pick) -> None:
        """One batch. Raises LaneDied if the lane has to be started again."""
        post.entries = entries = pick.entries
        batch = Batch(tuple(entry.unit for entry in entries))
        pace = self.pace(batch.queue)
        for entry in entries:
            entry.run(True)
        began = self._clock()
        post.free_at = began + pace.predict(batch.tokens, began)
        try:
            outputs = await self._outputs(post.lane, batch)
        except OutOfMemory as error:
            per_token = self._charge(pick, batch, began)
            self.counts["out_of_memory"] += 1
            pace.shrink(batch)
            log.warning("out of memory with %d padded tokens of %s", batch.padded, batch.queue)
            self._again(entries, per_token, error, blame=len(entries) == 1)
        except asyncio.CancelledError:
            for entry in entries:
                self._finish(entry, Unavailable("the server is shutting down"))
            raise
        except Exception as error:
            per_token = self._charge(pick, batch, began)
            self._again(entries, per_token, error, blame=True)
            if isinstance(error, LaneDied):
                raise
            log.warning("a batch of %s failed", batch.queue, exc_info=error)
        else:
            per_token = self._charge(pick, batch, began)
            now = self._clock()
            pace.measure(batch, now - began, now)
            post.failures = 0
            # Soon: when the next batch has been sent.
            asyncio.get_running_loop().call_soon(self._give_out, entries, per_token, outputs)
        finally:
            post.free_at = None
            post.entries = ()

    def _give_out(
        self, entries: Sequence[Entry], per_token: float, outputs: Sequence[Output]
    ) -> None:
        for entry, output in zip(entries, outputs, strict=True):
            entry.charge(entry.tokens * per_token)
            self._finish(entry, output)

    async def _outputs(self, lane: Lane, batch: Batch) -> Sequence[Output]:
        """What the lane answers, if it is an answer."""
        limit = asyncio.timeout(self._policy.batch_limit)
        try:
            async with limit:
                outputs = await lane.run(batch)
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

    def _charge(self, pick: Pick, batch: Batch, began: float) -> float:
        """Put the batch's time on its priority's account; return the seconds of a token."""
        seconds = self._clock() - began
        self.backlog.charge(pick, seconds)
        return seconds / batch.tokens

    def _again(
        self, entries: Sequence[Entry], per_token: float, error: Exception, *, blame: bool
    ) -> None:
        """After a failure: a second try for those still wanted, alone if they are to blame."""
        for entry in entries:
            entry.charge(entry.tokens * per_token)
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
                    await post.lane.start()
            except Exception as error:
                log.error("a lane does not start: %s", error)
            else:
                post.state = State.SERVING
                return
            if post.failures >= self._policy.restart_tries:
                post.state = State.DOWN
                if self.state is State.DOWN:
                    self._give_up("the models cannot be started")

    def _give_up(self, message: str) -> None:
        for entry in list(self.backlog):
            self.backlog.remove(entry)
            self._finish(entry, Unavailable(message, retry_after=self._policy.backoff_max))
