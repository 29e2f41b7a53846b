"""How many cores this process may really use."""

from __future__ import annotations

import os
from pathlib import Path

# Linux's control group version 2: "QUOTA PERIOD" in microseconds, or "max PERIOD".
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores() -> int:
    """Return the cores of this process: its affinity, bounded by its container's quota.

    torch counts the host's cores, and would fight itself inside a smaller container.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text("ascii").split()
        return max(1, min(cores, int(quota) // int(period)))
    except (OSError, ValueError):  # no such group, or no quota
        return cores
