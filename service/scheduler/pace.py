"""How fast a queue's model is, and how big its batches may be.

One ``Pace`` per queue. It learns from finished batches and forgets slowly.

A batch takes as many steps as its longest output, whoever else is in it, and
some work for every padded token:

    seconds = per_step × steps + per_token × padded tokens

The two are fitted by least squares to the last batches. They must be told
apart: a lone short unit is slow per token, but says little of how long a full
batch takes. A single rate would take it for the model's speed, make the batches
small to keep them short, and so never see a faster one.

The fit predicts; it does not say which size is best. A processor's caches make
big batches slower again, and how much is known by trying only. So the speed is
noted by size, in powers of two, and the budget is the smallest size that is
about as fast as any: a bigger one would only make others wait. While the biggest
known is the best, the next is tried, and what was not tried for long is forgotten
and tried again. No batch may take longer than is allowed, nor exceed what fits
in memory.

Where batches run beside each other, each takes a part of the lane's time and lasts longer than
that. The part is what work costs; how long it lasts is what others wait for, and what is bounded.
"""

from __future__ import annotations

import math

from service.scheduler.policy import Policy
from service.scheduler.work import Batch

KEPT = 0.9  # of the weight of older batches, at each new one: about the last ten count
REGROWTH = 64  # clean batches until a budget that was cut by its whole is back
LEAST = 4096  # padded tokens of the first batches; less says nothing, but that little waited
ENOUGH = 2.5  # batches of the biggest size, by weight, until it is given up: three in a row
FORGOTTEN = 0.98  # of the weight of a size's batches is kept at each of another size: 70 batches
SATURATED = 0.98  # of the best speed is enough
DOUBT = 1e-6  # ridge on per_token, so that batches all alike are put down to their steps


class Pace:
    """Speed, budget and totals of one queue."""

    def __init__(self, queue: str, policy: Policy) -> None:
        self._full = policy.budgets.get(queue, policy.batch_tokens)
        self._batch_seconds = policy.batch_seconds
        self._fade = policy.fade
        self._memory = float(self._full)  # what seems to fit, in padded tokens
        # By the power of two that a batch's padded tokens reach: batches, tokens, seconds.
        self._sizes: dict[int, tuple[float, float, float]] = {}
        self._measured = 0.0
        # Sums over the last batches, for the fit: s steps, p padded tokens, y seconds.
        self._ss = self._sp = self._pp = self._sy = self._py = 0.0
        # And for the means: batches, steps, tokens, padded tokens, seconds, from begin to end.
        self._n = self._s = self._t = self._p = self._y = self._l = 0.0
        self._steps = self._padding = 0.0  # of a batch, and padded tokens by token
        self._per_step = self._per_token = 0.0  # the fit: seconds
        self._fastest = math.inf  # tokens a second, of all sizes
        self._full_batch = math.inf  # tokens
        self._full_seconds = 0.0  # of full batches, by token
        self._plan()
        self.batches = 0
        self.units = 0
        self.tokens = 0
        self.padded_tokens = 0
        self.busy_seconds = 0.0

    def measure(self, batch: Batch, seconds: float, lasted: float, now: float) -> None:
        """Learn from a clean batch that took so many seconds of its lane's time, and ``lasted`` so
        many from begin to end: more, where others ran beside it.
        """
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
        self._l = self._l * KEPT + lasted
        self._steps, self._padding = self._s / self._n, self._p / self._t
        self._per_step, self._per_token = self._fit()
        self._measured = now
        self._memory = min(self._full, self._memory + self._full / REGROWTH)
        self._note(p, batch.tokens, y)
        self._fastest = max(self._rates().values(), default=math.inf)
        self._plan()
        self.batches += 1
        self.units += len(batch.units)
        self.tokens += batch.tokens
        self.padded_tokens += batch.padded
        self.busy_seconds += seconds

    def shrink(self, batch: Batch) -> None:
        """The batch did not fit in memory: half of it is the new budget."""
        self._memory = min(self._memory, batch.padded / 2)
        self._plan()

    @property
    def rate(self) -> float:
        """Tokens a second of one lane of late, padding not counted; infinite while unknown."""
        return self._t / self._y if self._y else math.inf

    def _plan(self) -> None:
        """Decide on the size of batches, and what follows from it."""
        self.budget = max(1.0, self._budget())  # padded tokens that a batch may have now
        if self._n:
            self._full_batch = self.budget / self._padding
            self._full_seconds = self._one_batch(self._full_batch) / self._full_batch

    def _budget(self) -> float:
        """Padded tokens that a batch may have: what pays, fits, and is done in the time allowed,
        if others run beside it as they do of late.

        Where the steps alone take that time or more, splitting a batch would
        cost about as much again, so the tokens may take as long as the steps.
        """
        best = min(self._memory, self._best_size())
        if not self._per_token:
            return best
        fixed = self._per_step * self._steps
        allowed = self._batch_seconds * self._y / self._l
        return min(best, max(allowed - fixed, fixed) / self._per_token)

    def _note(self, padded: int, tokens: int, seconds: float) -> None:
        """Learn how fast batches of this size are."""
        own = padded.bit_length() - 1
        if 2 << own < LEAST:
            return
        for size, sums in list(self._sizes.items()):
            kept = KEPT if size == own else FORGOTTEN
            self._sizes[size] = (sums[0] * kept, sums[1] * kept, sums[2] * kept)
        n, t, s = self._sizes.get(own, (0.0, 0.0, 0.0))
        self._sizes[own] = n + 1, t + tokens, s + seconds

    def _rates(self) -> dict[int, float]:
        """Tokens a second by size, of the sizes that were tried."""
        return {size: t / s for size, (_, t, s) in self._sizes.items() if s}

    def _best_size(self) -> float:
        """Padded tokens: the smallest size about as fast as any, or the next one to be tried.

        One batch is enough to go on to the next size, but not to turn back.
        """
        rates = self._rates()
        if not rates:
            return LEAST
        biggest = max(rates)
        enough = SATURATED * max(rates.values())
        best = min(size for size, rate in rates.items() if rate >= enough)
        if best == biggest:
            return 2.0 ** (biggest + 2)
        given_up = self._sizes[biggest][0] > ENOUGH
        return 2.0 ** ((best if given_up else biggest) + 1)

    def predict(self, tokens: float, now: float) -> float:
        """Seconds that one lane needs for so many tokens, in batches as full as may be.

        The prediction fades while nothing is measured. Otherwise one slow
        batch could have every later request refused, and so never be corrected.
        """
        if not self._n or not tokens:
            return 0.0
        if tokens < self._full_batch:
            return self._one_batch(tokens) * self._trust(now)
        return tokens * self._full_seconds * self._trust(now)

    def _one_batch(self, tokens: float) -> float:
        """Seconds of a batch that is no more than full."""
        fitted = (
            self._per_step * min(self._steps, tokens) + self._per_token * self._padding * tokens
        )
        # Where the budget is a size that was not tried yet, the fit promises what nobody has seen.
        return max(fitted, tokens / self._fastest)

    def batch_seconds(self, now: float) -> float:
        """How long a batch lasted on average of late; it fades as a prediction does."""
        return self._l / self._n * self._trust(now) if self._n else 0.0

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
