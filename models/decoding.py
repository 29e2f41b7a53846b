"""How output is searched for, and what a search gives back.

Every search here is greedy or by beams: the same input gives the same answer.
There is no sampling, so there is no temperature, no seed and no top-k. What a
model's files say about sampling is not read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Decoding:
    """One way of searching. Hashable: the units of a batch share one.

    ``min_tokens`` and ``max_tokens`` count output tokens, the end mark left out.
    ``max_ratio`` over 0 bounds each row by its own input as well, see ``bound``:
    a row that repeats itself stops early, and its neighbours do not wait.
    ``min_ratio`` over 0 does the same for the other end, see ``least``: nothing has to
    be made up to fill a length.
    """

    num_beams: int = 1
    length_penalty: float = 1.0
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    early_stopping: bool | Literal["never"] = False
    min_tokens: int = 0
    max_tokens: int = 128
    min_ratio: float = 0.0
    max_ratio: float = 0.0

    def bound(self, input_tokens: int) -> int:
        """Return the most tokens a row of ``input_tokens`` may give.

        The 16 leave room to short inputs, where a ratio says little.
        """
        if self.max_ratio <= 0:
            return self.max_tokens
        return min(self.max_tokens, math.ceil(self.max_ratio * input_tokens) + 16)

    def least(self, input_tokens: int) -> int:
        """Return the fewest tokens a row of ``input_tokens`` must give, its bound at most."""
        least = min(self.min_tokens, self.bound(input_tokens))
        if self.min_ratio <= 0:
            return least
        return min(least, int(self.min_ratio * input_tokens))


@dataclass(frozen=True)
class Generated:
    """One row's answer. ``truncated``: it ended at its bound, not by itself."""

    text: str
    output_tokens: int
    truncated: bool
