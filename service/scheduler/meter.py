"""What a job used. It counts; it decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """Times in seconds.

    ``cached_units`` were computed for somebody else, or before. ``queue_seconds``
    is the time in which units were waiting and none was being computed,
    ``compute_seconds`` the job's share of its batches' time, by tokens.
    """

    units: int = 0
    cached_units: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    queue_seconds: float = 0.0
    compute_seconds: float = 0.0


class Meter:
    """Counts for one job."""

    __slots__ = (
        "_at",
        "_clock",
        "_queue_seconds",
        "_running",
        "_unfinished",
        "cached_units",
        "compute_seconds",
        "input_tokens",
        "output_tokens",
        "units",
    )

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._at = clock()
        self._unfinished = 0
        self._running = 0
        self._queue_seconds = 0.0
        self.units = 0
        self.cached_units = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.compute_seconds = 0.0

    def shift(self, *, unfinished: int = 0, running: int = 0) -> None:
        """So many more units are unfinished, so many more of them running."""
        now = self._clock()
        if self._unfinished and not self._running:
            self._queue_seconds += now - self._at
        self._at = now
        self._unfinished += unfinished
        self._running += running

    def done(self, input_tokens: int, output_tokens: int, *, cached: bool) -> None:
        """A unit is finished."""
        self.units += 1
        self.cached_units += cached
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens
        self.shift(unfinished=-1)

    def usage(self) -> Usage:
        """As of now."""
        self.shift()
        return Usage(
            self.units,
            self.cached_units,
            self.input_tokens,
            self.output_tokens,
            self._queue_seconds,
            self.compute_seconds,
        )
