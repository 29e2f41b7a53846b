"""What every engine is: ids in, texts or vectors out, a batch at a time.

An engine holds the weights of one model and belongs to the lane, which runs one batch at a
time, or others beside it where that leaves room. Choosing batches, and what to do when one
fails, is the scheduler's business.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import WeakValueDictionary

from models.codec import Codec, open_codec
from models.decoding import Decoding, Generated
from models.heap import hold
from models.selection import ModelRef

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")

Dropped = Callable[[], Collection[int]]
"""Tells the rows of the running batch that nobody waits for any more; asked between steps."""


Spare = Callable[[], None]
"""Tells that a part of the threads has nothing more to do for the running batch."""


def nobody() -> Collection[int]:
    """Return no row: all are waited for."""
    return ()


def nothing() -> None:
    """Tell nobody."""


class Engine(Protocol):
    """One loaded model: how many numbers it has, and the bytes they take."""

    parameters: int
    memory: int

    def run(
        self,
        batch: Sequence[tuple[int, ...]],
        decoding: Decoding,
        dropped: Dropped = nobody,
        spare: Spare = nothing,
    ) -> list[Generated] | list[np.ndarray]:
        """Compute encoded units; one result per unit, in order.

        What stands in the place of a ``dropped`` unit means nothing; an engine that
        works in steps leaves it out from the next one on.

        An engine that shares a batch out among its threads calls ``spare`` once, in any thread,
        when one of them is left without work: another batch may then be run beside the rest of
        this one, in another thread. Where it is not called, that waits for the end.
        Raises ``ValueError`` for a unit that is empty or over the model's limit,
        ``MemoryError`` when the batch does not fit.
        """
        ...


def open_engine(ref: ModelRef, threads: int | None = None, *, codec: Codec | None = None) -> Engine:
    """Load a model into the engine that its reference names.

    ``threads`` is the number of CPU threads it may use; ``codec`` is the model's, where
    one is open already. The weights of a model are loaded once, however many engines
    of this process are made of them.

    Raises ``ModelError`` if the weights cannot be loaded.
    """
    codec = codec or open_codec(ref)
    hold()
    if ref.engine == "ctranslate2":
        from models import ctranslate2_engine

        return ctranslate2_engine.open_engine(ref, codec, threads)
    from models import torch_engine

    return torch_engine.open_engine(ref, codec, threads)


def check_lengths(batch: Sequence[tuple[int, ...]], ref: ModelRef) -> None:
    """Raise ``ValueError`` for a unit that is empty or over the model's limit."""
    for row in batch:
        if not 0 < len(row) <= ref.max_input_tokens:
            raise ValueError(
                f"a unit has {len(row)} tokens; the model takes 1 to {ref.max_input_tokens}"
            )


def dealt(
    batch: Sequence[tuple[int, ...]], rows: Iterable[int], ways: int, together: int | None = None
) -> Iterator[list[int]]:
    """Deal rows of a batch out to be computed ``ways`` at once, none empty.

    Each computes about ``together`` rows, in as many rounds as come closest to that, all of about
    as many rows, the longest first; in a round rows of all its lengths go to each way, so
    that they end at about the same time.
    """
    longest_first = sorted(rows, key=lambda row: len(batch[row]), reverse=True)
    rounds = max(1, round(len(longest_first) / (ways * together))) if together else 1
    size = ceil(len(longest_first) / rounds)
    for start in range(0, len(longest_first), size):
        some = longest_first[start : start + size]
        yield from (some[first::ways] for first in range(min(ways, len(some))))


_loaded: WeakValueDictionary[tuple[str, ...], Any] = WeakValueDictionary()


def loaded_once(ref: ModelRef, load: Callable[[], T]) -> T:
    """Return what ``load`` returns, or what it did for the same weights if that is still in use."""
    key = (str(ref.path), ref.engine, ref.compute_type, ref.device)
    weights = _loaded.get(key)
    if weights is None:
        weights = _loaded[key] = load()
    return weights
