"""How outputs grow: the next token of each row, or of each of its beams.

A search keeps the outputs of the rows that run, and says which of them are done. It
knows nothing of networks. The results are those of transformers' ``generate`` for each
row alone, beam for beam; what is different is that each row has a bound of its own.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from models.decoding import Decoding
from models.rules import Rules

_NEVER = -1e9  # the score of a beam that is none
_BLOCK = 64  # tokens; a vocabulary has about as many blocks as the best blocks have tokens


class Search(Protocol):
    """The outputs of r rows, ``width`` beams each.

    ``outputs`` (r x width, length) are the ids so far; ``sources`` says, after a step,
    which of the former beams each one goes on from, None if all from themselves.
    """

    width: int
    sources: Tensor | None

    @property
    def outputs(self) -> Tensor: ...  # noqa: D102

    def advance(self, scores: Tensor) -> Tensor:
        """Take a step by scores (r x width, vocabulary); return which rows (r,) are done."""
        ...

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows only."""
        ...

    def answer(self, row: int) -> list[int]:
        """Return the ids of a row that is done, without an end mark."""
        ...


class Greedy:
    """Takes the likeliest token."""

    width = 1

    def __init__(self, begin: Tensor, least: Tensor, bounds: Tensor, rules: Rules) -> None:
        """Go on from ids (rows, n) to at least ``least`` (rows,) ids, ``bounds`` at most."""
        self.sources: Tensor | None = None
        self._least, self._bounds, self._rules = least, bounds, rules
        self._ids, self._length = _with_room(begin, bounds, rules), begin.shape[1]

    @property
    def outputs(self) -> Tensor:
        """See ``Search``."""
        return self._ids[:, : self._length]

    def advance(self, scores: Tensor) -> Tensor:
        """See ``Search``."""
        tokens = self._rules(self.outputs, scores.float(), self._least).argmax(-1)
        self._ids[:, self._length] = tokens
        self._length += 1
        self.sources = None
        return torch.isin(tokens, self._rules.ends) | (self._bounds <= self._length)

    def keep(self, rows: Tensor) -> None:
        """See ``Search``."""
        self._ids, self.sources = self._ids[rows], rows
        self._least, self._bounds = self._least[rows], self._bounds[rows]

    def answer(self, row: int) -> list[int]:
        """See ``Search``."""
        return self._rules.before_end(self._ids[row])


class Beams:
    """Follows the ``width`` likeliest outputs, and keeps as many that have ended.

    An output's score is the sum of its tokens' logarithms, divided by its length to the
    power of the length penalty: Wu et al., 2016, arXiv:1609.08144, without the constants.
    """

    def __init__(
        self, begin: Tensor, least: Tensor, bounds: Tensor, rules: Rules, decoding: Decoding
    ) -> None:
        """Go on from ids (rows, n) to at least ``least`` (rows,) ids, ``bounds`` at most."""
        self.sources: Tensor | None = None
        self.width = decoding.num_beams
        self._least, self._bounds = least, bounds
        self._rules, self._decoding = rules, decoding
        self._length = begin.shape[1]
        # (rows, width, length): the running outputs, and the best of those that have ended.
        self._ids = _with_room(begin, bounds, rules)[:, None].repeat(1, self.width, 1)
        self._ended = self._ids.clone()
        self._scores = torch.full(self._ids.shape[:2], _NEVER, device=begin.device)
        self._totals = self._scores.clone()  # all beams are still the same: only one counts
        self._totals[:, 0] = 0.0

    @property
    def outputs(self) -> Tensor:
        """See ``Search``."""
        return self._ids.flatten(0, 1)[:, : self._length]

    def advance(self, scores: Tensor) -> Tensor:
        """See ``Search``."""
        rows, width = len(self._bounds), self.width
        least = self._least.repeat_interleave(width)
        scores = self._rules(self.outputs, scores.float().log_softmax(-1), least)
        # Should all of the best end here, there are as many others to go on with.
        enough = max(2, 1 + len(self._rules.ends)) * width
        # The best of a row are among the best of its beams: all tokens are looked at once only.
        best, tokens = _best(scores, min(enough, scores.shape[-1]))
        totals = best.view(rows, width, -1) + self._totals[:, :, None]
        totals, places = totals.flatten(1).topk(enough)
        beams, tokens = places // best.shape[-1], tokens.view(rows, -1).gather(1, places)
        ids = _pick(self._ids, beams)
        ids[:, :, self._length] = tokens
        self._length += 1

        ended = torch.isin(tokens, self._rules.ends)
        if ended[:, :width].any():
            counted = ended & (torch.arange(enough, device=ended.device) < width)
            self._collect(ids, self._rated(totals, self._length), counted)
        self._totals, chosen = (totals + ended * _NEVER).topk(width)
        self._ids = _pick(ids, chosen)
        firsts = torch.arange(0, rows * width, width, device=beams.device)
        self.sources = (firsts[:, None] + beams.gather(1, chosen)).flatten()

        done, due = self._done(), self._bounds <= self._length
        if due.any():  # at its bound an output ends as if an end mark followed
            left = (due & ~done)[:, None].expand_as(self._totals)
            self._collect(self._ids, self._rated(self._totals, self._length + 1), left)
        return done | due

    def _done(self) -> Tensor:
        """Return which rows (rows,) have ``width`` ended outputs that will not get better.

        ``early_stopping`` asks for no more than their number. Otherwise the best running
        beam is rated as if it ended now, or, with "never", at its best: at the bound.
        """
        full = self._scores[:, -1] > _NEVER / 2
        stopping, penalty = self._decoding.early_stopping, self._decoding.length_penalty
        if stopping is True:
            return full
        length = self._bounds + 1 if stopping == "never" and penalty > 0 else self._length
        return full & (self._rated(self._totals[:, 0], length) <= self._scores[:, -1])

    def _rated(self, totals: Tensor, length: int | Tensor) -> Tensor:
        power = torch.as_tensor(length, dtype=torch.double) ** self._decoding.length_penalty
        return totals / power.to(totals)

    def _collect(self, ids: Tensor, scores: Tensor, which: Tensor) -> None:
        """Put outputs among the ended ones, and keep the best of all."""
        scores = torch.where(which, scores, _NEVER)
        self._scores, chosen = torch.cat([self._scores, scores], 1).topk(self.width)
        self._ended = _pick(torch.cat([self._ended, ids], 1), chosen)

    def keep(self, rows: Tensor) -> None:
        """See ``Search``."""
        assert self.sources is not None
        self.sources = self.sources.view(-1, self.width)[rows].flatten()
        self._least, self._bounds = self._least[rows], self._bounds[rows]
        self._ids, self._totals = self._ids[rows], self._totals[rows]
        self._ended, self._scores = self._ended[rows], self._scores[rows]

    def answer(self, row: int) -> list[int]:
        """See ``Search``."""
        return self._rules.before_end(self._ended[row, 0])


def _with_room(begin: Tensor, bounds: Tensor, rules: Rules) -> Tensor:
    """Return ids (rows, n) with end marks behind them, as many as tokens may come."""
    room = max(0, int(bounds.max()) + 1 - begin.shape[1])
    return torch.nn.functional.pad(begin, (0, room), value=int(rules.ends[0]))


def _best(scores: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return what ``scores.topk(count)`` does, a large vocabulary read once and not sorted.

    The best are in the blocks with the best maxima, or behind the last block.
    """
    rows, vocabulary = scores.shape
    blocks = vocabulary // _BLOCK
    if blocks <= count:
        return scores.topk(count)
    whole = blocks * _BLOCK
    maxima = scores[:, :whole].view(rows, blocks, _BLOCK).amax(-1)
    places = torch.arange(vocabulary, device=scores.device)
    some = places[:whole].view(blocks, _BLOCK)[maxima.topk(count).indices].flatten(1)
    some = torch.cat([some, places[whole:].expand(rows, -1)], 1)
    best, chosen = scores.gather(1, some).topk(count)
    return best, some.gather(1, chosen)


def _pick(ids: Tensor, beams: Tensor) -> Tensor:
    """Return the beams (rows, m) of ids (rows, n, length) that are named."""
    return ids.gather(1, beams[:, :, None].expand(-1, -1, ids.shape[-1]))
