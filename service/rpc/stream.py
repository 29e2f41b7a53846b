"""The items of one DigestStream: read, worked on side by side, answered as they finish.

A bounded number is in work, from being read to having its answer taken by the
transport. When that many are, nothing is read, and the transport's flow control
makes the sender wait; so neither a fast sender nor a slow reader costs memory.
A reader that takes nothing for too long is let go, and no stream lasts for ever.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

import grpc.aio
from grpc.aio import EOF  # pyright: ignore[reportAttributeAccessIssue]

from service.errors import InvalidRequest, Unavailable, Violation
from service.rpc.interceptors import Malformed
from service.rpc.status import status_of
from service.tracing import span
from service.wire import to_message
from svodka.v1 import svodka_service_pb2 as pb


@dataclass(frozen=True)
class Patience:
    """How long a stream may be read, and an answer wait to be taken, in seconds."""

    age: float = 3600.0
    write: float = 60.0


class ItemStream:
    """One stream in work.

    ``digest`` answers an item or raises; ``most`` bounds the items in work;
    ``closing`` ends the reading, as the caller's half-close and old age do;
    ``ended`` hears of each item's code and the seconds from reading to answer.
    """

    def __init__(
        self,
        context: grpc.aio.ServicerContext,
        digest: Callable[[pb.DigestRequest], Awaitable[pb.DigestResponse]],
        *,
        most: int,
        closing: asyncio.Event,
        patience: Patience = Patience(),
        ended: Callable[[str, float], None] = lambda code, seconds: None,
    ) -> None:
        self._context = context
        self._digest = digest
        self._closing = closing
        self._patience = patience
        self._ended = ended
        self._aged = False
        self._room = asyncio.Semaphore(most)
        self._writing = asyncio.Lock()
        self._unanswered: set[str] = set()

    async def run(self) -> None:
        """Returns when every item is answered and the caller has no more.

        Raises Unavailable when it must end before: the items it has read are
        answered, the others are safe to send again, here or to another server.
        """
        try:
            async with asyncio.TaskGroup() as group:
                async for item in self._items():
                    group.create_task(self._answer(item))
        except ExceptionGroup as stalled:  # the first says why; the others were waiting too
            raise stalled.exceptions[0] from None
        if self._closing.is_set():
            raise Unavailable("The server is stopping; send unanswered items to another one.")
        if self._aged:
            raise Unavailable("The stream has grown old; open another for unanswered items.")

    async def _items(self) -> AsyncIterator[pb.DigestStreamRequest | Malformed]:
        """Reads an item whenever there is room, until there are no more."""
        closing = asyncio.ensure_future(self._closing.wait())
        # Streams that were opened together do not end together.
        age_limit = self._patience.age * random.uniform(0.9, 1.0)  # noqa: S311
        age = asyncio.ensure_future(asyncio.sleep(age_limit))
        try:
            while True:
                await self._room.acquire()
                reading = asyncio.ensure_future(self._context.read())
                try:
                    await asyncio.wait((reading, closing, age), return_when=asyncio.FIRST_COMPLETED)
                    if not reading.done():
                        self._aged = age.done()
                        return
                finally:
                    reading.cancel()
                item = reading.result()
                if item is EOF:
                    return
                yield item
        finally:
            closing.cancel()
            age.cancel()

    async def _answer(self, item: pb.DigestStreamRequest | Malformed) -> None:
        try:
            response = await self._response(item)
            if response is not None:
                await self._write(response)
        finally:
            self._room.release()

    async def _response(
        self, item: pb.DigestStreamRequest | Malformed
    ) -> pb.DigestStreamResponse | None:
        """The answer, or None when the item is left for the sender to send elsewhere."""
        request_id = "" if isinstance(item, Malformed) else item.request_id
        began = monotonic()
        ours = False
        try:
            if isinstance(item, Malformed):
                raise item.refusal()
            self._check(item)
            self._unanswered.add(request_id)
            ours = True
            with span("item"):
                digest = await self._digest(item.request)
        except Exception as error:  # the item's boundary, as the call has its own
            if self._closing.is_set() and isinstance(error, Unavailable):
                return None
            status = status_of(error)
            self._ended(status.grpc_code.name, monotonic() - began)
            failure = to_message(status, pb.Error)
            return pb.DigestStreamResponse(request_id=request_id, error=failure)
        finally:
            if ours:
                self._unanswered.discard(request_id)
        self._ended("OK", monotonic() - began)
        return pb.DigestStreamResponse(request_id=request_id, digest=digest)

    def _check(self, item: pb.DigestStreamRequest) -> None:
        violations = []
        if not item.request_id:
            violations.append(Violation("request_id", "is empty; name each item"))
        if item.request_id in self._unanswered:
            violations.append(Violation("request_id", "is in work already; name items uniquely"))
        if not item.HasField("request"):
            violations.append(Violation("request", "is missing; an item is a DigestRequest"))
        if violations:
            raise InvalidRequest(*violations)

    async def _write(self, response: pb.DigestStreamResponse) -> None:
        async with self._writing:
            try:
                async with asyncio.timeout(self._patience.write):
                    await self._context.write(response)
            except TimeoutError:
                raise Unavailable("The answers were not read.") from None
            except grpc.aio.BaseError:
                # The caller has left; the whole call is cancelled in a moment.
                return
