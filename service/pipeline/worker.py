"""One process for the work that would block the event loop.

A task goes in and its answer comes back, and a worker that dies or hangs hurts no other.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from service.child import Child, Line, dumps, loads
from service.tidying import settle, tidy_in_thread


class WorkerDied(Exception):
    """The process ended, or was killed since it took too long."""


class TaskFailed(Exception):
    """The task raised; the text is its traceback in the worker."""


class Worker:
    """A spawned process, set up by ``setup(*arguments)`` when there is something to do for it,
    and again when there is after it died. It does one thing at a time.
    """

    def __init__(self, setup: Callable[..., None], arguments: Sequence[object]) -> None:
        self._setup = setup
        self._arguments = arguments
        self._child: Child | None = None

    async def ask(self, task: Callable[[], object], seconds: float) -> bytes:
        """Have a task done, and return what is to be ``heard``.

        Raises WorkerDied; an answer that takes longer than ``seconds`` ends the process.
        """
        message = dumps(task)
        try:
            async with asyncio.timeout(seconds):
                child = self._child
                if child is None:
                    self._child = child = Child(_serve, self._setup, self._arguments)
                    await child.connect()
                child.send(message)
                return await child.receive()
        except (TimeoutError, EOFError, OSError) as error:
            self.kill()
            raise WorkerDied from error
        except asyncio.CancelledError:
            self.kill()  # its answer is not to be taken for the next one
            raise

    def kill(self) -> None:
        """End the process, whatever it is at."""
        if self._child is not None:
            self._child.kill()
            self._child = None


def heard(answer: bytes) -> Any:
    """Return the result, or raise the task's exception. Its cause is its traceback there."""
    error, value = loads(answer)
    if error is None:
        return value
    raise error from TaskFailed(value)


# From here on: the child.


def _serve(line: Line, setup: Callable[..., None], arguments: Sequence[object]) -> None:
    """Set up, then do tasks until the parent has had enough."""
    failure = None
    try:
        setup(*arguments)
    except Exception as error:  # every task's, since nobody listens yet
        failure = _raised(error)
    settle()
    tidy_in_thread()
    while message := line.read():
        line.write(failure or _answer(message))


def _answer(message: bytes) -> memoryview:
    try:
        return dumps((None, loads(message)()))
    except Exception as error:
        return _raised(error)


def _raised(error: Exception) -> memoryview:
    return dumps((error, traceback.format_exc()))
