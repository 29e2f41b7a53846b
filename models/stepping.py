"""Generation step by step, in which a row that is done leaves the running batch.

``generate`` of transformers runs a batch as wide as it began until its longest row
ends. Here the network's memory is compacted as rows end, so short rows do not pay
for long ones, and a row that nobody waits for any more goes at once. What a step
makes of the scores is the search's part (``models.searching``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import DynamicCache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

from models.engine import Dropped
from models.searching import Search

# Rows that are done stay as long as more than this share of the batch is alive: leaving
# them out copies the memory of all others. Measured, see docs/decoding.md: from three
# quarters up it makes no difference.
_ALIVE = 0.9


class Network(Protocol):
    """A network in the middle of a batch: r rows, each with what it remembers."""

    def step(self, tokens: Tensor) -> Tensor:
        """Read tokens (r, n) and return the scores (r, vocabulary) of what comes next."""
        ...

    def widen(self, width: int) -> None:
        """Let each row be ``width`` rows, one behind the other."""
        ...

    def follow(self, sources: Tensor) -> None:
        """Let row i go on from row ``sources[i]``, which reads the same input."""
        ...

    def keep(self, rows: Tensor) -> None:
        """Forget the inputs of all rows but these; ``follow`` has dealt with the outputs."""
        ...


class EncoderDecoder:
    """Reads its input once, then keys and values of it are all it needs."""

    def __init__(self, model: Any, ids: Tensor, mask: Tensor, **attention: Tensor) -> None:
        """Read ids (rows, n) by their mask and whatever else the family's ``attention`` takes."""
        self._model = model
        self._mask = mask
        encoder = model.get_encoder()
        self._encoded = encoder(input_ids=ids, attention_mask=mask, **attention).last_hidden_state
        self._cache: Any = EncoderDecoderCache(DynamicCache(), DynamicCache())

    def step(self, tokens: Tensor) -> Tensor:
        """See ``Network``."""
        scores = self._model(
            encoder_outputs=BaseModelOutput(last_hidden_state=self._encoded),
            attention_mask=self._mask,
            decoder_input_ids=tokens,
            past_key_values=self._cache,
            use_cache=True,
        ).logits
        # From now on, nothing but its shape is looked at.
        self._encoded = self._encoded.new_zeros(()).expand(self._encoded.shape)
        return scores[:, -1]

    def widen(self, width: int) -> None:
        """See ``Network``."""
        self._cache.batch_repeat_interleave(width)
        self._shape(self._mask.repeat_interleave(width, 0))

    def follow(self, sources: Tensor) -> None:
        """See ``Network``. What was read is the same for all beams, and stays in place."""
        self._cache.self_attention_cache.reorder_cache(sources)

    def keep(self, rows: Tensor) -> None:
        """See ``Network``."""
        self._cache.cross_attention_cache.batch_select_indices(rows)
        self._shape(self._mask[rows])

    def _shape(self, mask: Tensor) -> None:
        self._mask = mask
        self._encoded = self._encoded[:1].expand(*mask.shape, -1)


class Decoder:
    """Reads its prompt, padded on the left, and goes on from there."""

    def __init__(self, model: Any, mask: Tensor) -> None:
        self._model = model
        self._mask = mask
        self._places = (mask.cumsum(-1) - 1).clamp(min=0)
        self._cache: Any = DynamicCache(config=model.config)

    def step(self, tokens: Tensor) -> Tensor:
        """See ``Network``."""
        scores = self._model(
            input_ids=tokens,
            attention_mask=self._mask,
            position_ids=self._places,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(tokens), 1)], -1)
        self._places = self._places[:, -1:] + 1
        return scores[:, -1]

    def widen(self, width: int) -> None:
        """See ``Network``."""
        self._cache.batch_repeat_interleave(width)
        self._mask = self._mask.repeat_interleave(width, 0)
        self._places = self._places.repeat_interleave(width, 0)

    def follow(self, sources: Tensor) -> None:
        """See ``Network``."""
        self._cache.reorder_cache(sources)

    def keep(self, rows: Tensor) -> None:
        """See ``Network``."""
        self._mask, self._places = self._mask[rows], self._places[rows]


def generate(network: Network, start: Tensor, search: Search, dropped: Dropped) -> list[list[int]]:
    """Return the output ids of each row, without an end mark; [] for a dropped one.

    ``start`` (rows, n) is what the network reads first.
    """
    answers: list[list[int]] = [[] for _ in range(len(start))]
    rows = torch.arange(len(start), device=start.device)  # in the batch, of those that run
    alive = torch.ones_like(rows, dtype=torch.bool)
    gone: Sequence[int] = ()
    scores = network.step(start)
    if search.width > 1:
        network.widen(search.width)
        scores = scores.repeat_interleave(search.width, 0)
    while True:
        ended = search.advance(scores) & alive
        some = bool(ended.any())
        if some:
            for place in ended.nonzero().flatten().tolist():
                answers[rows[place]] = search.answer(place)
            alive &= ~ended
        if len(now := dropped()) > len(gone):
            gone, some = list(now), True
            alive &= ~torch.isin(rows, torch.tensor(gone, device=rows.device))
        if some:
            left = int(alive.sum())
            if not left:
                return answers
            if left <= _ALIVE * len(rows):
                kept = alive.nonzero().flatten()
                rows, alive = rows[kept], alive[kept]
                search.keep(kept)
                network.keep(_each(kept, search.width))
        if search.sources is not None:
            network.follow(search.sources)
        scores = network.step(search.outputs[:, -1:])


def _each(rows: Tensor, width: int) -> Tensor:
    """Return the places of all beams of some rows."""
    return (rows[:, None] * width + torch.arange(width, device=rows.device)).flatten()
