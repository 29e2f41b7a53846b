"""Processes for the work that would block the event loop: clean, split, encode, check.

A thin layer over the standard ``ProcessPoolExecutor`` that adds what a server
needs: a worker that dies or hangs is replaced and its task tried once more,
and no worker outlives a parent that was killed. It knows nothing of articles.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from service.errors import ComputeFailed, Unavailable

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
        self._closed = False

    def _open(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._count,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(self._setup, self._arguments),
        )

    async def run(self, task: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run ``task`` in a worker and return its result or raise its exception.

        A task whose worker died, or was replaced because it or a neighbour
        hung, is tried once more; ComputeFailed says that it failed twice. Where
        the setup failed, its exception is every task's.
        """
        for _ in range(2):
            if self._closed:
                raise Unavailable("the server is shutting down")
            pool = self._pool
            try:
                future: Future[R] = pool.submit(_do, task, *args, **kwargs)
                async with asyncio.timeout(TASK_SECONDS):
                    return await asyncio.wrap_future(future)
            except (BrokenProcessPool, TimeoutError):
                self._replace(pool)
        raise ComputeFailed("The article could not be prepared: a worker died or hung on it twice.")

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        """Put a new pool in the place of a broken one, unless another task already did."""
        if self._pool is broken and not self._closed:
            self._pool = self._open()
            _kill(broken)

    async def close(self) -> None:
        """End the workers; tasks still running are abandoned, and fail with Unavailable."""
        self._closed = True
        _kill(self._pool)


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
    """Start a worker: Ctrl-C is the parent's to handle, and the parent's end is ours."""
    global _setup_error
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, name="follow-parent", daemon=True).start()
    try:
        setup(*arguments)
    except Exception as error:  # raised here, it would only be printed
        _setup_error = error


def _do(task: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    if _setup_error is not None:
        raise _setup_error
    return task(*args, **kwargs)


def _follow_parent() -> None:
    """Leave with the parent. A pool's workers hold the pipe's other end too, so
    they would never see it close.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
