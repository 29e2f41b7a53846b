"""The C library's heap, where networks take and free blocks of many megabytes at every step."""

from __future__ import annotations

import ctypes

# glibc's mallopt(3) has these numbers, and thresholds in bytes.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_EVERYTHING = 2**31 - 1
_LARGEST = 32 << 20  # before glibc 2.35 no more is taken


def hold() -> None:
    """Keep what is freed for what comes next, instead of giving it back to the system.

    The system clears each page that it gives out, which is a tenth of the time of a step in which
    scores of a large vocabulary are taken anew. ``malloc_trim`` still gives back what is free.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library: it has its own ways
        return
    mallopt(_TRIM_THRESHOLD, _EVERYTHING)
    if not mallopt(_MMAP_THRESHOLD, _EVERYTHING):
        mallopt(_MMAP_THRESHOLD, _LARGEST)
