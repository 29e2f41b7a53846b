"""A small client for other services: dataclasses in and out, errors as exceptions.

    async with Client("127.0.0.1:50051") as client:
        digest = await client.digest(DigestRequest(article=Article(text=text)))
        async for request_id, outcome in client.digest_many(requests):
            ...

It works on the base install and knows nothing of models. It tries again what is
safe to try again, as every request here is: after UNAVAILABLE, and after
RESOURCE_EXHAUSTED that says when to come back. Of several servers, each request
goes to the next; one that does not answer costs the way to the one after it.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import random
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, TypeVar

import grpc.aio
from google.protobuf.message import Message

from service.errors import InvalidRequest, Overloaded, SvodkaError, Unavailable, Violation
from service.rpc.status import Status, error_of, received
from service.schema import (
    Digest,
    DigestRequest,
    ServerInfo,
    SummarizeRequest,
    Summary,
    TranslateRequest,
    Translation,
)
from service.wire import from_message, to_message
from svodka.v1 import svodka_service_pb2 as pb
from svodka.v1 import svodka_service_pb2_grpc

T = TypeVar("T")

Outcome = Digest | SvodkaError

# The first pause between two attempts and the longest, in seconds; each doubles the
# one before, and is shortened at random so that callers do not return in step.
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 10.0
# GetServerInfo costs the server nothing, so this is the network's time.
_INFO_SECONDS = 10.0

# What the transport says by itself when a server stops with a request or a stream's item on
# its way. (Were it cancelled by us, it would be a CancelledError.) A server of ours has a
# trailer in every answer.
_BROKEN = (grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL)

_OPTIONS = [
    # An answer holds the page's text and its translation; 4 MB, the default, is too little.
    ("grpc.max_receive_message_length", -1),
    # We try again ourselves, at the next server. gRPC's own retries may, on a connection that was
    # opened to a server just as it stopped, spin without end and take all memory (1.85).
    ("grpc.enable_retries", 0),
    # A server that comes back is found within seconds.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # A name that stands for several servers is used as all of them, in turn.
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
]


@dataclass(frozen=True)
class Access:
    """How a server is reached: by TLS or not, and as whom.

    ``ca`` has the authorities that are believed, the system's own without it;
    ``certificate`` and ``key`` are shown to a server that asks (mTLS). All are
    PEM files. ``token`` goes with every call, as ``authorization: Bearer``.
    """

    tls: bool = False
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    token: str = ""

    def channel(self, address: str) -> grpc.aio.Channel:
        """Open a channel. Raises OSError if a file cannot be read."""
        if not (self.tls or self.ca or self.certificate):
            return grpc.aio.insecure_channel(address, options=_OPTIONS)
        credentials = grpc.ssl_channel_credentials(
            *(path.read_bytes() if path else None for path in (self.ca, self.key, self.certificate))
        )
        return grpc.aio.secure_channel(address, credentials, options=_OPTIONS)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with every call."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()


class Client:
    """Connections to one server or several, ``HOST:PORT,HOST:PORT``.

    ``attempts`` bounds the tries at each of them in a row without any answer.
    """

    def __init__(self, address: str, *, attempts: int = 5, access: Access | None = None) -> None:
        """Raises ValueError for an address without a server, OSError for unreadable files."""
        access = access or Access()
        addresses = [part.strip() for part in address.split(",") if part.strip()]
        if not addresses:
            raise ValueError(f"no server in {address!r}; name HOST:PORT")
        self._channels = [access.channel(part) for part in addresses]
        stubs = [svodka_service_pb2_grpc.SvodkaServiceStub(channel) for channel in self._channels]
        self._stubs = stubs
        # Where the next request begins; not all clients begin with the same server.
        self._beginnings = itertools.count(random.randrange(len(stubs)))  # noqa: S311
        self._metadata = access.metadata
        self._attempts = attempts

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connection and what is still asked on it."""
        for channel in self._channels:
            await channel.close()

    async def digest(self, request: DigestRequest) -> Digest:
        """One article's digest, within the request's ``timeout``, tries and pauses included."""
        message = to_message(request, pb.DigestRequest)
        return await self._ask("Digest", message, Digest, request.timeout)

    async def summarize(self, request: SummarizeRequest) -> Summary:
        """One article's English summary, likewise."""
        message = to_message(request, pb.SummarizeRequest)
        return await self._ask("Summarize", message, Summary, request.timeout)

    async def translate(self, request: TranslateRequest) -> Translation:
        """The Russian of a text, likewise."""
        message = to_message(request, pb.TranslateRequest)
        return await self._ask("Translate", message, Translation, request.timeout)

    async def server_info(self) -> ServerInfo:
        """What the server is."""
        message = pb.GetServerInfoRequest()
        return await self._ask("GetServerInfo", message, ServerInfo, _INFO_SECONDS)

    async def digest_many(
        self, requests: AsyncIterable[tuple[str, DigestRequest]], *, window: int = 128
    ) -> AsyncGenerator[tuple[str, Outcome], None]:
        """Digests on one stream, each as it finishes, under the id its request came with.

        Ids are not empty, and unique among those whose outcome is still to come.
        ``window`` bounds those. When the server ends the stream early, the
        unanswered are sent again, to it or to its successor. What cannot be sent
        and what the server refuses comes back as the exception in its place; what
        befalls the whole stream, or ``requests``, is raised.
        """
        many = _Many(window)
        turn = self._turn()
        tasks = (
            asyncio.create_task(many.pull(requests)),
            asyncio.create_task(
                many.run(
                    lambda: next(turn).DigestStream(metadata=self._metadata),
                    self._attempts,
                    len(self._stubs),
                )
            ),
        )
        try:
            while (pair := await many.outcomes.get()) is not None:
                yield pair
                many.taken(pair[0])
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _turn(self) -> Iterator[Any]:
        """The servers' stubs for one request, round and round; each begins with the next."""
        first = next(self._beginnings) % len(self._stubs)
        return itertools.cycle(self._stubs[first:] + self._stubs[:first])

    async def _ask(self, rpc: str, message: Message, cls: type[T], seconds: float | None) -> T:
        end = math.inf if seconds is None else monotonic() + seconds
        for attempt, stub in enumerate(self._turn(), 1):
            try:
                method = getattr(stub, rpc)
                left = None if seconds is None else end - monotonic()
                return _heard(await method(message, timeout=left, metadata=self._metadata), cls)
            except grpc.aio.AioRpcError as error:
                failure = _failure(error)
            pause = _pause(failure, attempt, len(self._stubs))
            if attempt >= self._attempts * len(self._stubs) or monotonic() + pause >= end:
                raise failure
            await asyncio.sleep(pause)
        raise AssertionError("the loop above ends by returning or raising")


class _Many:
    """The requests of one ``digest_many``: to be sent, unanswered, answered."""

    def __init__(self, window: int) -> None:
        # Pairs of id and outcome; None after the last.
        self.outcomes: asyncio.Queue[tuple[str, Outcome] | None] = asyncio.Queue()
        # What has been pulled and never been sent; None after the last.
        self._fresh: asyncio.Queue[pb.DigestStreamRequest | None] = asyncio.Queue()
        self._unanswered: dict[str, pb.DigestStreamRequest] = {}
        self._open: set[str] = set()
        self._room = asyncio.Semaphore(window)
        self._pulled_all = False
        self._failures = 0  # in a row, without an answer between them

    def taken(self, request_id: str) -> None:
        """The caller has taken this outcome."""
        self._open.discard(request_id)
        self._room.release()

    async def pull(self, requests: AsyncIterable[tuple[str, DigestRequest]]) -> None:
        """Takes requests while there is room."""
        try:
            async for request_id, request in requests:
                await self._room.acquire()
                if request_id in self._open or not request_id:
                    raise InvalidRequest(
                        Violation("request_id", f"{request_id!r} is empty or still in work")
                    )
                self._open.add(request_id)
                try:
                    item = to_message(_Item(request_id, request), pb.DigestStreamRequest)
                    self._fresh.put_nowait(item)
                except InvalidRequest as error:
                    self.outcomes.put_nowait((request_id, error))
        finally:
            self._fresh.put_nowait(None)

    async def run(self, method: Callable[[], Any], attempts: int, servers: int) -> None:
        """Opens streams, at one of the ``servers`` each, until everything pulled is answered."""
        try:
            while await self._has_work():
                failure = await self._converse(method())
                if failure is None:
                    continue
                self._failures += 1
                pause = _pause(failure, self._failures, servers)
                if self._failures >= attempts * servers or math.isinf(pause):
                    raise failure
                await asyncio.sleep(pause)
        finally:
            self.outcomes.put_nowait(None)

    async def _has_work(self) -> bool:
        """Waits until there is something to send; False when there is nothing any more."""
        if not self._unanswered and not self._pulled_all:
            await self._take()
        return bool(self._unanswered)

    async def _take(self) -> pb.DigestStreamRequest | None:
        item = await self._fresh.get()
        if item is None:
            self._pulled_all = True
        else:
            self._unanswered[item.request_id] = item
        return item

    async def _converse(self, call: Any) -> SvodkaError | None:
        """Sends and hears on one stream; why it ended before all was answered."""
        sending = asyncio.create_task(self._send(call))
        try:
            async for response in call:
                self._settle(response)
        except grpc.aio.AioRpcError as error:
            return _failure(error)
        finally:
            sending.cancel()
            call.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        return Unavailable("The server ended the stream early.") if self._unanswered else None

    async def _send(self, call: Any) -> None:
        # A call that has ended refuses to be written to; the reading side knows why.
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            for item in list(self._unanswered.values()):
                await call.write(item)
            while not self._pulled_all:
                item = await self._take()
                if item is not None:
                    await call.write(item)
            await call.done_writing()

    def _settle(self, response: pb.DigestStreamResponse) -> None:
        if self._unanswered.pop(response.request_id, None) is None:
            return
        self._failures = 0
        self.outcomes.put_nowait((response.request_id, _outcome(response)))


@dataclass(frozen=True)
class _Item:
    """The wire's DigestStreamRequest."""

    request_id: str
    request: DigestRequest


def _outcome(response: pb.DigestStreamResponse) -> Outcome:
    if response.HasField("error"):
        return error_of(from_message(response.error, Status))
    try:
        return _heard(response.digest, Digest)
    except SvodkaError as error:
        return error


def _heard(message: Message, cls: type[T]) -> T:
    try:
        return from_message(message, cls)
    except InvalidRequest as error:
        # Not the caller's fault, whatever it is called on the way in.
        raise SvodkaError(f"The answer is of a newer version, update svodka ({error}).") from None


def _failure(error: grpc.aio.AioRpcError) -> SvodkaError:
    if error.code() in _BROKEN and not error.trailing_metadata():
        return Unavailable("The connection ended in the middle of the request.")
    return error_of(received(error.code(), error.details(), tuple(error.trailing_metadata())))


def _pause(failure: SvodkaError, attempt: int, servers: int) -> float:
    """Seconds until the next attempt makes sense; infinite when it never does.

    The next server may do at once; a pause comes when all have been asked.
    """
    if not isinstance(failure, Unavailable | Overloaded):
        return math.inf
    rounds, rest = divmod(attempt, servers)
    if rest:
        return 0.0
    return max(failure.retry_after, backoff(rounds) * random.uniform(0.5, 1.0))  # noqa: S311


def backoff(failures: int) -> float:
    """Seconds to pause after so many failures in a row, before any of it is left to chance."""
    return min(_FIRST_PAUSE * 2 ** min(failures - 1, 10), _LONGEST_PAUSE)
