"""How fast a queue's model is, and how big its batches may be.

One ``Pace`` per queue. It learns from finished batches and forgets slowly.
"""

from __future__ import annotations

import math

from service.scheduler.policy import Policy
from service.scheduler.work import Batch

KEPT = 0.9  # of the weight of older batches, at each new one: about the last ten count
REGROWTH = 64  # clean batches until a budget that was cut by its whole is back


class Pace:
    """Speed, budget and totals of one queue."""

    def __init__(self, queue: str, policy: Policy) -> None:
        self._full = policy.budgets.get(queue, policy.batch_tokens)
        self._batch_seconds = policy.batch_seconds
        self._fade = policy.fade
        self._memory = float(self._full)  # what has been seen to fit, in padded tokens
        self._tokens = 0.0
        self._seconds = 0.0
        self._measured = 0.0
        self.batches = 0
        self.units = 0
        self.tokens = 0
        self.padded_tokens = 0
        self.busy_seconds = 0.0

    def measure(self, batch: Batch, seconds: float, now: float) -> None:
        """Learn from a clean batch.

        The speed is a ratio of sums, not a mean of ratios: a lone short unit
        is slow per token, and must not count as much as a full batch.
        """
        self._tokens = self._tokens * KEPT + batch.tokens
        self._seconds = self._seconds * KEPT + seconds
        self._measured = now
        self._memory = min(self._full, self._memory + self._full / REGROWTH)
        self.batches += 1
        self.units += len(batch.units)
        self.tokens += batch.tokens
        self.padded_tokens += batch.padded
        self.busy_seconds += seconds

    def shrink(self, batch: Batch) -> None:
        """The batch did not fit in memory: half of it is the new budget."""
        self._memory = min(self._memory, batch.padded / 2)

    @property
    def rate(self) -> float:
        """Tokens a second of one lane, padding not counted; infinite while unknown."""
        return self._tokens / self._seconds if self._seconds else math.inf

    @property
    def budget(self) -> float:
        """Padded tokens that a batch may have."""
        return min(self._memory, self.rate * self._batch_seconds)

    def predict(self, tokens: float, now: float) -> float:
        """Seconds that one lane needs for so many tokens.

        The prediction fades while nothing is measured. Otherwise one slow
        batch could have every later request refused, and so never be corrected.
        """
        return tokens / self.rate * 0.5 ** ((now - self._measured) / self._fade)
