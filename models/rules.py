"""What a search may not choose: scores are bent before it looks at them.

The rules are those of transformers' logits processors, which see the output alone: a
decoder's prompt is none. Counted as output, the article's own words could not be
repeated in its summary, nor a name in its translation. All work in place and without
a loop over rows: vocabularies are large, and every step passes here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import NoBadWordsLogitsProcessor

from models.decoding import Decoding

_NEVER = float("-inf")


class Rules:
    """One decoding's rules.

    ``ends`` are the ids that end an output, ``banned`` sequences of ids that never
    appear in one.
    """

    def __init__(
        self, decoding: Decoding, ends: Tensor, banned: Sequence[Sequence[int]] = ()
    ) -> None:
        self.ends = ends
        self._decoding = decoding
        single = {words[0] for words in banned if len(words) == 1} - set(ends.tolist())
        self._single = torch.tensor(sorted(single), dtype=torch.long, device=ends.device)
        longer = [list(words) for words in banned if len(words) > 1]
        self._longer = NoBadWordsLogitsProcessor(longer) if longer else None

    def __call__(self, outputs: Tensor, scores: Tensor, least: Tensor) -> Tensor:
        """Bend scores (rows, vocabulary) by the outputs so far (rows, length).

        None of them ends before it has ``least`` (rows,) ids.
        """
        length = outputs.shape[1]
        if self._decoding.repetition_penalty != 1.0:
            _penalize(outputs, scores, self._decoding.repetition_penalty)
        if 0 < self._decoding.no_repeat_ngram_size <= length:
            _ban_repeats(outputs, scores, self._decoding.no_repeat_ngram_size)
        if len(self._single):
            scores.index_fill_(1, self._single, _NEVER)
        if self._longer:
            scores = self._longer(outputs, scores)  # pyright: ignore[reportArgumentType]
        if length < self._decoding.min_tokens:
            early = (length < least)[:, None]
            scores[:, self.ends] = scores[:, self.ends].masked_fill(early, _NEVER)
        return scores

    def before_end(self, ids: Tensor) -> list[int]:
        """Return ids (length,) up to their end mark."""
        ended = torch.isin(ids, self.ends).nonzero()
        return (ids[: int(ended[0])] if len(ended) else ids).tolist()


def _penalize(outputs: Tensor, scores: Tensor, penalty: float) -> None:
    """Make what was said less likely. Keskar et al., 2019, arXiv:1909.05858."""
    said = scores.gather(1, outputs)
    scores.scatter_(1, outputs, torch.where(said < 0, said * penalty, said / penalty))


def _ban_repeats(outputs: Tensor, scores: Tensor, size: int) -> None:
    """Exclude what would complete a sequence of ``size`` ids that was said before."""
    said = outputs.unfold(1, size, 1)  # (rows, places, size)
    last = outputs[:, None, outputs.shape[1] - size + 1 :]
    again = (said[..., :-1] == last).all(-1)
    limit = torch.where(again, _NEVER, -_NEVER).to(scores.dtype)
    scores.scatter_reduce_(1, said[..., -1], limit, "amin")
