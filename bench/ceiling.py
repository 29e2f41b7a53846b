"""What the engine alone can do: no server, everything known beforehand, perfectly sorted.

The measure for the service, since nothing that batches can be faster on the same engine. It
runs in a process of its own, as a lane does, with the same number of threads, and takes turns with
the service: a machine that others share is not as fast now as it was a minute ago.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, Self, TypeVar

from bench.bed import Bed
from models import ModelRef, open_codec, open_engine
from models.decoding import Generated
from service.pipeline.cores import usable_cores
from service.scheduler.work import padded_tokens
from service.sentences import sentence_offsets

P = ParamSpec("P")
R = TypeVar("R")

BUDGETS = (4_096, 8_192, 16_384)  # padded tokens of a batch; the fastest counts

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Turn:
    """How long it took."""

    seconds: float
    core_seconds: float

    def __add__(self, other: Turn) -> Turn:
        return Turn(self.seconds + other.seconds, self.core_seconds + other.core_seconds)


class Alone:
    """An engine in a process of its own, which stands idle between its turns.

    It translates sentences, or summarizes articles and translates the summaries. What it is
    to do, it does in two turns, of every other batch each: one before the service does
    the same, and one after.
    """

    def __init__(self, bed: Bed, kind: str, sample: Sequence[str]) -> None:
        self.budget = BUDGETS[0]
        self.speed = 0.0  # texts a second
        self._sample = sample
        self._process = ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), _load, (bed, kind)
        )

    def __enter__(self) -> Self:
        self.turn(self._sample[:8], 0)  # the first time is slow
        tried = [[self.turn(self._sample, n, budget) for budget in BUDGETS] for n in (0, 1)]
        seconds = [(one + two).seconds for one, two in zip(*tried, strict=True)]
        self.budget = BUDGETS[seconds.index(min(seconds))]
        self.speed = len(self._sample) / min(seconds)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.shutdown()

    def turn(self, texts: Sequence[str], number: int, budget: int | None = None) -> Turn:
        """The first (0) or second (1) half of these texts, in the fastest batches or in others."""
        return self._process.submit(_turn, texts, number, budget or self.budget).result()


def apart(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run in a fresh process, so that the caller's own stays small and idle."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *args, **kwargs).result()


class _Models:
    """In the process: the models that are needed."""

    def __init__(self, bed: Bed, kind: str) -> None:
        chosen = bed.selection
        self.articles = kind == "articles"
        self.refs = [chosen.summarizer, chosen.translator] if self.articles else [chosen.translator]
        self.codecs = [open_codec(ref) for ref in self.refs]
        self.engines = [open_engine(ref, usable_cores()) for ref in self.refs]

    def turn(self, texts: Sequence[str], number: int, budget: int) -> Turn:
        """See ``Alone``."""
        batches = list(batched(map(self.codecs[0].encode, texts), self.refs[0], budget))
        began, used = time.perf_counter(), time.process_time()
        answers = self._run(0, batches[number::2])
        if self.articles:
            lines = [a.text[start:end] for a in answers for start, end in sentence_offsets(a.text)]
            self._run(1, batched(map(self.codecs[1].encode, lines), self.refs[1], budget))
        return Turn(time.perf_counter() - began, time.process_time() - used)

    def _run(self, model: int, batches: Iterable[list[Ids]]) -> list[Generated]:
        engine, decoding = self.engines[model], self.refs[model].decoding
        return [answer for batch in batches for answer in engine.run(batch, decoding)]


_models: _Models | None = None


def _load(bed: Bed, kind: str) -> None:
    global _models
    _models = _Models(bed, kind)


def _turn(texts: Sequence[str], number: int, budget: int) -> Turn:
    assert _models is not None
    return _models.turn(texts, number, budget)


def outputs(bed: Bed, kind: str, count: int) -> list[int]:
    """Lengths in tokens of so many translations of ``sentences``, or summaries of ``articles``."""
    chosen, texts = bed.selection, bed.texts(kind)
    ref = chosen.summarizer if kind == "articles" else chosen.translator
    codec, engine = open_codec(ref), open_engine(ref, usable_cores())
    ids = [codec.encode(text) for text in random.Random(0).sample(texts, min(count, len(texts)))]
    return [answer.output_tokens for answer in engine.run(ids, ref.decoding)]


def batched(ids: Iterable[Ids], ref: ModelRef, budget: int) -> Iterator[list[Ids]]:
    """Batches of neighbours in length, each as large as the budget allows, the longest first."""
    batch: list[Ids] = []
    for row in sorted(ids, key=len, reverse=True):
        longest = len((batch or [row])[0])
        output = min(ref.decoding.max_tokens, longest * 6 // 5 + 8) * ref.decoding.num_beams
        if batch and padded_tokens(len(batch) + 1, longest, output) > budget:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
