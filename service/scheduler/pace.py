"""How fast a queue's model is, and how big its batches may be.

One ``Pace`` per queue. It learns from finished batches and forgets slowly.

A batch takes as many steps as its longest output, whoever else is in it, and
some work for every padded token:

    seconds = per_step × steps + per_token × padded tokens

The two are fitted by least squares to the last batches. They must be told
apart: a lone short unit is slow per token, but says little of how long a full
batch takes. A single rate would take it for the model's speed, make the batches
small to keep them short, and so never see a faster one.

From the two follows the budget: as many tokens as make the steps' share of a
batch negligible, and no more, because a longer batch would only make others
wait; but never so many that a batch takes longer than is allowed, nor more than
has been seen to fit in memory.
"""

from __future__ import annotations

import math

from service.scheduler.policy import Policy
from service.scheduler.work import Batch

KEPT = 0.9  # of the weight of older batches, at each new one: about the last ten count
REGROWTH = 64  # clean batches until a budget that was cut by its whole is back
FIRST = 4096  # padded tokens that may be tried at once; doubled by each clean batch that is full
LEAST = 2048  # padded tokens that are never too many for the sake of speed alone
SATURATED = 0.98  # of the speed of endless batches is enough
DOUBT = 1e-6  # ridge on per_token, so that batches all alike are put down to their steps


class Pace:
    """Speed, budget and totals of one queue."""

    def __init__(self, queue: str, policy: Policy) -> None:
        self._full = policy.budgets.get(queue, policy.batch_tokens)
        self._batch_seconds = policy.batch_seconds
        self._fade = policy.fade
        self._memory = float(min(FIRST, self._full))  # what seems to fit, in padded tokens
        self._growth = 2.0  # of it, with a full clean batch; none once memory has run out
        self._measured = 0.0
        # Sums over the last batches, for the fit: s steps, p padded tokens, y seconds.
        self._ss = self._sp = self._pp = self._sy = self._py = 0.0
        # And for the means: batches, steps, tokens, padded tokens, seconds.
        self._n = self._s = self._t = self._p = self._y = 0.0
        self._per_step = self._per_token = 0.0  # the fit: seconds
        self.batches = 0
        self.units = 0
        self.tokens = 0
        self.padded_tokens = 0
        self.busy_seconds = 0.0

    def measure(self, batch: Batch, seconds: float, now: float) -> None:
        """Learn from a clean batch."""
        s, p, y = batch.steps, batch.padded, seconds
        self._ss = self._ss * KEPT + s * s
        self._sp = self._sp * KEPT + s * p
        self._pp = self._pp * KEPT + p * p
        self._sy = self._sy * KEPT + s * y
        self._py = self._py * KEPT + p * y
        self._n = self._n * KEPT + 1
        self._s = self._s * KEPT + s
        self._t = self._t * KEPT + batch.tokens
        self._p = self._p * KEPT + p
        self._y = self._y * KEPT + y
        self._per_step, self._per_token = self._fit()
        self._measured = now
        if self._growth == 1.0:
            self._memory += self._full / REGROWTH
        elif p > self._memory / 2:
            self._memory *= self._growth
        self._memory = min(self._full, self._memory)
        self.batches += 1
        self.units += len(batch.units)
        self.tokens += batch.tokens
        self.padded_tokens += batch.padded
        self.busy_seconds += seconds

    def shrink(self, batch: Batch) -> None:
        """The batch did not fit in memory: half of it is the new budget."""
        self._memory = min(self._memory, batch.padded / 2)
        self._growth = 1.0

    @property
    def rate(self) -> float:
        """Tokens a second of one lane of late, padding not counted; infinite while unknown."""
        return self._t / self._y if self._y else math.inf

    @property
    def budget(self) -> float:
        """Padded tokens that a batch may have: what fits, is done in the time allowed, and pays.

        Where the steps alone take that time or more, splitting a batch would
        cost about as much again, so the tokens may take as long as the steps.
        """
        if not self._per_token:
            return self._memory
        fixed = self._per_step * self._s / self._n
        allowed = max(self._batch_seconds - fixed, fixed) / self._per_token
        saturated = fixed / self._per_token * SATURATED / (1 - SATURATED)
        return min(self._memory, allowed, max(LEAST, saturated))

    def predict(self, tokens: float, now: float) -> float:
        """Seconds that one lane needs for so many tokens, in batches as full as may be.

        The prediction fades while nothing is measured. Otherwise one slow
        batch could have every later request refused, and so never be corrected.
        """
        if not self._n or not tokens:
            return 0.0
        padded = tokens * self._p / self._t
        batches = max(1.0, padded / self.budget)
        steps = min(self._s / self._n, tokens)
        seconds = batches * self._per_step * steps + self._per_token * padded
        return seconds * self._trust(now)

    def batch_seconds(self, now: float) -> float:
        """What a batch took on average of late; it fades as a prediction does."""
        return self._y / self._n * self._trust(now) if self._n else 0.0

    def _trust(self, now: float) -> float:
        return 0.5 ** ((now - self._measured) / self._fade)

    def _fit(self) -> tuple[float, float]:
        """Seconds per step and per padded token: least squares, neither below zero."""
        pp = self._pp * (1 + DOUBT)
        determinant = self._ss * pp - self._sp**2  # positive, by Cauchy and Schwarz
        per_step = (self._sy * pp - self._py * self._sp) / determinant
        per_token = (self._ss * self._py - self._sp * self._sy) / determinant
        if per_token < 0:
            return self._sy / self._ss, 0.0
        if per_step < 0:
            return 0.0, self._py / self._pp
        return per_step, per_token
