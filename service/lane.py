"""The process that owns the models and computes for the scheduler.

``ProcessLane`` is the parent's side: it starts the process, sends it one batch
at a time and gets the outputs, or kills it. ``_serve`` is the child's side: a
loop that reads a batch, runs it and answers, and that ends when nothing succeeds
any more. What a batch means is known to the runners only, which a ``loader``
makes in the child. So this module imports no model; it does not retry and does
not start again either: that is the scheduler's part.

The process is spawned, never forked: gRPC and torch do not survive a fork.
"""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any

from service.child import follow_parent
from service.errors import ModelUnavailable
from service.scheduler.work import Batch, LaneDied, OutOfMemory, Output
from service.tidying import settle, tidy_in_thread

Dropped = Callable[[], Collection[int]]
"""Tells the positions of the running batch that nobody waits for any more. Cheap."""

Runner = Callable[[Sequence[Any], Any, Dropped], Sequence[Output]]
"""(payloads, profile, dropped) → one output per payload. The parent gets its ``info``, if any."""

Loader = Callable[[], Mapping[str, Runner]]
"""Loads the models in the child and gives each queue's runner. Picklable."""

# Each is read once, when its library is loaded.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
STOP_GRACE = 5.0  # seconds from SIGTERM to SIGKILL
# Batches that fail in a row. Past that it may be the process and not they: an error on a GPU, or a
# lack of memory in oneDNN, leaves a process that can compute nothing any more.
MOST_FAILURES = 20
_NICE = 5
MOST_ROWS = 1 << 16  # of a batch; any beyond are computed even if they are dropped

_SPAWN = multiprocessing.get_context("spawn")


class BatchFailed(Exception):
    """The child raised; the text is its traceback."""


class ProcessLane:
    """A ``service.scheduler.Lane`` in a process of its own.

    ``threads`` bounds the threads of the child's arithmetic; None leaves them
    to the libraries. Once started, ``infos`` holds each runner's ``info``.
    """

    def __init__(self, loader: Loader, *, threads: int | None = None, name: str = "lane") -> None:
        self.infos: dict[str, Any] = {}
        self._loader = loader
        self._threads = threads
        self._name = name
        self._process: SpawnProcess | None = None
        # Seen by both sides: a byte for each row of the batch, 1 once it is dropped. There is
        # no lock, since only we write: zeros while no batch runs, then ones.
        self._flags = _SPAWN.RawArray("B", MOST_ROWS)

    @property
    def pid(self) -> int | None:
        """Of the process; None when there is none."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the process and wait until its models are loaded.

        Raises ModelUnavailable with what the loader said.
        """
        self._pipe, theirs = _SPAWN.Pipe()
        # The pipe blocks, so it has a thread of its own and the loop never waits for it.
        self._thread = ThreadPoolExecutor(1, f"{self._name}-pipe")
        # A daemon: a parent that ends without `stop` ends it instead of waiting for it.
        self._process = _SPAWN.Process(
            target=_serve, args=(theirs, self._flags), name=self._name, daemon=True
        )
        self._process.start()
        theirs.close()  # the child has its own; while we hold one too, its death is no end of file
        self._ended = _end_of(self._process)
        try:
            kind, *rest = await self._ask(self._threads, self._loader)
            if kind != "ready":
                message, trace = rest
                raise ModelUnavailable(message) from BatchFailed(trace)
            (self.infos,) = rest
        except LaneDied as death:
            await self.stop()
            raise ModelUnavailable("the process ended while it was loading the models") from death
        except BaseException:
            await self.stop()
            raise

    async def run(self, batch: Batch) -> Sequence[Output]:
        """See ``Lane.run``. Raises BatchFailed for what the runner raised.

        Cancelled, it kills the process: nothing less ends a computation.
        """
        if self._process is None or self._ended.is_set():
            raise LaneDied("the process has ended")
        ctypes.memset(self._flags, 0, MOST_ROWS)
        try:
            kind, *rest = await self._ask((batch.queue, batch.profile, batch.payloads))
        except asyncio.CancelledError:
            self._process.kill()
            raise
        if kind == "done":
            return rest[0]
        _, trace = rest
        raise OutOfMemory(trace) if kind == "memory" else BatchFailed(trace)

    def drop(self, positions: Sequence[int]) -> None:
        """See ``Lane.drop``."""
        for position in positions:
            if position < MOST_ROWS:
                self._flags[position] = 1

    async def wait(self) -> None:
        """Return once the process has ended."""
        await self._ended.wait()

    async def stop(self) -> None:
        """End the process: ask, then kill. Cancelled, it kills."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.terminate()
        try:
            async with asyncio.timeout(STOP_GRACE):
                await self._ended.wait()
        except TimeoutError:
            process.kill()
            await self._ended.wait()
        except asyncio.CancelledError:
            process.kill()
            raise
        finally:
            # Queued behind whoever still reads, so that it is not closed under them.
            self._thread.submit(self._pipe.close)
            self._thread.shutdown(wait=False)
        process.join()

    async def _ask(self, *messages: object) -> tuple[Any, ...]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, _exchange, self._pipe, messages)


def _end_of(process: SpawnProcess) -> asyncio.Event:
    """An event that is set when the process has ended."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()

    def end() -> None:
        loop.remove_reader(process.sentinel)
        event.set()

    loop.add_reader(process.sentinel, end)
    return event


def _exchange(pipe: Connection, messages: Sequence[object]) -> tuple[Any, ...]:
    """Send, and wait for the answer. Runs in the lane's thread."""
    try:
        for message in messages:
            pipe.send(message)
        return pipe.recv()
    except (EOFError, OSError) as error:
        raise LaneDied("the process has ended") from error


# From here on: the child.


def _serve(pipe: Connection, flags: ctypes.Array[ctypes.c_ubyte]) -> None:
    """Load, then answer batches until the pipe closes."""
    follow_parent()
    # The event loop needs little, and at once: it is not to wait for a batch's time slice.
    os.nice(_NICE)
    os.dup2(2, 1)  # standard output is for results; what libraries print is none
    with suppress(EOFError, ConnectionError):  # the parent has gone, or has had enough
        _set_threads(pipe.recv())
        try:
            # It brings its imports along, so it is received only now.
            runners: Mapping[str, Runner] = pipe.recv()()
            answer = "ready", {queue: getattr(run, "info", None) for queue, run in runners.items()}
        except Exception as error:
            pipe.send(_failure(error))
            return
        settle()
        tidy_in_thread()
        pipe.send(answer)
        failures = 0
        while failures < MOST_FAILURES:
            good, answer = _answer(runners, flags, *pipe.recv())
            failures = 0 if good else failures + 1
            pipe.send_bytes(answer)


def _answer(
    runners: Mapping[str, Runner],
    flags: ctypes.Array[ctypes.c_ubyte],
    queue: str,
    profile: object,
    payloads: list[object],
) -> tuple[bool, memoryview]:
    """Whether a batch went well, and its outputs or failure, ready to send: an output that cannot
    be sent is a failure.
    """
    try:
        outputs = runners[queue](payloads, profile, _reader(flags, len(payloads)))
        return True, ForkingPickler.dumps(("done", outputs))
    except Exception as error:
        return False, ForkingPickler.dumps(_failure(error))


def _reader(flags: ctypes.Array[ctypes.c_ubyte], rows: int) -> Dropped:
    """What tells which of so many rows have been dropped so far."""
    view = memoryview(flags).cast("B")[:rows]

    def dropped() -> Collection[int]:
        now = view.tobytes()
        return () if 1 not in now else [row for row, flag in enumerate(now) if flag]

    return dropped


def _failure(error: Exception) -> tuple[str, str, str]:
    """Its kind, one sentence, and the traceback: exceptions themselves need not be picklable."""
    kind = "memory" if _is_memory(error) else "failed"
    ours = any(base.__name__ in ("ModelError", "SvodkaError") for base in type(error).__mro__)
    message = str(error) if ours else f"{type(error).__name__}: {error}"
    return kind, message, "".join(traceback.format_exception(error))


def _is_memory(error: Exception) -> bool:
    """Known by name or words, since this module imports no torch.

    On a GPU torch raises OutOfMemoryError; its CPU allocator and CTranslate2
    raise plain RuntimeErrors, which only their messages tell apart.
    """
    if type(error).__name__ in ("MemoryError", "OutOfMemoryError"):
        return True
    words = ("out of memory", "can't allocate memory")
    return isinstance(error, RuntimeError) and any(w in str(error).lower() for w in words)


def _set_threads(threads: int | None) -> None:
    # Where OpenMP's number is each thread's own affair, this one would hold in all of them: so
    # many threads of CTranslate2's would have as many helpers each, and get in each other's way.
    os.environ.pop("MKL_NUM_THREADS", None)
    if threads is not None:
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
