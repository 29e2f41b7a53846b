"""Space in the backlog.

One ``Room`` per priority, so that bulk work never takes the place of
interactive work. What is in it is counted by the backlog; here are only the
lines at the door, one for each caller and in each first come, first served.

No caller may fill it, so that there is room for one who comes: each may have up to
``GREED`` times what is free (the dynamic threshold of Choudhury and Hahne, 1998).
One alone has eight ninths of it, two greedy ones 47 % each, and so on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

GREED = 8


class Room:
    """Bounded in tokens. Something bigger than the bound enters when it is empty.

    ``used`` says how much is in it, ``own`` how much of one caller's.
    """

    def __init__(self, bound: int, used: Callable[[], int], own: Callable[[str], int]) -> None:
        self._bound = bound
        self._used = used
        self._own = own
        self._lines: dict[str, _Line] = {}  # of those at which somebody stands
        self._changed = asyncio.Event()

    def fits(self, caller: str, tokens: int, promised: int = 0, own: int = 0) -> bool:
        """May it enter now, when so much more is to come, so much of it the caller's own?
        Never past those of the same caller who stand in line.
        """
        return caller not in self._lines and self._has(caller, tokens, promised, own)

    async def wait(self, caller: str, tokens: int, pointless: Callable[[], bool]) -> None:
        """Return when it fits, or need not enter any more.

        Whoever enters must do so before they next give up control.
        """
        line = self._lines.setdefault(caller, _Line())
        line.length += 1
        try:
            async with line.lock:
                while not pointless() and not self._has(caller, tokens):
                    self._changed.clear()
                    await self._changed.wait()
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[caller]

    def change(self) -> None:
        """Something left."""
        self._changed.set()

    def _has(self, caller: str, tokens: int, promised: int = 0, own: int = 0) -> bool:
        used = self._used() + promised
        free = self._bound - used
        return not used or (tokens <= free and self._own(caller) + own + tokens <= GREED * free)


class _Line:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()  # fair, and safe against cancelled waiters
        self.length = 0
