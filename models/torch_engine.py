"""The ``transformers`` engine: the reference, for every family and every device.

A row's answer depends on its neighbours by floating point only: padding is masked,
each row has its own length bound, nothing is sampled, and what the model's files
say about sampling is dropped on loading.

Importing this module loads torch and transformers; ``engine`` does so when asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    modeling_utils,
)
from transformers.utils.logging import disable_progress_bar

from models import gguf_files
from models.codec import Codec
from models.decoding import Decoding, Generated
from models.engine import Dropped, Spare, check_lengths, dealt, loaded_once, nobody, nothing
from models.errors import ModelError, first_line
from models.families import FAMILIES, Shape
from models.onednn import use_onednn
from models.rules import Rules
from models.searching import Beams, Greedy
from models.selection import ModelRef
from models.stepping import Decoder, EncoderDecoder, generate

disable_progress_bar()

Batch = Sequence[tuple[int, ...]]

# Number types as safetensors call them.
_STORED = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16"}

_LOADERS = {
    Shape.ENCODER: AutoModel,
    Shape.DECODER: AutoModelForCausalLM,
    Shape.ENCODER_DECODER: AutoModelForSeq2SeqLM,
}


def open_engine(ref: ModelRef, codec: Codec, threads: int | None) -> Generator | Embedder:
    """Load a model; see ``models.engine``."""
    if threads:
        torch.set_num_threads(threads)
    model = loaded_once(ref, lambda: load(ref))
    use_onednn(model)
    if FAMILIES[ref.family].shape is Shape.ENCODER:
        return Embedder(ref, model)
    return Generator(ref, codec, model, threads or torch.get_num_threads())


def load(ref: ModelRef) -> Any:
    """Return the network, ready to run. Nothing in its folder is executed.

    Safetensors first; a ``.bin`` goes through torch's weights-only loader; GGUF is data.
    Numbers that stay as they are in the file are mapped, not copied: lanes share them.
    """
    try:
        with nullcontext() if _as_stored(ref) else _read_piece_by_piece():
            model, found = _LOADERS[FAMILIES[ref.family].shape].from_pretrained(
                ref.path,
                dtype=getattr(torch, ref.compute_type),
                local_files_only=True,
                trust_remote_code=False,
                weights_only=True,
                output_loading_info=True,
                **gguf_files.option(ref.path),
            )
        # transformers would go on with random numbers; only BERT's pooler is of no use here.
        if missing := [name for name in found["missing_keys"] if not name.startswith("pooler.")]:
            raise ValueError(f"{len(missing)} tensors are missing, {sorted(missing)[0]} among them")
        return model.to(ref.device).eval()
    except Exception as error:
        raise ModelError(
            f"The weights in {ref.path} cannot be loaded ({first_line(error)}); "
            "fetch or copy the model again."
        ) from error


def _as_stored(ref: ModelRef) -> bool:
    """Say whether the weights' numbers are already of the type that is asked for."""
    for path in ref.path.glob("*.safetensors"):
        with safe_open(path, framework="pt") as file:
            types = {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
        if types - {_STORED.get(ref.compute_type)}:
            return False
    return True


@contextmanager
def _read_piece_by_piece() -> Iterator[None]:
    """Have transformers read weights instead of mapping their files, while it converts them.

    Mapped, the whole file stays in memory beside what is made of it. transformers
    chooses by the platform and has no setting for it.
    """
    library: Any = modeling_utils
    mapped = library.safe_open
    library.safe_open = lambda path, **how: mapped(path, **(how | {"backend": "pread"}))
    try:
        yield
    finally:
        library.safe_open = mapped


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
    def run(
        self, batch: Batch, decoding: Decoding, dropped: Dropped = nobody, spare: Spare = nothing
    ) -> list[np.ndarray]:
        """Return one float32 vector (dimensions,) a row, all in one step. Only ``batch`` counts."""
        check_lengths(batch, self._ref)
        ids, mask = _padded(batch, self._ref, pad_id=0, left=False)
        with _memory():
            hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weight).sum(1) / weight.sum(1)
        return list(torch.nn.functional.normalize(mean.float(), dim=-1).cpu().numpy())


class Generator(_Network):
    """Text from encoder-decoders and decoders, by greedy or beam search.

    On a CPU a batch of many rows is computed in two halves, side by side: while one is between two
    operations, in Python, the other has the cores, and neither waits for a thread of the other.
    """

    def __init__(self, ref: ModelRef, codec: Codec, model: Any, threads: int = 1) -> None:
        super().__init__(ref, model)
        self._codec = codec
        self._halves = _pool(threads // 2) if ref.device == "cpu" and threads > 1 else None
        self._left = FAMILIES[ref.family].shape is Shape.DECODER
        # All the files' other advice is dropped: a search is what ``Decoding`` says.
        told = model.generation_config
        ends = told.eos_token_id if told.eos_token_id is not None else model.config.eos_token_id
        self._ends = torch.tensor(ends, device=ref.device).flatten()
        forced = codec.forced_bos_id
        self._begin = [told.forced_bos_token_id if forced is None else forced]
        if self._left or self._begin == [None]:
            self._begin = []
        self._start = [told.decoder_start_token_id, *self._begin]
        suppressed = [[id_] for id_ in told.suppress_tokens or []]
        self._banned = [*(told.bad_words_ids or []), *suppressed]

    def run(
        self, batch: Batch, decoding: Decoding, dropped: Dropped = nobody, spare: Spare = nothing
    ) -> list[Generated]:
        """Return one answer a row."""
        check_lengths(batch, self._ref)
        if self._halves is None or len(batch) < _MANY:
            return self._compute(batch, decoding, dropped)
        halves = list(dealt(batch, range(len(batch)), 2))
        under_way = [
            self._halves.submit(
                self._compute,
                [batch[row] for row in half],
                decoding,
                partial(_dropped_of, half, dropped),
            )
            for half in halves
        ]
        wait(under_way)  # even if one fails: the next batch is to have the cores
        answers: dict[int, Generated] = {}
        for half, computed in zip(halves, under_way, strict=True):
            answers.update(zip(half, computed.result(), strict=True))
        return [answers[row] for row in range(len(batch))]

    @torch.inference_mode()
    def _compute(self, batch: Batch, decoding: Decoding, dropped: Dropped) -> list[Generated]:
        """Compute rows, with the threads that torch gives whoever calls."""
        ids, mask = _padded(batch, self._ref, pad_id=self._codec.pad_id, left=self._left)
        room = self._ref.max_output_tokens
        bounds = [min(room, decoding.bound(len(row))) for row in batch]
        least = ids.new_tensor([min(room, decoding.least(len(row))) for row in batch])
        begin = ids.new_tensor(self._begin).repeat(len(batch), 1)
        rules = Rules(decoding, self._ends, self._banned)
        limits = ids.new_tensor(bounds)
        if decoding.num_beams > 1:
            search = Beams(begin, least, limits, rules, decoding)
        else:
            search = Greedy(begin, least, limits, rules)
        with _memory():
            if self._left:
                network, start = Decoder(self._model, mask), ids
            else:
                network = EncoderDecoder(self._model, ids, mask, **self._attention(ids))
                start = ids.new_tensor(self._start).repeat(len(batch), 1)
            outputs = generate(network, start, search, dropped)
        return [self._generated(ids, bound) for ids, bound in zip(outputs, bounds, strict=True)]

    def _attention(self, ids: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return what the family's encoder wants to know beside the mask."""
        if not FAMILIES[self._ref.family].global_first:
            return {}
        everywhere = torch.zeros_like(ids)
        everywhere[:, 0] = 1
        return {"global_attention_mask": everywhere}

    def _generated(self, ids: list[int], bound: int) -> Generated:
        text = self._codec.decode(ids[:bound])
        return Generated(text, output_tokens=len(ids), truncated=len(ids) >= bound)


# Rows from which on halves pay. Measured on two cores with models of opus-mt's and distilbart's
# shapes: with fewer rows a step is so short that Python's part of it counts, which halves
# cannot share, and the few long rows of articles make halves that are not alike.
_MANY = 32


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Return what computes halves with so many threads each, for all models of the process."""
    return ThreadPoolExecutor(2, "half", initializer=torch.set_num_threads, initargs=(threads,))


def _dropped_of(half: Sequence[int], dropped: Dropped) -> Collection[int]:
    """Return the places in ``half`` of the rows that are dropped."""
    gone = dropped()
    return [place for place, row in enumerate(half) if row in gone] if gone else gone


# The CPU's allocator, and oneDNN where it cannot allocate the code that it generates.
_NO_MEMORY = ("can't allocate memory", "could not create a primitive")


@contextmanager
def _memory() -> Iterator[None]:
    """Turn torch's ways of saying "out of memory" into Python's."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or any(w in str(error) for w in _NO_MEMORY):
            raise MemoryError("the batch does not fit into memory") from error
        raise


def _padded(
    batch: Batch, ref: ModelRef, *, pad_id: int, left: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and mask, both (rows, longest), int64."""
    width = max(map(len, batch))
    ids = torch.full((len(batch), width), pad_id)
    mask = torch.zeros_like(ids)
    for index, row in enumerate(batch):
        place = slice(width - len(row), width) if left else slice(0, len(row))
        ids[index, place] = torch.tensor(row)
        mask[index, place] = 1
    return ids.to(ref.device), mask.to(ref.device)
