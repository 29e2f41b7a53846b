"""Space in the backlog, first come, first served.

One ``Room`` per priority, so that bulk work never takes the place of
interactive work. What is in it is counted by the backlog; here is only the
line at the door.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Room:
    """Bounded in tokens. Something bigger than the bound enters when it is empty."""

    def __init__(self, bound: int, used: Callable[[], int]) -> None:
        self._bound = bound
        self._used = used
        self._line = asyncio.Lock()  # fair, and safe against cancelled waiters
        self._changed = asyncio.Event()

    def fits(self, tokens: int, promised: int = 0) -> bool:
        """May it enter now, when so much more is to come? Never past those who stand in line."""
        return not self._line.locked() and self._has(tokens, promised)

    async def wait(self, tokens: int, pointless: Callable[[], bool]) -> None:
        """Return when it fits, or need not enter any more.

        Whoever enters must do so before they next give up control.
        """
        async with self._line:
            while not pointless() and not self._has(tokens):
                self._changed.clear()
                await self._changed.wait()

    def change(self) -> None:
        """Something left."""
        self._changed.set()

    def _has(self, tokens: int, promised: int = 0) -> bool:
        used = self._used() + promised
        return not used or used + tokens <= self._bound
