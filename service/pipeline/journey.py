"""One request under way: its job at the scheduler, its turns in the workers, its bill."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from service.pipeline.workers import Workers
from service.scheduler import Job
from service.schema import Usage

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Journey:
    """What the steps of one request share. ``began`` is in seconds of ``time.monotonic``."""

    job: Job
    workers: Workers
    began: float = field(default_factory=time.monotonic)
    _prepared: float = 0.0

    async def prepare(self, task: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run ``task`` in a worker process; the wait for one counts as preparation."""
        began = time.monotonic()
        try:
            return await self.workers.run(task, *args, **kwargs)
        finally:
            self._prepared += time.monotonic() - began

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
