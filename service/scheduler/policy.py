"""The scheduler's numbers, in one place. No behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Policy:
    """Costs are in tokens, times in seconds.

    Batches
        batch_tokens    padded tokens of one batch, at most: memory's bound, within which
                        the best size is found; ``budgets`` has other numbers by queue
        batch_seconds   predicted duration of one batch from begin to end, others beside it
                        included, since it is not interrupted
        max_padding     share of a batch that may be padding; of bulk work, only inputs are padded.
                        With few waiting it decides how many go together: at a quarter, 64
                        callers' sentences went 20 at a time, which is slower than they pad
    Order
        patience        a unit is ordered by its deadline, but as if it were at most this far off
        bulk_share      of the lanes' time is bulk's, however much interactive work waits
        lead            a caller goes by its dates until it is so many tokens ahead of its share
    Admission
        queue_tokens    may wait, for each priority
        fade            half-life of the trust in an old measurement of speed
    Faults
        batch_limit     after which a batch is taken for hung
        start_limit     after which a starting lane is
        restart_tries   after which a lane counts as down
        backoff         before the second try; doubled for each further one up to backoff_max
    cache_bytes         of results kept
    """

    batch_tokens: int = 16384
    budgets: Mapping[str, int] = field(default_factory=dict)
    batch_seconds: float = 5.0
    max_padding: float = 0.4
    patience: float = 30.0
    bulk_share: float = 0.1
    lead: int = 2048
    queue_tokens: int = 1_000_000
    fade: float = 60.0
    batch_limit: float = 300.0
    start_limit: float = 600.0
    restart_tries: int = 3
    backoff: float = 0.5
    backoff_max: float = 30.0
    cache_bytes: int = 64 * 1024 * 1024
