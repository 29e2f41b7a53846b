"""Processes for the work that would block the event loop: clean, split, encode, check.

A thin layer over the standard ``ProcessPoolExecutor`` that adds what a server
needs: a line in which what is urgent goes first, a worker that dies or hangs is
replaced and its task tried once more, and no worker outlives a parent that was
killed. It knows nothing of articles.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import ParamSpec, TypeVar

from sortedcontainers import SortedList

from service.child import follow_parent
from service.errors import ComputeFailed, Unavailable
from service.tidying import settle, tidy_in_thread

P = ParamSpec("P")
R = TypeVar("R")

# Long past anything a legitimate article needs (2 s per 100 kB is the bound the
# cleaning is tested to), short enough that a hang does not last.
TASK_SECONDS = 120.0


class Workers:
    """``count`` spawned processes, each set up once by ``setup(*arguments)``."""

    def __init__(self, count: int, setup: Callable[..., None], *arguments: object) -> None:
        self._count = count
        self._setup = setup
        self._arguments = arguments
        self._pool = self._open()
        self._free = count
        self._line = SortedList()  # of rank, tag, arrival, and the future that ends the wait
        self._ranks: defaultdict[int, _Rank] = defaultdict(_Rank)
        self._arrivals = itertools.count()
        self._closed = False

    def _open(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._count,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(self._setup, self._arguments),
        )

    async def run(self, task: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run ``task`` in a worker, before all that have a higher rank; see ``run_ranked``."""
        return await self.run_ranked(0, "", task, *args, **kwargs)

    async def run_ranked(
        self, rank: int, caller: str, task: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run ``task`` in a worker and return its result or raise its exception.

        Of the tasks that wait for a worker, the one of the lowest rank is next. Within a
        rank callers take turns, and of one caller's the one that came first is first.

        A task whose worker died, or was replaced because it or a neighbour
        hung, is tried once more; ComputeFailed says that it failed twice. Where
        the setup failed, its exception is every task's.
        """
        for _ in range(2):
            await self._turn(rank, caller)
            if self._closed:
                self._pass_on()
                raise Unavailable("the server is shutting down")
            with suppress(BrokenProcessPool):  # there is a new one by now
                return await asyncio.wrap_future(self._submit(task, *args, **kwargs))
        raise ComputeFailed("The article could not be prepared: a worker died or hung on it twice.")

    def _submit(self, task: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Give a free worker its task. It is free again when the task ends, or was killed because
        it hung; whether somebody still waits for it makes no difference.
        """
        loop, pool = asyncio.get_running_loop(), self._pool
        limit = loop.call_later(TASK_SECONDS, self._replace, pool)

        def free(broken: bool) -> None:
            limit.cancel()
            if broken:
                self._replace(pool)
            self._pass_on()

        def ended(future: Future[R]) -> None:  # called in a thread of the pool
            broken = not future.cancelled() and isinstance(future.exception(), BrokenProcessPool)
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(free, broken)

        try:
            future = pool.submit(_do, task, *args, **kwargs)
        except BaseException as error:
            free(isinstance(error, BrokenProcessPool))
            raise
        future.add_done_callback(ended)
        return future

    async def _turn(self, rank: int, caller: str) -> None:
        """Wait for a free worker."""
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        place = rank, self._ranks[rank].tag(caller), next(self._arrivals), turn
        self._line.add(place)
        try:
            await turn
        except asyncio.CancelledError:
            self._line.discard(place)
            self._look(rank)
            if turn.done() and not turn.cancelled():  # it had just come
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """A worker is free: let the next in line have it."""
        while self._line:
            rank, tag, _, turn = self._line.pop(0)
            if not turn.done():
                self._ranks[rank].go(tag, time.monotonic())
                self._look(rank)
                turn.set_result(None)
                return
        self._free += 1

    def _look(self, rank: int) -> None:
        """Somebody of this rank waits no more; was it the last?"""
        if self._line.bisect_left((rank,)) == self._line.bisect_left((rank + 1,)):
            self._ranks[rank].rest()

    def wait(self, rank: int, caller: str) -> float:
        """Predict the seconds until a task that comes now has its turn."""
        own = self._ranks[rank]
        return self._line.bisect_left((rank, own.next_tag(caller) + 1)) * own.seconds

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        """Put a new pool in the place of a broken one, unless another task already did."""
        if self._pool is broken and not self._closed:
            self._pool = self._open()
            _kill(broken)

    async def close(self) -> None:
        """End the workers; tasks still running are abandoned, and fail with Unavailable."""
        self._closed = True
        _kill(self._pool)


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


def _kill(pool: ProcessPoolExecutor) -> None:
    """Kill the processes: all tasks, running or waiting, fail with BrokenProcessPool.

    Not ``cancel_futures``: whoever awaits a cancelled future would be taken for cancelled.
    """
    processes = pool._processes or {}  # pyright: ignore[reportAttributeAccessIssue]
    for process in list(processes.values()):
        process.kill()
    pool.shutdown(wait=False)


_setup_error: Exception | None = None


def _begin(setup: Callable[..., None], arguments: tuple[object, ...]) -> None:
    """Start a worker."""
    global _setup_error
    follow_parent()
    try:
        setup(*arguments)
    except Exception as error:  # raised here, it would only be printed
        _setup_error = error
    settle()
    tidy_in_thread()


def _do(task: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    if _setup_error is not None:
        raise _setup_error
    return task(*args, **kwargs)
