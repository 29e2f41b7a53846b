"""How long work that comes now will take, for admission and for metrics.

What runs and what waits is known; what is to come the forecast guesses; how fast it goes has
been measured. It predicts; who is let in is the scheduler's decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from service.scheduler.backlog import Backlog
from service.scheduler.dispatch import Dispatch
from service.scheduler.forecast import Forecast
from service.scheduler.policy import Policy
from service.schema import Priority


class Outlook:
    """Times in seconds; costs in tokens, by queue where a mapping is asked for."""

    def __init__(
        self,
        dispatch: Dispatch,
        backlog: Backlog,
        forecast: Forecast,
        policy: Policy,
        clock: Callable[[], float],
    ) -> None:
        self._dispatch = dispatch
        self._backlog = backlog
        self._forecast = forecast
        self._bulk_share = policy.bulk_share
        self._clock = clock

    def alone(self, tokens: Mapping[str, int]) -> float:
        """Time of all lanes together for so much work by itself."""
        now, lane_seconds = self._clock(), 0.0
        for queue, count in tokens.items():
            lane_seconds += self._dispatch.pace(queue).predict(count, now)
        return lane_seconds / len(self._dispatch.posts)

    def ahead(self, priority: Priority, caller: str, tokens: int) -> float:
        """Time until the last of so much work of a caller's is at the head of the line."""
        return self.wait(priority, self._part(priority, caller, tokens))

    def done(self, ahead: float, tokens: Mapping[str, int], alone: float) -> float:
        """Time until work is done that takes so long ``alone`` and has so much time ``ahead``."""
        if ahead and tokens:
            # Where there is a queue, others fill the unit's batch, and it is done when they are.
            now = self._clock()
            together = max(self._dispatch.pace(queue).batch_seconds(now) for queue in tokens)
            alone = max(alone, together)
        return ahead + alone

    def wait(self, priority: Priority, part: float = 1.0) -> float:
        """Time until what runs now is done, and ``part`` of what waits in a class, with whatever
        goes before that.
        """
        now = self._clock()
        running = 0.0
        for post in self._dispatch.posts:
            running += post.left(now)
        ahead, bulk = self._waiting(Priority.INTERACTIVE, now), self._waiting(Priority.BULK, now)
        if priority is Priority.BULK:
            ahead += bulk * part
        else:
            # Bulk takes its share meanwhile, if there is so much of it.
            ahead *= part
            ahead += min(bulk, ahead * self._bulk_share / (1 - self._bulk_share))
        return running / len(self._dispatch.posts) + ahead

    def _waiting(self, priority: Priority, now: float) -> float:
        """Time of all lanes together for what waits, and is to come, in a class."""
        waiting, promised = self._backlog.tokens(priority), self._forecast.tokens(priority)
        lane_seconds = 0.0
        for queue, pace in self._dispatch.paces.items():
            if count := waiting.get(queue, 0) + promised.get(queue, 0):
                lane_seconds += pace.predict(count, now)
        return lane_seconds / len(self._dispatch.posts)

    def _part(self, priority: Priority, caller: str, tokens: int) -> float:
        """How much of what waits in a class goes before the last of so much work of a caller's.

        Its own goes first, and as much again of each other caller's, if that has so much.
        """
        others = self._backlog.others(priority, caller)
        if not others:
            return 1.0
        total = self._backlog.tokens(priority).total() + self._forecast.tokens(priority).total()
        own = self._backlog.own(priority, caller) + self._forecast.own(priority, caller) + tokens
        return min(1.0, own * (1 + others) / total)
