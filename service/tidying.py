"""A process of ours keeps no more memory at rest than it needs.

Work leaves two things behind that nobody holds: objects that refer to each other in a circle,
such as an error and the call it ended, until Python's collector comes by, which it does the
less often the more there is to look at; and in the C library's heap, which many threads share,
free pieces between pieces in use. Neither grows without end, but a process that had its busiest
hour yesterday would still hold that hour's memory. So it is given back when the process rests;
looking through all of it takes some milliseconds. The parent, the lanes and the workers all do so.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time

from models.heap import trim

QUIET = 1.0  # seconds between two looks
RESTING = 0.02  # core seconds at most in a second of rest: health checks, a page of metrics
WORTH = 0.5  # core seconds of work at least, after which there may be something to give back


def settle() -> None:
    """What is there by now stays: from now on the collector looks at the rest only.

    Its search holds everything up for as long as there are objects to look at: tens of
    milliseconds for models and libraries, and more for a long queue. So the former is left
    out, and what has lived for long is searched ten times less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(700, 10, 100)


class Tidying:
    """Tells work from rest by the processor time of the process, and tidies up once after work."""

    def __init__(self) -> None:
        self._last = self._tidied = time.process_time()

    def look(self) -> None:
        """To be called every ``QUIET`` seconds."""
        now = time.process_time()
        if now - self._last <= RESTING * QUIET and now - self._tidied >= WORTH:
            gc.collect()
            trim()
            now = self._tidied = time.process_time()
        self._last = now


async def tidy() -> None:
    """Tidy up a process that has an event loop; until cancelled."""
    tidying = Tidying()
    while True:
        await asyncio.sleep(QUIET)
        tidying.look()


def tidy_in_thread() -> None:
    """Tidy up a process that has none, for as long as it lives."""

    def chore() -> None:
        tidying = Tidying()
        while True:
            time.sleep(QUIET)
            tidying.look()

    threading.Thread(target=chore, name="tidy", daemon=True).start()
