"""One request under way: its job at the scheduler, its turns in the workers, its bill."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from service.pipeline.workers import Workers
from service.scheduler import Job, Output, Unit
from service.schema import Priority, Usage
from service.tracing import span

P = ParamSpec("P")
R = TypeVar("R")

# Of the tasks that wait for a worker: what was begun first, then whoever cannot wait.
_BEGUN = 0
RANKS = {Priority.INTERACTIVE: 1, Priority.BULK: 2}


@dataclass
class Journey:
    """What the steps of one request share. ``began`` is in seconds of ``time.monotonic``."""

    job: Job
    workers: Workers
    began: float = field(default_factory=time.monotonic)
    _prepared: float = 0.0
    _rank: int = field(init=False)

    def __post_init__(self) -> None:
        self._rank = RANKS[self.job.priority]

    async def prepare(self, task: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run ``task`` in a worker process; the wait for one counts as preparation.

        The first one reads the article, which may take long, and there may be many who wait
        for it. The later ones are short, and the lane waits for what comes of them.
        """
        rank = self._rank
        self._rank = _BEGUN
        began = time.monotonic()
        with span(getattr(task, "__name__", "prepare")):
            try:
                return await self.workers.run_ranked(rank, self.job.caller, task, *args, **kwargs)
            finally:
                self._prepared += time.monotonic() - began

    async def compute(self, units: Sequence[Unit]) -> list[Output | Exception]:
        """Compute units in a lane; see ``Job.run``."""
        with span("compute") as told:
            results = await self.job.run(units)
            used = self.usage()
            told.set_attribute("svodka.units", len(units))
            told.set_attribute("svodka.queue_ms", used.queue_ms)  # of the request so far
            told.set_attribute("svodka.compute_ms", used.compute_ms)
            return results

    def usage(self) -> Usage:
        """The bill so far."""
        used = self.job.usage
        return Usage(
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
            cached_units=used.cached_units,
            prepare_ms=round(1000 * self._prepared, 3),
            queue_ms=round(1000 * used.queue_seconds, 3),
            compute_ms=round(1000 * used.compute_seconds, 3),
        )
