"""Who computes the digests of a job: servers, over a stream to each.

All of them take from one queue, so each gets as much as it can do. What a
server had not answered when it went away goes back to the head of the queue; a
server that went away is tried again with growing pauses, and one that says when
to come back is believed. An article is never asked for at two servers at once.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from service.client import Access, Client, Outcome, backoff
from service.errors import Overloaded, SvodkaError, Unavailable
from service.schema import Digest, DigestRequest, Model, Range

GIVE_UP = 300.0  # seconds without any server
_STREAM = 128  # articles at one server: twice what it works on, so that it never waits
_TRIES = 10  # of an article that servers are too busy for

_log = logging.getLogger(__name__)


class _Asked:
    """An article and who waits for its digest."""

    def __init__(self, request: DigestRequest) -> None:
        self.request = request
        self.future: asyncio.Future[Digest] = asyncio.get_running_loop().create_future()
        self.tries = 0


class Servers:
    """The servers at ``addresses``. All must have the same models."""

    def __init__(
        self, addresses: Sequence[str], access: Access | None = None, *, give_up: float = GIVE_UP
    ) -> None:
        self.window = _STREAM * len(addresses)
        self.models: tuple[Model, ...] = ()
        self._addresses = addresses
        self._access = access or Access()
        self._give_up = give_up
        self._queue: deque[_Asked] = deque()
        self._filled = asyncio.Event()
        self._down: dict[str, float] = {}  # since when
        self._lost: SvodkaError | None = None
        self._waiting: set[asyncio.Future[Digest]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Learn the models from the first server that answers.

        Raises the error of the last one if none does.
        """
        error: SvodkaError = Unavailable("no server is named")
        for address in self._addresses:
            try:
                async with self._client(address, attempts=3) as client:
                    self.models = (await client.server_info()).models
                break
            except SvodkaError as failure:
                error = failure
        else:
            raise error
        for address in self._addresses:
            self._spawn(self._serve(address))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def digest(self, request: DigestRequest, repeated: tuple[Range, ...] = ()) -> Digest:
        """See ``Computing``; to a server, what is repeated is excluded."""
        if self._lost:
            raise self._lost
        asked = _Asked(replace(request, excluded=(*request.excluded, *repeated)))
        self._waiting.add(asked.future)
        self._put(asked)
        try:
            return await asked.future
        finally:
            self._waiting.discard(asked.future)

    async def _serve(self, address: str) -> None:
        """Have one server answer what there is, for as long as it can be had."""
        failures = 0
        while True:
            own: dict[str, _Asked] = {}
            try:
                async with self._client(address, attempts=1) as client:
                    self._insist((await client.server_info()).models)
                    # Closed before what is left is taken back, so that it takes nothing more.
                    asked = client.digest_many(self._feed(own), window=_STREAM)
                    async with aclosing(asked) as outcomes:
                        async for name, outcome in outcomes:
                            if isinstance(outcome, Unavailable):
                                raise outcome
                            if isinstance(outcome, Digest) and outcome.models:
                                self._insist(outcome.models)  # it may have started anew meanwhile
                            failures = 0
                            self._down.pop(address, None)
                            self._settle(own.pop(name), outcome)
                failure: SvodkaError = Unavailable("the stream ended")
            except SvodkaError as error:
                failure = error
            finally:
                self._take_back(own)
            failures += 1
            self._down.setdefault(address, time.monotonic())
            hopeless = not isinstance(failure, Unavailable | Overloaded)
            if failures == 1 or hopeless:
                _log.warning("svodka: %s: %s", address, failure)
            if hopeless:
                self._down[address] = -self._give_up
                self._despair(failure)
                return
            self._despair(failure)
            await asyncio.sleep(_pause(failure, failures))

    async def _feed(self, own: dict[str, _Asked]) -> AsyncIterator[tuple[str, DigestRequest]]:
        """What is asked, for one server; ``own`` has what it was given."""
        number = 0
        while True:
            while not self._queue:
                self._filled.clear()
                await self._filled.wait()
            asked = self._queue.popleft()
            if not asked.future.done():  # else whoever waited has left
                number += 1
                own[str(number)] = asked
                yield str(number), asked.request

    def _settle(self, asked: _Asked, outcome: Outcome) -> None:
        if asked.future.done():
            return
        if isinstance(outcome, Digest):
            asked.future.set_result(outcome)
        elif isinstance(outcome, Overloaded) and asked.tries < _TRIES:
            asked.tries += 1
            self._spawn(self._again(asked, _pause(outcome, asked.tries)))
        else:
            asked.future.set_exception(outcome)

    async def _again(self, asked: _Asked, pause: float) -> None:
        await asyncio.sleep(pause)
        self._put(asked)

    def _put(self, asked: _Asked) -> None:
        self._queue.append(asked)
        self._filled.set()

    def _take_back(self, own: dict[str, _Asked]) -> None:
        """What a server did not answer is the next to be asked, in its old order."""
        left = [asked for asked in own.values() if not asked.future.done()]
        self._queue.extendleft(reversed(left))
        self._filled.set()

    def _insist(self, models: tuple[Model, ...]) -> None:
        if models != self.models:
            raise SvodkaError("it has other models than the first server; its answers do not mix")

    def _despair(self, failure: SvodkaError) -> None:
        """Fail everything, if all servers have been away for too long."""
        down = self._down
        if len(down) < len(self._addresses):
            return
        if time.monotonic() - max(down.values()) < self._give_up:
            return
        self._lost = Unavailable(f"no server answers any more; the last one said: {failure}")
        for future in self._waiting:
            if not future.done():
                future.set_exception(self._lost)

    def _client(self, address: str, attempts: int) -> Client:
        return Client(address, attempts=attempts, access=self._access)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _pause(failure: SvodkaError, failures: int) -> float:
    """Seconds until it makes sense to try again, a little apart for each who tries."""
    asked = failure.retry_after if isinstance(failure, Unavailable | Overloaded) else 0.0
    return max(asked, backoff(failures)) * random.uniform(1.0, 1.2)  # noqa: S311
