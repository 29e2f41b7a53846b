"""What a caller holds: the units of one article, while somebody wants them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from service.scheduler.entry import Call
from service.scheduler.meter import Meter, Usage
from service.scheduler.work import Output, Unit
from service.schema import Priority

if TYPE_CHECKING:
    from service.scheduler.scheduler import Scheduler


class Job:
    """One caller's work, made by ``Scheduler.job``.

    An async context manager: leaving it, by whatever way, drops all of its
    units that are not finished and cancels the runs that wait for them.
    """

    __slots__ = (
        "_scheduler",
        "asked",
        "caller",
        "calls",
        "deadline",
        "delay",
        "due",
        "kind",
        "meter",
        "no_cache",
        "priority",
        "promised",
        "scope",
        "wait",
    )

    def __init__(
        self,
        scheduler: Scheduler,
        *,
        caller: str,
        priority: Priority,
        deadline: float,
        due: float,
        no_cache: bool,
        scope: str,
        wait: bool,
        kind: Hashable,
        delay: float,
        meter: Meter,
    ) -> None:
        self._scheduler = scheduler
        self.caller = caller
        self.priority = priority
        self.deadline = deadline
        self.due = due  # what its units are ordered by
        self.no_cache = no_cache
        self.scope = scope
        self.wait = wait
        self.kind = kind
        self.delay = delay
        self.promised: dict[str, int] = {}  # tokens by queue; see ``forecast``
        self.asked: dict[str, int] = {}  # likewise
        self.meter = meter
        self.calls: set[Call] = set()

    async def __aenter__(self) -> Self:
        self._scheduler.enter(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._scheduler.leave(self, well=kind is None)

    async def run(self, units: Sequence[Unit]) -> list[Output | Exception]:
        """Compute units: one result per unit, in order.

        A unit that failed has its exception in its place: ComputeFailed (its
        cause is what the lane said), or Unavailable if no lane can be started.

        Raises
        ------
            DeadlineExpired   the deadline passed, or cannot be met even by an empty queue
            Overloaded        no room, or not done in time; not raised for jobs that wait
            Unavailable       no lane can be started, or the scheduler was closed
        May be called again, and several times at once.
        """
        return await self._scheduler.compute(self, units)

    @property
    def usage(self) -> Usage:
        """What has been used so far."""
        return self.meter.usage()
