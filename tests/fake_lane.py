"""A lane for tests of the scheduler: answers after a time, and breaks when told to."""

import asyncio
from collections.abc import Callable, Sequence

from service.scheduler import (
    Batch,
    LaneDied,
    OutOfMemory,
    Output,
    Policy,
    Scheduler,
    Spare,
    Unit,
    nothing,
)
from service.schema import Priority
from virtual_loop import now

SPEED = 100.0  # padded tokens a second


def answer(payload: object) -> str:
    return f"answer to {payload}"


class FakeLane:
    """``fault(batch)`` may raise, or return rows instead of the right ones.

    It has room for another batch when ``spare_after`` of a batch's time has passed.
    """

    def __init__(
        self,
        fault: Callable[[Batch], Sequence[Output] | None] | None = None,
        *,
        spare_after: float = 1.0,
    ) -> None:
        self.fault = fault or (lambda _: None)
        self.spare_after = spare_after
        self.speed = SPEED
        self.batches: list[Batch] = []
        self.began: list[float] = []
        self.cancelled = 0
        self.dropped: list[int] = []  # of the batch that began last
        self.running: dict[int, list[int]] = {}  # what was dropped of each, by the batch's id
        self.beside: list[int] = []  # how many others ran when each batch began
        self.starts: list[float] = []
        self.broken_starts = 0
        self.stopped = True
        self._death = asyncio.Event()

    async def start(self) -> None:
        assert self.stopped
        self.starts.append(now())
        if self.broken_starts:
            self.broken_starts -= 1
            raise OSError("no weights")
        self.stopped = False
        self._death = asyncio.Event()

    async def run(self, batch: Batch, spare: Spare = nothing) -> Sequence[Output]:
        assert not self.stopped
        assert not self._death.is_set()
        self.batches.append(batch)
        self.began.append(now())
        self.beside.append(len(self.running))
        self.dropped = self.running[id(batch)] = []
        try:
            seconds = batch.padded / self.speed
            death = asyncio.ensure_future(self._death.wait())
            await asyncio.wait([death], timeout=seconds * self.spare_after)
            if self.spare_after < 1 and not death.done():
                spare()
                await asyncio.wait([death], timeout=seconds * (1 - self.spare_after))
            death.cancel()
        except asyncio.CancelledError:
            self.cancelled += 1
            self._death.set()  # as a process that is killed
            raise
        finally:
            self.gone = self.running.pop(id(batch))
        if self._death.is_set():
            raise LaneDied("died")
        try:
            rows = self.fault(batch)
        except LaneDied:
            self._death.set()
            raise
        if rows is not None:
            return rows
        return [Output(answer(unit.payload), unit.output_tokens) for unit in batch.units]

    def drop(self, batch: Batch, positions: Sequence[int]) -> None:
        if id(batch) in self.running:
            self.running[id(batch)] += positions

    async def wait(self) -> None:
        await self._death.wait()

    async def stop(self) -> None:
        self.stopped = True
        self._death.set()

    def die(self) -> None:
        self._death.set()

    @property
    def payloads(self) -> list[list[object]]:
        return [batch.payloads for batch in self.batches]


FAULTS = ("raise", "memory", "hang", "die", "few", "many")


class StormyLane(FakeLane):
    """Takes its faults from a list, one a batch, and is fine after the last."""

    def __init__(self, weather: Sequence[str], *, spare_after: float = 1.0) -> None:
        super().__init__(self.strike, spare_after=spare_after)
        self.weather = list(weather)

    def strike(self, batch: Batch) -> Sequence[Output]:
        rows = [
            # A lane that leaves rows out puts anything in their places.
            Output("nobody's" if n in self.gone else answer(unit.payload), 1)
            for n, unit in enumerate(batch.units)
        ]
        match self.weather.pop() if self.weather else "":
            case "raise":
                raise ValueError
            case "memory":
                raise OutOfMemory
            case "die":
                raise LaneDied
            case "few":
                return rows[1:]
            case "many":
                return rows * 2
        return rows

    async def run(self, batch: Batch, spare: Spare = nothing) -> Sequence[Output]:
        if self.weather and self.weather[-1] == "hang":
            self.weather.pop()
            self.batches.append(batch)
            try:
                await self._death.wait()
            except asyncio.CancelledError:
                self._death.set()
                raise
            raise LaneDied("killed")
        return await super().run(batch, spare)


def unit(payload: object, tokens: int = 10, *, queue: str = "q", profile: object = None) -> Unit:
    return Unit(queue, profile, payload, payload, tokens - tokens // 2, tokens // 2)


def scheduler(*lanes: FakeLane, **policy: object) -> Scheduler:
    """With ten units of the default length to a batch, unless told otherwise."""
    numbers = {"batch_tokens": 100, "batch_seconds": 1e9, "backoff": 1.0} | policy
    return Scheduler(
        lanes,
        Policy(**numbers),
        sizeof=lambda output: len(str(output.value)),
        clock=asyncio.get_running_loop().time,
    )


async def ask(
    scheduler: Scheduler,
    *units: Unit,
    priority: Priority = Priority.INTERACTIVE,
    timeout: float = 1e6,  # noqa: ASYNC109 -- a job has one
    after: float = 0.0,
    **options: object,
) -> list[object]:
    """One caller's values, or the exceptions in their places."""
    await asyncio.sleep(after)
    async with scheduler.job(priority=priority, deadline=now() + timeout, **options) as job:
        results = await job.run(units)
    return [result.value if isinstance(result, Output) else result for result in results]


async def warm(s: Scheduler) -> None:
    """Compute a long batch and a wide one, so that the scheduler knows what steps and tokens cost."""
    for n, units in enumerate(([unit("long", 100)], [unit(f"wide {i}") for i in range(10)])):
        async with s.job(priority=Priority.BULK, deadline=float("inf"), scope=f"warm {n}") as job:
            await job.run(units)
