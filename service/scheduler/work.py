"""What goes through the scheduler, and who computes it.

Only the vocabulary: units, batches, outputs, and what a lane must be able to
do. What a payload means is known to the lane and to the caller.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of work.

    ``queue`` says which model, ``profile`` how it decodes: a batch has one of
    each. ``payload`` is what the lane computes on. ``key`` is the unit's
    identity (a digest, so that it stays small): equal keys of one queue and
    profile have equal outputs, are computed once and cached. The tokens are
    counted for the input and predicted for the output; a search over several
    beams is best given as that many times the output.
    """

    queue: str
    profile: Hashable
    payload: object
    key: Hashable
    input_tokens: int
    output_tokens: int

    @property
    def tokens(self) -> int:
        """What the unit costs by itself; nothing is free."""
        return max(1, self.input_tokens + self.output_tokens)


@dataclass(frozen=True, slots=True)
class Output:
    """What a lane made of one unit."""

    value: Any
    output_tokens: int


def padded_tokens(count: int, longest_input: int, longest_output: int) -> int:
    """The cost of a batch: every row is as long as the longest.

    A padded row is read in full, and the batch takes as many steps as its
    longest output, each for every row. So both work and memory (activations
    of the input, keys and values of both) grow with count × (input + output).
    """
    return count * (longest_input + longest_output)


@dataclass(frozen=True)
class Batch:
    """Units of one queue and profile that are computed together. Each sum is made once."""

    units: tuple[Unit, ...]

    @property
    def queue(self) -> str:
        """Which model."""
        return self.units[0].queue

    @property
    def profile(self) -> Hashable:
        """How it decodes."""
        return self.units[0].profile

    @property
    def payloads(self) -> list[object]:
        """What to compute on, in order."""
        return [unit.payload for unit in self.units]

    @cached_property
    def tokens(self) -> int:
        """The cost without padding."""
        return sum(unit.tokens for unit in self.units)

    @cached_property
    def steps(self) -> int:
        """How often the model is called, as far as foreseen: once for each token of an output."""
        return max(1, max(unit.output_tokens for unit in self.units))

    @cached_property
    def padded(self) -> int:
        """The cost with padding."""
        return padded_tokens(
            len(self.units),
            max(unit.input_tokens for unit in self.units),
            max(unit.output_tokens for unit in self.units),
        )


class LaneDied(Exception):
    """The lane is gone, and with it the batch."""


class OutOfMemory(Exception):
    """The batch was too big for the device; the lane lives."""


Spare = Callable[[], None]
"""Tells that a lane has room for another batch beside the rest of the one that runs."""


def nothing() -> None:
    """Tell nobody."""


class Lane(Protocol):
    """Something that computes a batch, and begins the next where one leaves room."""

    async def start(self) -> None:
        """Load and be ready. Raises if it cannot; may be called again then,
        and after ``stop``.
        """
        ...

    def run(self, batch: Batch, spare: Spare = nothing) -> Awaitable[Sequence[Output]]:
        """Begin; what it returns gives one output per unit, in order.

        It comes after the one before has ended, or has called ``spare``, which says once that
        a part of the lane has nothing more to do. A lane need not ever say that.

        Raises LaneDied, OutOfMemory, or anything else for "this batch failed".
        Cancelled, it abandons the batch, whatever state that leaves it in:
        ``stop`` and ``start`` follow. After ``stop`` no batch is under way.
        """
        ...

    def drop(self, batch: Batch, positions: Sequence[int]) -> None:
        """Nobody waits for these rows of a batch any more.

        Advice, taken at once: the lane leaves them out as far as it can, from
        its next step on. Whatever stands in their places of the answer is
        ignored. If the batch is not running it does nothing.
        """
        ...

    async def wait(self) -> None:
        """Return once the lane has died, be it idle."""
        ...

    async def stop(self) -> None:
        """End it, whatever its state."""
        ...
