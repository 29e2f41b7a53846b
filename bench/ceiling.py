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
from itertools import count
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
    """So many texts, of so many tokens in all, took so long."""

    texts: int
    tokens: int
    seconds: float
    core_seconds: float


class Alone:
    """An engine in a process of its own, which stands idle between its turns.

    A turn takes about ``texts`` of the ``sentences``, which it translates, or of the ``articles``,
    of which it also translates the summaries: every so many-th batch of all of them in order of
    length, other ones each time, so that two turns after one another are of all lengths.

    ``overhead`` is what a text costs whatever its length, in tokens of its input: a summary is as
    long for a short article. Without it, whoever was just asked for long ones would look fast.
    """

    def __init__(self, bed: Bed, kind: str, texts: int) -> None:
        self.budget = BUDGETS[0]
        self.overhead = 0.0
        self._texts, self._turns = texts, count()
        self._process = ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), _load, (bed, kind)
        )

    def __enter__(self) -> Self:
        self._turn(BUDGETS[0], 0)  # the first time is slow
        speeds = dict.fromkeys(BUDGETS, 0.0)
        for number in 0, 1:
            for budget in BUDGETS:
                speeds[budget] += self.speed(self._turn(budget, number))
        self.budget = max(BUDGETS, key=speeds.__getitem__)
        self.overhead = self._process.submit(_overhead, self.budget).result()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.shutdown()

    def turn(self) -> Turn:
        """What it does now."""
        return self._turn(self.budget, next(self._turns))

    def work(self, turn: Turn) -> float:
        """What was done in a turn: tokens, and the texts' overhead."""
        return turn.tokens + self.overhead * turn.texts

    def speed(self, turn: Turn) -> float:
        """The same a second."""
        return self.work(turn) / turn.seconds

    def _turn(self, budget: int, number: int) -> Turn:
        return self._process.submit(_turn, budget, self._texts, number).result()


def apart(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run in a fresh process, so that the caller's own stays small and idle."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *args, **kwargs).result()


class _Models:
    """In the process: the models that are needed, and the texts' ids."""

    def __init__(self, bed: Bed, kind: str) -> None:
        chosen = bed.selection
        self.articles = kind == "articles"
        self.refs = [chosen.summarizer, chosen.translator] if self.articles else [chosen.translator]
        self.codecs = [open_codec(ref) for ref in self.refs]
        self.engines = [open_engine(ref, usable_cores()) for ref in self.refs]
        self.ids = list(
            map(self.codecs[0].encode, bed.articles if self.articles else bed.sentences)
        )

    def turn(self, budget: int, texts: int, number: int) -> Turn:
        """See ``Alone``."""
        every = max(1, len(self.ids) // texts)
        batches = list(batched(self.ids, self.refs[0], budget))
        return self._timed(
            batches[int(_between(number) * min(every, len(batches))) :: every], budget
        )

    def overhead(self, budget: int) -> float:
        """See ``Alone``: what explains a batch of long texts and one of short ones."""
        batches = list(batched(self.ids, self.refs[0], budget))
        eighth = len(batches) // 8
        long, short = (self._timed([batches[n]], budget) for n in (eighth, -1 - eighth))
        # seconds = texts * a + tokens * b, in both
        a = long.seconds * short.tokens - short.seconds * long.tokens
        b = long.texts * short.seconds - short.texts * long.seconds
        return max(0.0, a / b) if b else 0.0

    def _timed(self, batches: Sequence[list[Ids]], budget: int) -> Turn:
        began, used = time.perf_counter(), time.process_time()
        answers = self._run(0, batches)
        if self.articles:
            lines = [a.text[start:end] for a in answers for start, end in sentence_offsets(a.text)]
            self._run(1, batched(list(map(self.codecs[1].encode, lines)), self.refs[1], budget))
        took, used = time.perf_counter() - began, time.process_time() - used
        rows = [row for batch in batches for row in batch]
        return Turn(len(rows), sum(map(len, rows)), took, used)

    def _run(self, model: int, batches: Iterable[list[Ids]]) -> list[Generated]:
        engine, decoding = self.engines[model], self.refs[model].decoding
        return [answer for batch in batches for answer in engine.run(batch, decoding)]


_models: _Models | None = None


def _load(bed: Bed, kind: str) -> None:
    global _models
    _models = _Models(bed, kind)


def _between(number: int) -> float:
    """0, ½, ¼, ¾, ⅛, …: van der Corput's sequence, whose neighbours lie far apart."""
    return int(f"{number:b}"[::-1], 2) / 2 ** number.bit_length()


def _overhead(budget: int) -> float:
    assert _models is not None
    return _models.overhead(budget)


def _turn(budget: int, texts: int, number: int) -> Turn:
    assert _models is not None
    return _models.turn(budget, texts, number)


def outputs(bed: Bed, kind: str, count: int) -> list[int]:
    """Lengths in tokens of so many translations of ``sentences``, or summaries of ``articles``."""
    ref, texts = bed.selection.translator, bed.sentences
    if kind == "articles":
        ref, texts = bed.selection.summarizer, bed.articles
    codec, engine = open_codec(ref), open_engine(ref, usable_cores())
    ids = [codec.encode(text) for text in random.Random(0).sample(texts, min(count, len(texts)))]
    return [answer.output_tokens for answer in engine.run(ids, ref.decoding)]


def batched(ids: Sequence[Ids], ref: ModelRef, budget: int) -> Iterator[list[Ids]]:
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
