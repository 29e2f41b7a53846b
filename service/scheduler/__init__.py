"""Batches the work of all callers over the lanes that compute it.

It knows nothing of text, models or gRPC. Top down: ``scheduler`` (who may
enter, what is shared), ``dispatch`` (lanes, and what to do when they fail),
``backlog`` (what goes together), ``turns`` (the order), ``forecast`` (what is to come),
``outlook`` (how long it will take), and what they speak of: ``job``, ``entry``, ``work``.
"""

from service.scheduler.dispatch import State
from service.scheduler.job import Job
from service.scheduler.meter import Usage
from service.scheduler.policy import Policy
from service.scheduler.scheduler import Scheduler
from service.scheduler.stats import QueueStats, Stats
from service.scheduler.work import Batch, Lane, LaneDied, OutOfMemory, Output, Spare, Unit, nothing

__all__ = [
    "Batch",
    "Job",
    "Lane",
    "LaneDied",
    "OutOfMemory",
    "Output",
    "Policy",
    "QueueStats",
    "Scheduler",
    "Spare",
    "State",
    "Stats",
    "Unit",
    "Usage",
    "nothing",
]
