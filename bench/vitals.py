"""What a server's processes hold: memory, threads, descriptors, sockets; and does it grow?

Everything is read from /proc (Linux). The memory that counts is the anonymous one: what the
processes have allocated. The rest of what is resident are pages of files, libraries above all,
which come and go as the system pleases, and are shared with whoever else uses the same.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from bench.bed import Server

MB = 1024.0  # kB, as /proc counts


@dataclass(frozen=True)
class Vitals:
    """Of all the server's processes together at one moment; ``tasks`` are the event loop's."""

    hours: float  # since the beginning
    memory_mb: float
    resident_mb: float
    processes: int
    threads: int
    descriptors: int
    sockets: int
    tasks: float
    each: tuple[str, ...] = ()  # process's memory in MB, the server itself first


def vitals(server: Server, hours: float, tasks: float) -> Vitals:
    """Read them now. A process that ends meanwhile counts as far as it got."""
    each = []
    own = resident = processes = threads = descriptors = sockets = 0
    for folder in server.processes():
        with suppress(OSError):
            rollup = (folder / "smaps_rollup").read_text()
            sizes = dict(line.split(":", 1) for line in rollup.splitlines()[1:])
            anonymous = int(sizes["Anonymous"].split()[0]) / MB
            each.append(f"{anonymous:.1f}")
            own += anonymous
            resident += int(sizes["Rss"].split()[0]) / MB
            processes += 1
            threads += len(os.listdir(folder / "task"))
            for name in os.listdir(folder / "fd"):
                with suppress(OSError):
                    descriptors += 1
                    sockets += os.readlink(folder / "fd" / name).startswith("socket:")
    memory = (round(own, 1), round(resident, 1))
    return Vitals(hours, *memory, processes, threads, descriptors, sockets, tasks, tuple(each))


@dataclass(frozen=True)
class Growth:
    """Of one figure an hour: the slope of its line, and where it lies with 95 % confidence."""

    slope: float
    low: float
    high: float


def growth(hours: Sequence[float], values: Sequence[float]) -> Growth:
    """Fit a line by least squares; three samples at least.

    Samples that follow each other are alike, which makes a line look surer than it is. So
    they count as fewer, by the lag-1 correlation of what the line leaves: n (1 - r) / (1 + r)
    (Santer et al. 2000, J. Geophys. Res. 105, 7337).
    """
    x, y = np.asarray(hours, float), np.asarray(values, float)
    slope, start = np.polyfit(x, y, 1)
    rest = y - (slope * x + start)
    squares = float(rest @ rest)
    if squares < 1e-12 * max(1.0, float(y @ y)):  # a line, to the last digit
        return Growth(float(slope), float(slope), float(slope))
    correlation = max(0.0, float(rest[:-1] @ rest[1:]) / squares)
    free = max(len(x) * (1 - correlation) / (1 + correlation) - 2, 1.0)
    error = math.sqrt(squares / free / float(((x - x.mean()) ** 2).sum()))
    reach = _student(free) * error
    return Growth(float(slope), float(slope - reach), float(slope + reach))


def _student(free: float) -> float:
    """The 97.5 % quantile of Student's t, by Hill's expansion around the normal's.

    (Abramowitz & Stegun 26.7.5; a little low below three degrees of freedom.)
    """
    z = NormalDist().inv_cdf(0.975)
    return z + (z**3 + z) / (4 * free) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)
