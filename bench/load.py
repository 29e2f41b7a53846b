"""Callers: how a benchmark asks, and what it makes of the answers.

One process, one event loop, a task for each request in work. It shares the cores with the
server it measures, so it does next to nothing: for each request one message out, one in.

- ``closed``: so many callers, each with one request in work. Shows what a server can do.
- ``arriving``: requests come at times drawn beforehand, whether or not the server keeps up, and
  a latency counts from the time a request was to be sent. So a server that stalls is charged
  for everybody who would have come meanwhile (no coordinated omission).

It knows nothing of what is asked; ``ask`` does, and raises where there is no answer.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import grpc.aio
import numpy as np

T = TypeVar("T")


@dataclass(frozen=True)
class Item(Generic[T]):
    """A request and what it costs, in whatever the benchmark counts work in."""

    request: T
    cost: float = 1.0


@dataclass(frozen=True)
class Answer:
    """One request's end. Times in seconds of ``time.perf_counter``."""

    due: float  # when it was to be sent
    done: float
    cost: float
    error: str = ""  # empty where all is well
    sent: float = math.nan  # when it was, later where the callers' own loop was busy

    @property
    def latency(self) -> float:
        """Seconds."""
        return self.done - self.due

    @property
    def taken(self) -> float:
        """Seconds that the call itself took."""
        return self.done - self.sent

    @property
    def lag(self) -> float:
        """Seconds by which the callers themselves were late."""
        return self.sent - self.due


Ask = Callable[[T], Awaitable[object]]


async def closed(
    ask: Ask[T], items: Iterator[Item[T]], callers: int, seconds: float = math.inf
) -> list[Answer]:
    """The answers of ``callers`` who ask again as soon as they are answered, for ``seconds``,
    or until there are no more items.
    """
    answers: list[Answer] = []

    async def call() -> None:
        for item in items:
            answers.append(await _answer(ask, item, time.perf_counter()))

    tasks = [asyncio.create_task(call()) for _ in range(callers)]
    done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    await _end(tasks)
    for task in done:
        task.result()  # a defect of the benchmark's own is not hidden
    return answers


async def arriving(
    ask: Ask[T], items: Iterator[Item[T]], rate: float, seconds: float = math.inf, *, seed: int = 0
) -> list[Answer]:
    """The answers to requests that arrive at random, ``rate`` a second on average, for
    ``seconds``, or until there are no more items.

    Returns when the last is answered; each has a deadline of its own, or should have.
    """
    arrivals = random.Random(seed)
    began, due = time.perf_counter(), 0.0
    tasks: list[asyncio.Task[Answer]] = []
    for item in items:
        due += arrivals.expovariate(rate)
        if due >= seconds:
            break
        # Behind time, it sends what is due without a pause; the latency counts from `due`.
        await asyncio.sleep(max(0.0, began + due - time.perf_counter()))
        tasks.append(asyncio.create_task(_answer(ask, item, began + due)))
    return list(await asyncio.gather(*tasks))


async def _answer(ask: Ask[T], item: Item[T], due: float) -> Answer:
    error, sent = "", time.perf_counter()
    try:
        await ask(item.request)
    except grpc.aio.AioRpcError as failure:
        error = failure.code().name
    except Exception as failure:  # whatever else a client library says
        error = type(failure).__name__
    return Answer(due, time.perf_counter(), item.cost, error, sent)


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def until(answers: Sequence[Answer], seconds: float) -> list[Answer]:
    """Those that came within so long after the first request: while others still arrive."""
    began = min((answer.due for answer in answers), default=0.0)
    return [answer for answer in answers if answer.done <= began + seconds]


def rate(answers: Sequence[Answer], warm_up: float = 0.0) -> float:
    """Cost answered a second, errors not counted: the slope of the work done over time.

    Answers come in clumps, a batch at a time. A count between two moments would be wrong by a
    clump; a line fitted to the whole staircase (least squares) is not. ``warm_up`` seconds are
    left out at the beginning.
    """
    if not answers:
        return float("nan")
    began = min(answer.due for answer in answers) + warm_up
    good = sorted((a for a in answers if not a.error), key=lambda answer: answer.done)
    moments = np.linspace(began, max(began, max(answer.done for answer in answers)), 500)
    done = np.cumsum([0.0, *(answer.cost for answer in good)])
    work = done[np.searchsorted([answer.done for answer in good], moments, side="right")]
    if moments[-1] == moments[0]:
        return float("nan")
    return float(np.polyfit(moments - moments[0], work, 1)[0])


def overall(answers: Sequence[Answer]) -> float:
    """Cost answered a second, from the first request to the last answer."""
    good = [answer for answer in answers if not answer.error]
    if not good:
        return float("nan")
    took = max(a.done for a in good) - min(a.due for a in good)
    return sum(answer.cost for answer in good) / took


def percentile(
    answers: Sequence[Answer],
    share: float,
    seconds: Callable[[Answer], float] = lambda answer: answer.latency,
) -> float:
    """A percentile of the latencies, in seconds; not a number where there is none."""
    latencies = [seconds(answer) for answer in answers]
    return float(np.quantile(latencies, share)) if latencies else float("nan")


def show(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table, the first column on the left."""
    table = [list(head), *map(list, rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for row in table:
        cells = zip(row, widths, strict=True)
        line = "  ".join(c.rjust(w) if n else c.ljust(w) for n, (c, w) in enumerate(cells))
        print(line.rstrip(), flush=True)
