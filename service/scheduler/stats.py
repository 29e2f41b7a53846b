"""A snapshot of the scheduler for metrics. Numbers only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from service.lag import Lag
from service.scheduler.backlog import CLASSES
from service.scheduler.dispatch import Dispatch, State
from service.scheduler.outlook import Outlook
from service.schema import Priority


@dataclass(frozen=True)
class QueueStats:
    """One model's queue. All but ``rate`` and ``budget`` are totals of clean batches."""

    batches: int
    units: int
    tokens: int
    padded_tokens: int
    busy_seconds: float
    rate: float  # tokens a second, infinite while unknown
    budget: float  # padded tokens a batch may have now

    @property
    def padding(self) -> float:
        """The share of padding in what was computed."""
        return 1 - self.tokens / self.padded_tokens if self.padded_tokens else 0.0


@dataclass(frozen=True)
class Stats:
    """Everything at one moment; the fields from ``cached`` on are totals since the start.

    ``lag`` is the event loop's, of which the scheduler knows nothing: who watches it puts it in.
    """

    state: State
    lanes: int
    lanes_serving: int
    lanes_busy: int
    jobs: int
    waiting_units: int
    waiting_tokens: Mapping[tuple[Priority, str], int]
    wait_seconds: Mapping[Priority, float]  # predicted for work that arrives now
    cache_entries: int
    cache_bytes: int
    queues: Mapping[str, QueueStats]
    lag: Lag
    cached: int = 0
    shared: int = 0
    abandoned: int = 0
    overloaded: int = 0
    expired: int = 0
    failed: int = 0
    retries: int = 0
    out_of_memory: int = 0
    lane_deaths: int = 0

    @staticmethod
    def of(
        dispatch: Dispatch,
        outlook: Outlook,
        *,
        jobs: int,
        cache_entries: int,
        cache_bytes: int,
        counts: Mapping[str, int],
    ) -> Stats:
        """Gather it."""
        backlog, posts = dispatch.backlog, dispatch.posts
        return Stats(
            state=dispatch.state,
            lanes=len(posts),
            lanes_serving=sum(post.state is State.SERVING for post in posts),
            lanes_busy=sum(bool(post.runs) for post in posts),
            jobs=jobs,
            waiting_units=len(backlog),
            waiting_tokens={
                (priority, queue): tokens
                for priority in CLASSES
                for queue, tokens in backlog.tokens(priority).items()
            },
            wait_seconds={priority: outlook.wait(priority) for priority in CLASSES},
            cache_entries=cache_entries,
            cache_bytes=cache_bytes,
            queues={
                queue: QueueStats(
                    batches=pace.batches,
                    units=pace.units,
                    tokens=pace.tokens,
                    padded_tokens=pace.padded_tokens,
                    busy_seconds=pace.busy_seconds,
                    rate=pace.rate,
                    budget=pace.budget,
                )
                for queue, pace in dispatch.paces.items()
            },
            lag=Lag(),
            **counts,
        )
