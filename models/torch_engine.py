"""The ``transformers`` engine: the reference, for every family and every device.

A row's answer depends on its neighbours by floating point only: padding is masked,
each row has its own length bound, nothing is sampled, and what the model's files
say about sampling is dropped on loading.

Importing this module loads torch and transformers; ``engine`` does so when asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    MinLengthLogitsProcessor,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
)
from transformers.utils.logging import disable_progress_bar

from models.codec import Codec, open_codec
from models.decoding import Decoding, Generated
from models.engine import Dropped, nobody
from models.errors import ModelError
from models.families import FAMILIES, Shape
from models.selection import ModelRef

disable_progress_bar()

Batch = Sequence[tuple[int, ...]]

_LOADERS = {
    Shape.ENCODER: AutoModel,
    Shape.DECODER: AutoModelForCausalLM,
    Shape.ENCODER_DECODER: AutoModelForSeq2SeqLM,
}


def open_engine(ref: ModelRef, threads: int | None) -> Generator | Embedder:
    """Load a model; see ``models.engine``."""
    if threads:
        torch.set_num_threads(threads)
    model = load(ref)
    if FAMILIES[ref.family].shape is Shape.ENCODER:
        return Embedder(ref, model)
    return Generator(ref, open_codec(ref), model)


def load(ref: ModelRef) -> Any:
    """Return the network, ready to run. Nothing in its folder is executed.

    Safetensors first; a ``.bin`` goes through torch's weights-only loader.
    """
    try:
        model, found = _LOADERS[FAMILIES[ref.family].shape].from_pretrained(
            ref.path,
            dtype=getattr(torch, ref.compute_type),
            local_files_only=True,
            trust_remote_code=False,
            weights_only=True,
            output_loading_info=True,
        )
        # transformers would go on with random numbers; only BERT's pooler is of no use here.
        if missing := [name for name in found["missing_keys"] if not name.startswith("pooler.")]:
            raise ValueError(f"{len(missing)} tensors are missing, {sorted(missing)[0]} among them")
        return model.to(ref.device).eval()
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"The weights in {ref.path} cannot be loaded ({reason}); fetch or copy the model again."
        ) from error


class _Network:
    """What both engines below have in common: a reference and the network it names."""

    def __init__(self, ref: ModelRef, model: Any) -> None:
        self._ref = ref
        self._model = model
        self.parameters = sum(tensor.numel() for tensor in model.parameters())
        self.memory = sum(tensor.nbytes for tensor in model.parameters())


class Embedder(_Network):
    """Sentence vectors: the mean of the last layer over a row's tokens, of length 1.

    Reimers and Gurevych, 2019, arXiv:1908.10084.
    """

    @torch.inference_mode()
    def run(self, batch: Batch, decoding: Decoding, dropped: Dropped = nobody) -> list[np.ndarray]:
        """Return one float32 vector (dimensions,) a row, all in one step. Only ``batch`` counts."""
        ids, mask = _padded(batch, self._ref, pad_id=0, left=False)
        with _memory():
            hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weight).sum(1) / weight.sum(1)
        return list(torch.nn.functional.normalize(mean.float(), dim=-1).cpu().numpy())


class Generator(_Network):
    """Text from encoder-decoders and decoders, by greedy or beam search."""

    def __init__(self, ref: ModelRef, codec: Codec, model: Any) -> None:
        super().__init__(ref, model)
        self._codec = codec
        self._left = FAMILIES[ref.family].shape is Shape.DECODER
        told = model.generation_config
        ends = told.eos_token_id if told.eos_token_id is not None else model.config.eos_token_id
        self._ends: list[int] = list(ends) if isinstance(ends, list | tuple) else [ends]
        forced = codec.forced_bos_id
        # All the files' other advice is dropped: a search is what ``Decoding`` says.
        model.generation_config = GenerationConfig(
            bos_token_id=told.bos_token_id,
            eos_token_id=self._ends,
            pad_token_id=codec.pad_id,
            decoder_start_token_id=told.decoder_start_token_id,
            forced_bos_token_id=told.forced_bos_token_id if forced is None else forced,
            bad_words_ids=told.bad_words_ids,
            suppress_tokens=told.suppress_tokens,
        )

    @torch.inference_mode()
    def run(self, batch: Batch, decoding: Decoding, dropped: Dropped = nobody) -> list[Generated]:
        """Return one answer a row."""
        ids, mask = _padded(batch, self._ref, pad_id=self._codec.pad_id, left=self._left)
        start = ids.shape[1] if self._left else 1
        room = self._ref.max_output_tokens
        bounds = [min(room, decoding.bound(len(row))) for row in batch]
        with _memory():
            output = self._model.generate(
                input_ids=ids,
                attention_mask=mask,
                logits_processor=self._processors(decoding, bounds, start),
                max_new_tokens=max(bounds) + 1,  # the end mark
                num_beams=decoding.num_beams,
                length_penalty=decoding.length_penalty,
                early_stopping=decoding.early_stopping,
                do_sample=False,
            )
        rows = output[:, start:].tolist()
        return [self._generated(row, bound) for row, bound in zip(rows, bounds, strict=True)]

    def _processors(self, decoding: Decoding, bounds: list[int], start: int) -> LogitsProcessorList:
        """Return what bends the scores, in order: the row's bound has the last word."""
        device = self._ref.device
        chosen: list[LogitsProcessor] = []
        if decoding.repetition_penalty != 1.0:
            chosen.append(RepetitionPenaltyLogitsProcessor(decoding.repetition_penalty))
        if decoding.no_repeat_ngram_size:
            chosen.append(NoRepeatNGramLogitsProcessor(decoding.no_repeat_ngram_size))
        if decoding.min_tokens:
            least = min(decoding.min_tokens, *bounds)
            chosen.append(MinLengthLogitsProcessor(least, self._ends, device=device))
        chosen.append(RowBounds(bounds, self._ends[0], decoding.num_beams, device))
        return LogitsProcessorList(AfterPrompt(processor, start) for processor in chosen)

    def _generated(self, row: list[int], bound: int) -> Generated:
        end = next((place for place, token in enumerate(row) if token in self._ends), len(row))
        return Generated(self._codec.decode(row[:end]), output_tokens=end, truncated=end >= bound)


class AfterPrompt(LogitsProcessor):
    """Shows another processor the output alone.

    A decoder's row begins with its prompt. Counted as output, the article's own
    words could not be repeated in its summary, nor a name in its translation.
    """

    def __init__(self, processor: LogitsProcessor, start: int) -> None:
        self._processor = processor
        self._start = start

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Process scores (rows, vocabulary) by ids (rows, length) past the prompt."""
        return self._processor(input_ids[:, self._start :], scores)


class RowBounds(LogitsProcessor):
    """Ends each row at its own bound: from there on only the end mark is possible.

    ``generate`` knows one bound for a whole batch, and ending a row must look the
    same to greedy and to beam search.
    """

    def __init__(self, bounds: list[int], end: int, num_beams: int, device: str) -> None:
        self._bounds = torch.tensor(bounds, device=device).repeat_interleave(num_beams)
        self._end = end

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Leave a row that is at its bound nothing but the end mark."""
        over = input_ids.shape[1] >= self._bounds
        if over.any():
            only = torch.full_like(scores, float("-inf"))
            only[:, self._end] = 0.0
            scores = torch.where(over.unsqueeze(1), only, scores)
        return scores


@contextmanager
def _memory() -> Iterator[None]:
    """Turn torch's ways of saying "out of memory" into Python's."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
            raise MemoryError("the batch does not fit into memory") from error
        raise


def _padded(
    batch: Batch, ref: ModelRef, *, pad_id: int, left: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and mask, both (rows, longest), int64, after checking every length."""
    for row in batch:
        if not 0 < len(row) <= ref.max_input_tokens:
            raise ValueError(
                f"a unit has {len(row)} tokens; the model takes 1 to {ref.max_input_tokens}"
            )
    width = max(map(len, batch))
    ids = torch.full((len(batch), width), pad_id)
    mask = torch.zeros_like(ids)
    for index, row in enumerate(batch):
        place = slice(width - len(row), width) if left else slice(0, len(row))
        ids[index, place] = torch.tensor(row)
        mask[index, place] = 1
    return ids.to(ref.device), mask.to(ref.device)
