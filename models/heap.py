"""The C library's heap, where networks take and free blocks of many megabytes at every step.

``hold`` keeps what is freed while there is work, ``trim`` gives it back when there is none.
"""

from __future__ import annotations

import ctypes
from typing import Any

# glibc's mallopt(3) has these numbers, and thresholds in bytes.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_EVERYTHING = 2**31 - 1
_LARGEST = 32 << 20  # mallopt(3)'s bound of the second threshold, which not every version keeps to


def hold() -> None:
    """Keep what is freed for what comes next, instead of giving it back to the system.

    The system clears each page that it gives out, which is a tenth of the time of a step in which
    scores of a large vocabulary are taken anew.
    """
    mallopt = _of_glibc("mallopt")
    if mallopt:
        mallopt(_TRIM_THRESHOLD, _EVERYTHING)
        if not mallopt(_MMAP_THRESHOLD, _EVERYTHING):
            mallopt(_MMAP_THRESHOLD, _LARGEST)


def trim() -> None:
    """Give back the free pages of the heap."""
    malloc_trim = _of_glibc("malloc_trim")
    if malloc_trim:
        malloc_trim(0)


def _of_glibc(name: str) -> Any:
    """A function of glibc; None where there is another C library, which has its own ways."""
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return None
