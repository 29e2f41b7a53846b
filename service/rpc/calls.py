"""The calls in work: how many, until when, and whether more may come in.

Every call of ours passes the door once. A call or a stream's item works within
a scope, which ends at its deadline; draining ends all scopes by the same means.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from service.errors import DeadlineExpired, Overloaded, Unavailable

# Work that was told to end and does not in this time is left behind.
_CANCEL_SECONDS = 5.0


class Calls:
    """What is in work. Belongs to one event loop."""

    def __init__(self, most: int) -> None:
        self.closing = asyncio.Event()
        self._inside = 0
        self._most = most
        self._idle = asyncio.Event()
        self._idle.set()
        self._scopes: set[asyncio.Timeout] = set()
        self._expelled = asyncio.Event()

    def enter(self) -> None:
        """Counts a call in; each is to ``leave`` when its answer is out."""
        self._inside += 1
        self._idle.clear()

    def leave(self) -> None:
        """Counts a call out."""
        self._inside -= 1
        if not self._inside:
            self._idle.set()

    def admit(self) -> None:
        """Raises Unavailable once the door is closed, Overloaded when too many are in."""
        if self.closing.is_set():
            raise Unavailable("The server is stopping; another one may answer.")
        if self._inside > self._most:
            raise Overloaded(
                f"{self._most} calls are in work, the most there may be.", retry_after=1
            )

    @asynccontextmanager
    async def until(self, deadline: float) -> AsyncIterator[None]:
        """A scope of work that ends at ``deadline``, in seconds of ``time.monotonic``.

        Raises DeadlineExpired then, and Unavailable when the server cannot wait
        for it any longer.
        """
        if self._expelled.is_set():
            raise Unavailable("The server has stopped.")
        if deadline <= time.monotonic():
            raise DeadlineExpired("The deadline had passed before the work began.")
        # The loop's clock is time.monotonic, too.
        scope = asyncio.timeout_at(None if math.isinf(deadline) else deadline)
        try:
            async with scope:
                self._scopes.add(scope)
                try:
                    yield
                finally:
                    self._scopes.discard(scope)
        except TimeoutError:
            if not scope.expired():
                raise
            if self._expelled.is_set():
                raise Unavailable("The server stopped before the answer was ready.") from None
            raise DeadlineExpired("The deadline passed before the answer was ready.") from None

    async def drain(self, grace: float) -> None:
        """Closes the door; returns when nothing is in work any more.

        What is in work after ``grace`` seconds, or when ``expel`` is called, is
        ended; what does not end even so is left behind.
        """
        self.closing.set()
        waits = [asyncio.ensure_future(e.wait()) for e in (self._idle, self._expelled)]
        await asyncio.wait(waits, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        self.expel()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CANCEL_SECONDS):
                await self._idle.wait()

    def expel(self) -> None:
        """Closes the door and ends every scope now."""
        self.closing.set()
        self._expelled.set()
        now = asyncio.get_running_loop().time()
        for scope in self._scopes:
            if not scope.expired():
                scope.reschedule(now)
