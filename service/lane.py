"""The process that owns the models and computes for the scheduler.

``ProcessLane`` is the parent's side: it starts the process, sends it batches and gets the
outputs, or kills it. ``_serve`` is the child's side: it reads batches, runs them and answers.
What a batch means is known to the runners only, which a ``loader`` makes in the child. So this
module imports no model; it does not retry and does not start again either: that is the
scheduler's part.

A batch has a *seat*, the first that is free. Each is a thread of the child's, the first of them its
main one, which loaded the models and is the only one needed while no runner has room to spare.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import threading
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any

from service.child import Child, Line, dumps, loads
from service.errors import ModelUnavailable
from service.scheduler.work import Batch, LaneDied, OutOfMemory, Output, Spare, nothing
from service.tidying import settle, tidy_in_thread

Dropped = Callable[[], Collection[int]]
"""Tells the positions of the running batch that nobody waits for any more. Cheap."""

Runner = Callable[[Sequence[Any], Any, Dropped, Spare], Sequence[Output]]
"""(payloads, profile, dropped, spare) → one output per payload."""

Loader = Callable[[], Mapping[str, Runner]]
"""Loads the models in the child and gives each queue's runner. Picklable."""

# Each is read once, when its library is loaded.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
STOP_GRACE = 5.0  # seconds from SIGTERM to SIGKILL
# Batches that fail in a row. Past that it may be the process and not they: an error on a GPU, or a
# lack of memory in oneDNN, leaves a process that can compute nothing any more.
MOST_FAILURES = 20
_NICE = 5

_logger = logging.getLogger(__name__)


class BatchFailed(Exception):
    """The child raised; the text is its traceback."""


@dataclass(frozen=True)
class _Seat:
    """A batch that is under way."""

    place: int
    batch: Batch
    spare: Spare
    answer: asyncio.Future[Sequence[Output]]


class ProcessLane:
    """A ``service.scheduler.Lane`` in a process of its own.

    ``threads`` bounds the threads of the child's arithmetic; None leaves them
    to the libraries.
    """

    def __init__(self, loader: Loader, *, threads: int | None = None, name: str = "lane") -> None:
        self._loader = loader
        self._threads = threads
        self._name = name
        self._child: Child | None = None
        self._numbers = itertools.count()  # of batches
        self._seats: dict[int, _Seat] = {}  # by batch, of this child's
        self._hearing: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process; None when there is none."""
        return self._child.pid if self._child else None

    async def start(self) -> None:
        """Start the process and wait until its models are loaded.

        Raises ModelUnavailable with what the loader said.
        """
        self._child = child = Child(_serve, name=self._name)
        self._seats = {}
        try:
            await child.connect()
            child.send(dumps(self._threads))
            child.send(dumps(self._loader))
            kind, *rest = loads(await child.receive())
            if kind != "ready":
                message, trace = rest
                raise ModelUnavailable(message) from BatchFailed(trace)
        except (EOFError, OSError) as end:
            await self.stop()
            what = "the process ended while it was loading the models"
            raise ModelUnavailable(what) from LaneDied(end)
        except BaseException:
            await self.stop()
            raise
        self._hearing = asyncio.create_task(_hear(child, self._seats))

    def run(self, batch: Batch, spare: Spare = nothing) -> asyncio.Future[Sequence[Output]]:
        """See ``Lane.run``. Raises BatchFailed for what the runner raised.

        Cancelled, it kills the process: nothing less ends a computation.
        """
        answer: asyncio.Future[Sequence[Output]] = asyncio.get_running_loop().create_future()
        if self._child is None or self._hearing is None or self._hearing.done():
            answer.set_exception(LaneDied("the process has ended"))
            return answer
        taken = {seat.place for seat in self._seats.values()}
        place = next(n for n in itertools.count() if n not in taken)
        number = next(self._numbers)
        try:
            message = dumps(("run", number, place, batch.queue, batch.profile, batch.payloads))
        except Exception as error:
            answer.set_exception(error)
            return answer
        self._child.send(message)
        self._seats[number] = _Seat(place, batch, spare, answer)
        answer.add_done_callback(partial(_leave, number, self._seats, self._child))
        return answer

    def drop(self, batch: Batch, positions: Sequence[int]) -> None:
        """See ``Lane.drop``."""
        for number, seat in self._seats.items():
            if seat.batch is batch and self._child:
                self._child.send(dumps(("drop", number, positions)))

    async def wait(self) -> None:
        """Return once the process has ended."""
        if self._child:
            await self._child.ended.wait()

    async def stop(self) -> None:
        """End the process: ask, then kill. Cancelled, it kills."""
        if self._child is None:
            return
        child, self._child = self._child, None
        child.terminate()
        try:
            async with asyncio.timeout(STOP_GRACE):
                await child.ended.wait()
        except TimeoutError:
            child.kill()
            await child.ended.wait()
        except asyncio.CancelledError:
            child.kill()
            raise
        finally:
            child.close()
        if self._hearing:
            hearing, self._hearing = self._hearing, None
            await hearing


def _leave(
    number: int, seats: dict[int, _Seat], child: Child, answer: asyncio.Future[Sequence[Output]]
) -> None:
    del seats[number]
    if answer.cancelled():
        child.kill()


async def _hear(child: Child, seats: dict[int, _Seat]) -> None:
    """Take the child's messages until it has ended, and see that no answer is waited for then."""
    failures = 0  # in a row
    try:
        while True:
            kind, number, *rest = loads(await child.receive())
            seat = seats.get(number)
            if seat is None or seat.answer.done():
                continue  # it has room too late, or was cancelled
            match kind:
                case "spare":
                    seat.spare()
                case "done":
                    failures = 0
                    seat.answer.set_result(*rest)
                case _:
                    failures += 1
                    if failures >= MOST_FAILURES:
                        child.terminate()
                    error = OutOfMemory if kind == "memory" else BatchFailed
                    seat.answer.set_exception(error(rest[-1]))
    except (EOFError, OSError):
        pass  # it has ended
    except Exception:
        _logger.exception("what a lane says is not understood")
    finally:
        child.kill()
        for seat in seats.values():
            if not seat.answer.done():
                seat.answer.set_exception(LaneDied("the process has ended"))


# From here on: the child.


def _serve(line: Line) -> None:
    """Load, then answer batches until the parent has had enough."""
    # The event loop needs little, and at once: it is not to wait for a batch's time slice.
    os.nice(_NICE)
    os.dup2(2, 1)  # standard output is for results; what libraries print is none
    _set_threads(loads(line.read() or b""))
    try:
        # It brings its imports along, so it is unpacked only now.
        runners: Mapping[str, Runner] = loads(line.read() or b"")()
    except Exception as error:
        line.write(dumps(_failure(error)))
        return
    settle()
    tidy_in_thread()
    line.write(dumps(("ready",)))
    first: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
    threading.Thread(target=_read, args=(line, runners, first), daemon=True).start()
    _sit(first)


def _read(
    line: Line, runners: Mapping[str, Runner], first: SimpleQueue[Callable[[], None] | None]
) -> None:
    """Hand batches out to their seats, of which the first is there already."""
    seats, dropped = {0: first}, dict[int, set[int]]()  # by place, and by batch
    try:
        while message := line.read():
            kind, number, *rest = loads(message)
            if kind == "drop":
                dropped.get(number, set()).update(*rest)
                continue
            place, *work = rest
            if place not in seats:
                seats[place] = SimpleQueue()
                threading.Thread(target=_sit, args=(seats[place],), daemon=True).start()
            dropped[number] = set()
            seats[place].put(partial(_answer, line, runners, dropped, number, *work))
    finally:
        first.put(None)


def _sit(batches: SimpleQueue[Callable[[], None] | None]) -> None:
    """Compute one batch after the other. What is worse than an error ends the process."""
    try:
        while batch := batches.get():
            batch()
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _answer(
    line: Line,
    runners: Mapping[str, Runner],
    dropped: dict[int, set[int]],
    number: int,
    queue: str,
    profile: object,
    payloads: list[object],
) -> None:
    """Run a batch and send its outputs or failure: an output that cannot be sent is a failure."""
    try:
        outputs = runners[queue](
            payloads, profile, dropped[number].copy, lambda: line.write(dumps(("spare", number)))
        )
        answer = dumps(("done", number, outputs))
    except Exception as error:
        kind, *rest = _failure(error)
        answer = dumps((kind, number, *rest))
    del dropped[number]
    line.write(answer)


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
