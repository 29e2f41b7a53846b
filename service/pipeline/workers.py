"""Processes for the work that would block the event loop: clean, split, encode, check.

Several of ``worker``'s, and what a server needs besides: a line in which what is urgent
goes first, and a second try elsewhere for the task of one that died or hung. It knows
nothing of articles.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import ParamSpec, TypeVar

from sortedcontainers import SortedList

from service.errors import ComputeFailed, Unavailable
from service.pipeline.worker import Worker, WorkerDied, heard

P = ParamSpec("P")
R = TypeVar("R")

# Long past anything a legitimate article needs (2 s per 100 kB is the bound the
# cleaning is tested to), short enough that a hang does not last.
TASK_SECONDS = 120.0


class Workers:
    """``count`` processes, each set up once by ``setup(*arguments)``."""

    def __init__(self, count: int, setup: Callable[..., None], *arguments: object) -> None:
        self._all = [Worker(setup, arguments) for _ in range(count)]
        self._free = list(self._all)
        self._line = SortedList()  # of rank, tag, arrival, and the future that ends the wait
        self._ranks: defaultdict[int, _Rank] = defaultdict(_Rank)
        self._arrivals = itertools.count()
        self._tasks: set[asyncio.Task[bytes | None]] = set()  # that workers are at
        self._closed = False

    async def warm(self, task: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> None:
        """Run ``task`` in each worker, so that no later one waits for a process to start."""
        await asyncio.gather(*(self.run(task, *args, **kwargs) for _ in self._all))

    async def run(self, task: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run ``task`` in a worker, before all that have a higher rank; see ``run_ranked``."""
        return await self.run_ranked(0, "", task, *args, **kwargs)

    async def run_ranked(
        self, rank: int, caller: str, task: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run ``task`` in a worker and return its result or raise its exception.

        Of the tasks that wait for a worker, the one of the lowest rank is next. Within a
        rank callers take turns, and of one caller's the one that came first is first.

        A task whose worker died, or was killed because the task hung, is tried once more;
        ComputeFailed says that it failed twice. Where the setup failed, its exception is
        every task's.
        """
        for _ in range(2):
            worker = await self._turn(rank, caller)
            if self._closed:
                self._pass_on(worker)
                raise Unavailable("the server is shutting down")
            # Whether somebody still waits for it or not, the worker is at it until it ends.
            work = asyncio.create_task(self._work(worker, partial(task, *args, **kwargs)))
            self._tasks.add(work)
            work.add_done_callback(self._tasks.discard)
            answer = await asyncio.shield(work)
            if answer is not None:
                return heard(answer)
        raise ComputeFailed("The article could not be prepared: a worker died or hung on it twice.")

    async def _work(self, worker: Worker, task: Callable[[], object]) -> bytes | None:
        """The worker's answer, or None if it died."""
        try:
            if self._closed:
                return None
            with suppress(WorkerDied):
                return await worker.ask(task, TASK_SECONDS)
            return None
        finally:
            self._pass_on(worker)

    async def _turn(self, rank: int, caller: str) -> Worker:
        """Wait for a free worker, which is the task's from then on."""
        if self._free:
            return self._free.pop()
        turn = asyncio.get_running_loop().create_future()
        place = rank, self._ranks[rank].tag(caller), next(self._arrivals), turn
        self._line.add(place)
        try:
            return await turn
        except asyncio.CancelledError:
            self._line.discard(place)
            self._look(rank)
            if turn.done() and not turn.cancelled():  # it had just come
                self._pass_on(turn.result())
            raise

    def _pass_on(self, worker: Worker) -> None:
        """The worker is free: let the next in line have it."""
        while self._line:
            rank, tag, _, turn = self._line.pop(0)
            if not turn.done():
                self._ranks[rank].go(tag, time.monotonic())
                self._look(rank)
                turn.set_result(worker)
                return
        self._free.append(worker)

    def _look(self, rank: int) -> None:
        """Somebody of this rank waits no more; was it the last?"""
        if self._line.bisect_left((rank,)) == self._line.bisect_left((rank + 1,)):
            self._ranks[rank].rest()

    def wait(self, rank: int, caller: str) -> float:
        """Predict the seconds until a task that comes now has its turn."""
        own = self._ranks[rank]
        return self._line.bisect_left((rank, own.next_tag(caller) + 1)) * own.seconds

    async def close(self) -> None:
        """End the workers; tasks still running are abandoned, and fail with Unavailable."""
        self._closed = True
        for worker in self._all:
            worker.kill()


class _Rank:
    """The order of those who wait with one rank, and their pace.

    Start-time fair queueing (Goyal, Vin and Cheng, 1996), a task for a packet: tasks go by
    their tags. A caller's are numbered from the tag that went last; so who has many waiting
    goes on with one a round, and who comes goes next.

    ``seconds`` pass between two turns while somebody waits: a mean over the last ten or so.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._turned: float | None = None  # when the last turn was, if somebody waits since
        self._went = 0  # its tag
        self._tags: dict[str, int] = {}  # the next of each caller

    def next_tag(self, caller: str) -> int:
        """Where in the order a task that comes now would stand."""
        return max(self._went, self._tags.get(caller, 0))

    def tag(self, caller: str) -> int:
        """Where it stands."""
        tag = self.next_tag(caller)
        self._tags[caller] = tag + 1
        return tag

    def go(self, tag: int, now: float) -> None:
        """A turn has come."""
        if self._turned is not None:
            gap = now - self._turned
            self.seconds += (gap - self.seconds) * 0.1 if self.seconds else gap
        self._turned, self._went = now, tag

    def rest(self) -> None:
        """Nobody waits: the next turn says nothing of the pace."""
        self._turned, self._went = None, 0
        self._tags.clear()
