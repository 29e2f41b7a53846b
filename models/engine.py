"""What every engine is: ids in, texts or vectors out, a batch at a time.

An engine holds the weights of one model and belongs to one thread, the lane's.
Choosing batches, and what to do when one fails, is the scheduler's business.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Protocol

from models.decoding import Decoding, Generated
from models.selection import ModelRef

if TYPE_CHECKING:
    import numpy as np


Dropped = Callable[[], Collection[int]]
"""Tells the rows of the running batch that nobody waits for any more; asked between steps."""


def nobody() -> Collection[int]:
    """Return no row: all are waited for."""
    return ()


class Engine(Protocol):
    """One loaded model: how many numbers it has, and the bytes they take."""

    parameters: int
    memory: int

    def run(
        self, batch: Sequence[tuple[int, ...]], decoding: Decoding, dropped: Dropped = nobody
    ) -> list[Generated] | list[np.ndarray]:
        """Compute encoded units; one result per unit, in order.

        What stands in the place of a ``dropped`` unit means nothing; an engine that
        works in steps leaves it out from the next one on.
        Raises ``ValueError`` for a unit that is empty or over the model's limit,
        ``MemoryError`` when the batch does not fit.
        """
        ...


def open_engine(ref: ModelRef, threads: int | None = None) -> Engine:
    """Load a model. ``threads`` is the number of CPU threads it may use.

    Raises ``ModelError`` if the weights cannot be loaded.
    """
    from models import torch_engine

    return torch_engine.open_engine(ref, threads)
