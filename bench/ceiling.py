"""What the engine alone can do: no server, everything known beforehand, perfectly sorted.

The measure for the service, since nothing that batches can be faster on the same engine. It
runs in a process of its own, as a lane does, with the same number of threads.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from bench.bed import Bed
from models import ModelRef, open_codec, open_engine
from models.decoding import Generated
from service.pipeline.cores import usable_cores
from service.scheduler.work import padded_tokens
from service.sentences import sentence_offsets

P = ParamSpec("P")
R = TypeVar("R")

BUDGETS = (4_096, 8_192, 16_384, 32_768)  # padded tokens of a batch; the fastest counts

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Speed:
    """Tokens of input a second, and core seconds of a token."""

    tokens: float
    core_seconds: float


def apart(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run in a fresh process, so that the caller's own stays small and idle."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *args, **kwargs).result()


def sentences(bed: Bed, seconds: float) -> tuple[Speed, int]:
    """The translator's speed, and the budget that was the fastest.

    Each budget gets its share of ``seconds`` of processor time, on batches of all lengths.
    """
    ref = bed.selection.translator
    codec, engine = open_codec(ref), open_engine(ref, usable_cores())
    ids = [codec.encode(text) for text in bed.sentences]
    engine.run(ids[:8], ref.decoding)  # the first time is slow
    speeds: dict[int, Speed] = {}
    for budget in BUDGETS:
        batches = list(batched(ids, ref, budget))
        random.Random(0).shuffle(batches)
        tokens, began, used = 0, time.perf_counter(), time.process_time()
        for batch in batches:
            engine.run(batch, ref.decoding)
            tokens += sum(map(len, batch))
            if time.process_time() - used > seconds / len(BUDGETS):
                break
        took, used = time.perf_counter() - began, time.process_time() - used
        speeds[budget] = Speed(tokens / took, used / tokens)
    best = max(speeds, key=lambda budget: speeds[budget].tokens)
    return speeds[best], best


def articles(bed: Bed, count: int, budget: int) -> tuple[Speed, list[int]]:
    """Speed of articles through both models, and the lengths of the summaries."""
    refs = bed.selection.summarizer, bed.selection.translator
    codecs = [open_codec(ref) for ref in refs]
    engines = [open_engine(ref, usable_cores()) for ref in refs]
    texts = random.Random(0).sample(bed.articles, min(count, len(bed.articles)))
    ids = [codecs[0].encode(text) for text in texts]
    engines[0].run([min(ids, key=len)], refs[0].decoding)
    engines[1].run([codecs[1].encode("Hello.")], refs[1].decoding)
    began, used = time.perf_counter(), time.process_time()
    summaries: list[Generated] = []
    for batch in batched(ids, refs[0], budget):
        summaries += engines[0].run(batch, refs[0].decoding)
    lines = [s.text[a:b] for s in summaries for a, b in sentence_offsets(s.text)]
    for batch in batched([codecs[1].encode(line) for line in lines], refs[1], budget):
        engines[1].run(batch, refs[1].decoding)
    took, used = time.perf_counter() - began, time.process_time() - used
    tokens = sum(map(len, ids))
    return Speed(tokens / took, used / tokens), [summary.output_tokens for summary in summaries]


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


def outputs(bed: Bed, count: int) -> list[int]:
    """Lengths of translations, in tokens."""
    ref = bed.selection.translator
    codec, engine = open_codec(ref), open_engine(ref, usable_cores())
    texts = random.Random(0).sample(bed.sentences, count)
    answers = engine.run([codec.encode(text) for text in texts], ref.decoding)
    return [answer.output_tokens for answer in answers]
