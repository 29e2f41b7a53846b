"""One process for the work that would block the event loop.

A task goes in and its answer comes back over a socket that the event loop itself reads and
writes: no thread stands between them, and a worker that dies or hangs hurts no other.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import struct
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any

from service.child import follow_parent
from service.tidying import settle, tidy_in_thread

_SPAWN = multiprocessing.get_context("spawn")
_SIZE = struct.Struct("!Q")  # bytes of the pickle that comes next
_BUFFER = 1 << 20  # bytes
# What multiprocessing sends through its own pipes.
_dumps = ForkingPickler.dumps
_loads: Callable[[bytes], Any] = ForkingPickler.loads  # pyright: ignore[reportAttributeAccessIssue]


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
        self._process: SpawnProcess | None = None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, task: Callable[[], object], seconds: float) -> bytes:
        """Have a task done, and return what is to be ``heard``.

        Raises WorkerDied; an answer that takes longer than ``seconds`` ends the process.
        """
        message = _dumps(task)
        try:
            async with asyncio.timeout(seconds):
                reader, writer = self._streams or await self._start()
                writer.writelines((_SIZE.pack(len(message)), message))
                await writer.drain()
                (size,) = _SIZE.unpack(await reader.readexactly(_SIZE.size))
                return await reader.readexactly(size)
        except (TimeoutError, EOFError, OSError) as error:
            self.kill()
            raise WorkerDied from error
        except asyncio.CancelledError:
            self.kill()  # its answer is not to be taken for the next one
            raise

    def kill(self) -> None:
        """End the process, whatever it is at."""
        if self._process is not None:
            self._process.kill()
            self._process = None
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _start(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        ours, theirs = socket.socketpair()
        with theirs:  # it has its own; while we hold one too, its death is no end of file
            process = _SPAWN.Process(
                target=_serve, args=(theirs, self._setup, self._arguments), daemon=True
            )
            process.start()
            self._process = process
        self._streams = await asyncio.open_connection(sock=ours, limit=_BUFFER)
        return self._streams


def heard(answer: bytes) -> Any:
    """Return the result, or raise the task's exception. Its cause is its traceback there."""
    error, value = _loads(answer)
    if error is None:
        return value
    raise error from TaskFailed(value)


# From here on: the child.


def _serve(pipe: socket.socket, setup: Callable[..., None], arguments: Sequence[object]) -> None:
    """Set up, then do tasks until the socket closes."""
    follow_parent()
    failure = None
    try:
        setup(*arguments)
    except Exception as error:  # every task's, since nobody listens yet
        failure = _raised(error)
    settle()
    tidy_in_thread()
    with pipe, pipe.makefile("rwb") as stream:
        while head := stream.read(_SIZE.size):
            message = stream.read(*_SIZE.unpack(head))
            answer = failure or _answer(message)
            stream.write(_SIZE.pack(len(answer)))
            stream.write(answer)
            stream.flush()


def _answer(message: bytes) -> memoryview:
    try:
        return _dumps((None, _loads(message)()))
    except Exception as error:
        return _raised(error)


def _raised(error: Exception) -> memoryview:
    return _dumps((error, traceback.format_exc()))
