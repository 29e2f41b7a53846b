"""What the jobs will ask for that have not asked yet.

A job enters before its units are known: its article has to be read first. Were it
not counted until then, any number could enter meanwhile by the same short queue, to be
read at everybody's expense and refused all the same. So it counts for what others of
its kind asked for of late, queue by queue, until it asks itself.

It foresees; who is let in is the scheduler's decision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING

from service.schema import Priority

if TYPE_CHECKING:
    from service.scheduler.job import Job

KEPT = 0.95  # of the weight of older jobs, at each new one: about the last twenty count


class Forecast:
    """Learns from the jobs that end well. Kinds are few and stay; None is like no other."""

    def __init__(self) -> None:
        self._typical: dict[Hashable, tuple[float, dict[str, float]]] = {}
        self._promised = {priority: Counter[str]() for priority in Priority}
        self._own: Counter[tuple[Priority, str]] = Counter()

    def tokens(self, priority: Priority) -> Counter[str]:
        """Cost of what will be asked for, by queue."""
        return self._promised[priority]

    def own(self, priority: Priority, caller: str) -> int:
        """Cost of what one caller will ask for."""
        return self._own[priority, caller]

    def typical(self, kind: Hashable) -> Mapping[str, int]:
        """What a job of this kind asks for, by queue; empty while none has ended."""
        if kind not in self._typical:
            return {}
        weight, tokens = self._typical[kind]
        return {queue: round(count / weight) for queue, count in tokens.items()}

    def enter(self, job: Job) -> None:
        """Count on the job."""
        job.promised = dict(self.typical(job.kind))
        if job.promised:
            self._promised[job.priority].update(job.promised)
            self._own[job.priority, job.caller] += sum(job.promised.values())

    def ask(self, job: Job, queues: set[str], tokens: Mapping[str, int]) -> None:
        """The job asks these queues, for what costs so much and nobody computes yet."""
        for queue, count in tokens.items():
            job.asked[queue] = job.asked.get(queue, 0) + count
        if not job.promised:
            return
        whose = job.priority, job.caller
        for queue in queues & job.promised.keys():
            count = job.promised.pop(queue)
            self._promised[job.priority][queue] -= count
            self._own[whose] -= count
        if not self._own[whose]:
            del self._own[whose]

    def leave(self, job: Job, *, well: bool) -> None:
        """The job asks no more. If it ended well, it is an example."""
        self.ask(job, set(job.promised), {})
        if not well or job.kind is None:
            return
        weight, tokens = self._typical.get(job.kind, (0.0, {}))
        self._typical[job.kind] = (
            weight * KEPT + 1,
            {
                queue: tokens.get(queue, 0.0) * KEPT + job.asked.get(queue, 0)
                for queue in tokens.keys() | job.asked.keys()
            },
        )
