"""Threads that compute the calls of all models in a process, in the order in which they come.

CTranslate2, for which they are, has threads of its own for each model. Were each model's kept busy
by itself, a batch of one that begins while the last call of another's still runs would find more
threads at work than there are cores. So the calls go through one line, and it is known when a
thread finds it empty.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from models.engine import Spare

T = TypeVar("T")


class Crew:
    """``count`` threads. Any thread may ask it."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._threads = ThreadPoolExecutor(count, "call")
        self._lock = threading.Lock()
        self._unfinished = 0  # calls
        self._spare: Spare | None = None  # of the batch that came last, until it is called

    @property
    def free(self) -> int:
        """How many threads have nothing to do."""
        return max(0, self.count - self._unfinished)

    def compute(self, calls: Sequence[Callable[[], T]], spare: Spare) -> list[Future[T]]:
        """Begin a batch's calls. ``spare`` is called once, when a thread has nothing to do."""
        futures: list[Future[T]] = []
        for call in calls:
            with self._lock:
                self._unfinished += 1
            try:
                futures.append(self._threads.submit(self._compute, call))
            except BaseException:
                with self._lock:
                    self._unfinished -= 1
                raise
        with self._lock:
            self._spare = spare
        self._look()
        return futures

    def _compute(self, call: Callable[[], T]) -> T:
        try:
            return call()
        finally:
            with self._lock:
                self._unfinished -= 1
            self._look()

    def _look(self) -> None:
        with self._lock:
            if self._unfinished >= self.count or self._spare is None:
                return
            spare, self._spare = self._spare, None
        spare()


@cache
def crew(count: int) -> Crew:
    """Return the process's own."""
    return Crew(count)
