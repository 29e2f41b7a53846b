"""How late the event loop is: one number for everything that blocks it.

The parent must never compute, or every call, stream and health check waits. A watchdog
sleeps a little, again and again, and notes how much later than asked it was woken. It
does not find out who was to blame; asyncio's debug mode does.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass

log = logging.getLogger(__name__)

EVERY = 0.02  # seconds of sleep: shorter delays than that are seen by chance only
WINDOW = 60.0  # seconds that the figures look back


@dataclass(frozen=True)
class Lag:
    """Seconds by which the loop was late, over the last minute."""

    p50: float = 0.0
    p99: float = 0.0
    max: float = 0.0


class Watchdog:
    """Watches the loop that ``run`` runs on."""

    def __init__(self) -> None:
        self._delays: deque[float] = deque(maxlen=round(WINDOW / EVERY))

    @property
    def lag(self) -> Lag:
        """The figures at this moment; zeros before the first."""
        if not self._delays:
            return Lag()
        delays = sorted(self._delays)
        return Lag(delays[len(delays) // 2], delays[len(delays) * 99 // 100], delays[-1])

    async def run(self) -> None:
        """Watch until cancelled; tell the debug log once a window."""
        loop = asyncio.get_running_loop()
        told = loop.time()
        while True:
            due = loop.time() + EVERY
            await asyncio.sleep(EVERY)
            self._delays.append(max(0.0, loop.time() - due))
            if due - told > WINDOW:
                told, lag = due, self.lag
                log.debug(
                    "the event loop was late by %.1f ms (half of the time), %.1f ms (p99), "
                    "%.1f ms (at most)",
                    *(1000 * seconds for seconds in (lag.p50, lag.p99, lag.max)),
                )
