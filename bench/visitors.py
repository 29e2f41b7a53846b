"""Visitors: what callers of every kind do to a server, and what each of them has to hear.

The server speaks TLS and asks for tokens; its translator is the small one of the tests,
whose Russian of known phrases is known to the letter. So each answer is checked against
what was asked: whose it is, whether it is whole, and every word of it. A visitor that hears
anything else than it should raises ``Wrong``.

Each method of ``Visitors`` is one visit and is drawn at random. What happens to the server's
files is the affair of ``bench.files``.
"""

from __future__ import annotations

import asyncio
import csv
import itertools
import random
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import grpc.aio
from google.protobuf.duration_pb2 import Duration
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bench.bed import Server
from bench.files import WRITE_TIMEOUT, Files
from bench.fuzz_rpc import ALLOWED, PAYLOADS, SAMPLE, SERVICE
from service.client import Client
from service.rpc.status import Status, received
from service.schema import Article, Digest, DigestRequest, Limits
from svodka.v1 import svodka_service_pb2 as pb
from svodka.v1 import svodka_service_pb2_grpc

PATIENCE = 180.0  # seconds after which an answer counts as lost
RUSSIAN = "Министр прибыл в Москву во вторник. Он встретится с президентом и обсудит торговлю."
EOF = grpc.aio.EOF

# Nothing but the unexpected: codes that a stranger's broken bytes may come to with a token.
FOR_NOISE = ALLOWED - {"UNAUTHENTICATED"}


class Wrong(Exception):
    """A visitor heard what it should not; the text says what, and instead of what."""


def known_phrases(translator: Path) -> dict[str, str]:
    """English phrases that the small translator knows, and their Russian."""
    with (translator / "phrases.tsv").open(encoding="utf-8", newline="") as file:
        return dict(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


class Visitors:
    """Draws visits and makes them; the same seed draws the same."""

    def __init__(self, server: Server, files: Files, phrases: dict[str, str], seed: int) -> None:
        self._server = server
        self._files = files
        self._phrases = phrases
        self._english = sorted(phrases)
        self._random = random.Random(seed)
        self._names = (f"visit-{n}" for n in itertools.count())
        self._channels = {
            owner: files.access(owner).channel(server.address) for owner in Files.OWNERS
        }
        self._stubs = {
            owner: svodka_service_pb2_grpc.SvodkaServiceStub(channel)
            for owner, channel in self._channels.items()
        }
        self._client = Client(server.address, access=files.access("newsroom"))
        self._sample: pb.DigestResponse | None = None

    async def connect(self) -> None:
        """Open each of the lasting connections that is not open: not yet used, or grown old."""
        for channel in self._channels.values():
            await channel.channel_ready()
        await self._client.server_info()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        for channel in self._channels.values():
            await channel.close()

    def draw(self) -> tuple[str, Callable[[], Awaitable[str]]]:
        """Return a visit's name, and what makes it and returns its outcome."""
        visits, weights = zip(*self.MIXTURE, strict=True)
        (visit,) = self._random.choices(visits, weights)
        return visit.__name__, lambda: visit(self)

    # -- those that are answered --------------------------------------------------------

    async def digest(self) -> str:
        """One article, as everybody asks."""
        request = self._article()
        answer = await self._stub().Digest(request, timeout=PATIENCE, metadata=self._bearer())
        self._check(request, answer)
        return "OK"

    async def summarize(self) -> str:
        """The English half."""
        asked = self._article()
        request = pb.SummarizeRequest(article=asked.article, skip_cleaning=True)
        answer = await self._stub().Summarize(request, timeout=PATIENCE, metadata=self._bearer())
        _same(answer.id, asked.article.id)
        _want(answer.sentences, "a summary has sentences")
        for sentence in answer.sentences:
            _want(sentence.en in asked.article.text, "the sentence is the article's own")
        return "OK"

    async def translate(self) -> str:
        """A few phrases, as text or as a page."""
        english = self._random.sample(self._english, self._random.randint(1, 6))
        russian = [self._phrases[phrase] for phrase in english]
        if self._random.random() < 0.3:
            page = "".join(f"<p>{phrase}</p>" for phrase in english)
            request = pb.TranslateRequest(html=page, no_cache=self._coin())
            wanted = "".join(f"<p>{phrase}</p>" for phrase in russian)
        else:
            request = pb.TranslateRequest(text="\n".join(english), no_cache=self._coin())
            wanted = "\n".join(russian)
        answer = await self._stub().Translate(request, timeout=PATIENCE, metadata=self._bearer())
        _same(answer.html_ru or answer.text_ru, wanted)
        return "OK"

    async def sample(self) -> str:
        """The sample article with its boilerplate: the same answer at any time."""
        request = pb.DigestRequest(article=pb.Article(text=SAMPLE.read_text("utf-8")))
        answer = await self._stub().Digest(request, timeout=PATIENCE, metadata=self._bearer())
        answer.ClearField("usage")
        if self._sample is None:
            self._sample = answer
        _same(answer, self._sample)
        return "OK"

    async def stream(self) -> str:
        """Many items, bad ones among them, some callers reading while they send, some later."""
        requests = self._items(self._random.randint(1, 16))
        manner = self._random.choice(("read along", "half-close first", "slowly", "never close"))
        call = self._stub("archive").DigestStream(
            timeout=PATIENCE, metadata=self._bearer("archive")
        )

        async def send() -> None:
            for name, request in requests.items():
                await call.write(pb.DigestStreamRequest(request_id=name, request=request))
            if manner != "never close":
                await call.done_writing()

        sending = asyncio.create_task(send())
        if manner == "half-close first":
            await sending
        unanswered = dict(requests)
        while unanswered:
            answer = await call.read()
            if answer is EOF:
                raise Wrong(f"{len(unanswered)} items of a stream were not answered")
            if answer.request_id not in unanswered:
                raise Wrong("an item was answered twice, or never asked")
            self._check_item(unanswered.pop(answer.request_id), answer)
            if manner == "slowly":
                await asyncio.sleep(0.2)
        await sending
        if manner == "never close":
            call.cancel()
            return await _code(call, "CANCELLED")
        _want(await call.read() is EOF, "nothing comes behind the last answer")
        return await _code(call, "OK")

    async def client(self) -> str:
        """The published client, many articles at once."""
        requests: dict[str, DigestRequest] = {}
        for _ in range(self._random.randint(1, 8)):
            name = next(self._names)
            text = self._story()
            requests[name] = DigestRequest(article=Article(id=name, text=text), skip_cleaning=True)

        async def given() -> AsyncIterator[tuple[str, DigestRequest]]:
            for pair in requests.items():
                yield pair

        answered = set()
        async for name, outcome in self._client.digest_many(given()):
            if not isinstance(outcome, Digest):
                raise Wrong(f"the client was told {outcome.reason}: {outcome}")
            _same(outcome.id, name)
            for sentence in outcome.sentences:
                _same(sentence.ru, self._phrases.get(sentence.en))
                _want(sentence.en in (requests[name].article.text or ""), "its own sentence")
            answered.add(name)
        _same(answered, set(requests))
        return "OK"

    async def health(self) -> str:
        """A probe without a token, and one that watches for a moment."""
        stub = health_pb2_grpc.HealthStub(self._channels["newsroom"])
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE)
        _same(answer.status, health_pb2.HealthCheckResponse.SERVING)
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE)
        _same((await watch.read()).status, health_pb2.HealthCheckResponse.SERVING)
        watch.cancel()
        return "OK"

    # -- those that leave ----------------------------------------------------------------

    async def cancel(self) -> str:
        """Ask, and leave at any moment."""
        request = self._article()
        call = self._stub().Digest(request, timeout=PATIENCE, metadata=self._bearer())
        asyncio.get_running_loop().call_later(self._moment(), call.cancel)
        return await _code(call, "OK", "CANCELLED")

    async def hurry(self) -> str:
        """Give less time than it may take, in the call or in the request."""
        request = self._article()
        seconds = 0.001 + self._moment()
        if self._coin():
            request.timeout.CopyFrom(Duration(nanos=round(seconds * 1e9)))
            seconds = PATIENCE
        call = self._stub().Digest(request, timeout=seconds, metadata=self._bearer())
        code = await _code(call, "OK", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED")
        if code == "OK":
            self._check(request, await call)
        elif code == "RESOURCE_EXHAUSTED":  # it would be late, behind the work that waits
            _want((await _status(call)).retry_after, "a refusal says when to come back")
        return code

    async def abandon(self) -> str:
        """Leave a stream in the middle, half-closed or not, unread or half read."""
        call = self._stub("archive").DigestStream(
            timeout=PATIENCE, metadata=self._bearer("archive")
        )
        for name, request in self._items(self._random.randint(1, 8)).items():
            await call.write(pb.DigestStreamRequest(request_id=name, request=request))
        if self._coin():
            await call.done_writing()
        if self._coin():
            await call.read()
        await asyncio.sleep(self._moment())
        call.cancel()
        return await _code(call, "OK", "CANCELLED")

    async def disconnect(self) -> str:
        """A connection of its own, closed with work on it."""
        async with self._connection() as channel:
            stub = svodka_service_pb2_grpc.SvodkaServiceStub(channel)
            call = stub.DigestStream(timeout=PATIENCE, metadata=self._bearer())
            for name, request in self._items(4).items():
                await call.write(pb.DigestStreamRequest(request_id=name, request=request))
            unary = stub.Digest(self._article(), timeout=PATIENCE, metadata=self._bearer())
            await asyncio.sleep(self._moment())
            await channel.close()
        await _code(unary, "OK", "CANCELLED")
        return await _code(call, "OK", "CANCELLED")

    async def hang_up(self) -> str:
        """A bare connection that says nothing, nonsense or half a greeting, and is reset."""
        await asyncio.to_thread(_hang_up, self._server.address, self._files.ca, self._random)
        return "reset"

    async def never_read(self) -> str:
        """Ask for more than the transport holds, and read nothing: the stream is ended."""
        # On a connection whose window does not grow: what is under way when the stream is ended
        # grpcio never gives back (https://github.com/grpc/grpc/issues/43360), so be it little.
        async with self._connection(("grpc.http2.bdp_probe", 0)) as channel:
            stub = svodka_service_pb2_grpc.SvodkaServiceStub(channel)
            call = stub.DigestStream(timeout=PATIENCE, metadata=self._bearer())
            story = "".join(f"<p>{phrase}</p>" for phrase in self._english[:4])
            # What is dropped comes back with the answer: much to carry, little to compute.
            page = f"<article>{story}</article><footer>{'x' * 20_000}</footer>"
            request = pb.DigestRequest(article=pb.Article(html=page))
            # As many as the server takes in. A write that is under way when the server ends the
            # stream would hide its status: https://github.com/grpc/grpc/issues/36066
            for n in range(Limits.max_stream_items):
                await call.write(pb.DigestStreamRequest(request_id=str(n), request=request))
            await asyncio.sleep(3 * WRITE_TIMEOUT)
            with suppress(grpc.aio.AioRpcError):
                while await call.read() is not EOF:  # what was under way
                    pass
            return await _code(call, "UNAVAILABLE")

    # -- those that are refused ----------------------------------------------------------

    async def stranger(self) -> str:
        """No token, or one that is not known."""
        metadata = self._random.choice(
            ((), (("authorization", "Bearer nonsense"),), (("authorization", "Basic x"),))
        )
        call = self._stub().Digest(self._article(), timeout=PATIENCE, metadata=metadata)
        return await _code(call, "UNAUTHENTICATED")

    async def not_allowed(self) -> str:
        """An rpc that the token is not for."""
        call = self._stub("archive").Digest(
            self._article(), timeout=PATIENCE, metadata=self._bearer("archive")
        )
        return await _code(call, "PERMISSION_DENIED")

    async def hasty(self) -> str:
        """More than its rate: refused, and told when to come back."""
        request = pb.TranslateRequest(text=self._english[0])
        metadata = self._bearer("hasty")
        calls = [
            self._stub("hasty").Translate(request, timeout=PATIENCE, metadata=metadata)
            for _ in range(3)
        ]
        codes = {await _code(call, "OK", "RESOURCE_EXHAUSTED") for call in calls}
        _want("RESOURCE_EXHAUSTED" in codes, "three calls at once are over the rate")
        for call in calls:
            if await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                _want((await _status(call)).retry_after, "a refusal says when to come back")
        return "RESOURCE_EXHAUSTED"

    async def bad_input(self) -> str:
        """Sound messages of unsound requests."""
        reason, request = self._random.choice(
            (
                ("NOT_ENGLISH", pb.DigestRequest(article=pb.Article(text=RUSSIAN))),
                ("EMPTY_ARTICLE", pb.DigestRequest(article=pb.Article(text=" \n"))),
                ("INVALID_REQUEST", pb.DigestRequest(article=pb.Article(text="x"), priority=77)),
                ("TOO_LARGE", pb.DigestRequest(article=pb.Article(text="word " * 500_000))),
            )
        )
        call = self._stub().Digest(request, timeout=PATIENCE, metadata=self._bearer())
        await _code(call, "INVALID_ARGUMENT")
        _same((await _status(call)).reason, reason)
        return reason

    async def noise(self) -> str:
        """Bytes of the fuzzer's."""
        _, payload = self._random.choice(PAYLOADS)
        rpc = self._random.choice(("Digest", "Summarize", "Translate", "GetServerInfo", "Delete"))
        call = self._channels["newsroom"].unary_unary(SERVICE + rpc)(
            payload(self._random), timeout=PATIENCE, metadata=self._bearer()
        )
        return await _code(call, *FOR_NOISE)

    MIXTURE = (
        (digest, 20), (translate, 20), (summarize, 6), (sample, 2), (stream, 10), (client, 4),
        (health, 6), (cancel, 8), (hurry, 8), (abandon, 6), (disconnect, 3), (hang_up, 4),
        (stranger, 4), (not_allowed, 2), (hasty, 2), (bad_input, 6), (noise, 6), (never_read, 0.3),
    )  # fmt: skip

    # -- what happens to the server's files ----------------------------------------------

    async def reload(self) -> str:
        """A guest comes, is thrown out in the middle of a stream; the certificate changes."""
        self._files.write_tokens(guest=True)
        stub, metadata = self._stub("guest"), self._bearer("guest")
        info = pb.GetServerInfoRequest()
        for _ in range(100):
            if await stub.GetServerInfo(info, metadata=metadata).code() is OK:
                break
            await asyncio.sleep(0.2)
        call = stub.DigestStream(timeout=PATIENCE, metadata=metadata)
        (name, request), *_ = self._items(1, bad=0).items()
        await call.write(pb.DigestStreamRequest(request_id=name, request=request))
        self._check_item(request, await call.read())
        self._files.write_tokens(guest=True, broken=True)  # changes nothing
        await asyncio.sleep(1.5)
        _want(await stub.GetServerInfo(info, metadata=metadata).code() is OK, "still valid")
        self._files.write_tokens()
        with suppress(grpc.aio.AioRpcError):
            await call.read()
        await _code(call, "UNAUTHENTICATED")

        shown = await self._shown()
        self._files.half_a_certificate()
        _same(await self._shown(), shown)
        self._files.new_certificate()
        _want(await self._shown() != shown, "a new connection is shown the new certificate")
        return "OK"

    async def _shown(self) -> bytes:
        """The certificate that a new connection is shown."""
        return await asyncio.to_thread(_certificate, self._server.address, self._files.ca)

    # -- requests, and their answers -----------------------------------------------------

    def _stub(self, owner: str = "newsroom") -> svodka_service_pb2_grpc.SvodkaServiceStub:
        return self._stubs[owner]

    def _connection(self, *options: tuple[str, int]) -> grpc.aio.Channel:
        """A connection that nobody shares."""
        ca = grpc.ssl_channel_credentials(self._files.ca.read_bytes())
        alone = [("grpc.use_local_subchannel_pool", 1), *options]
        return grpc.aio.secure_channel(self._server.address, ca, options=alone)

    def _bearer(self, owner: str = "newsroom") -> tuple[tuple[str, str], ...]:
        return self._files.access(owner).metadata

    def _coin(self) -> bool:
        return self._random.random() < 0.5

    def _moment(self) -> float:
        """Seconds after which to leave: mostly soon, while there is work on it."""
        return self._random.expovariate(10)

    def _story(self) -> str:
        english = self._random.sample(self._english, self._random.randint(3, 10))
        return "\n\n".join(" ".join(english[n : n + 2]) for n in range(0, len(english), 2))

    def _article(self) -> pb.DigestRequest:
        return pb.DigestRequest(
            article=pb.Article(id=next(self._names), text=self._story()),
            skip_cleaning=True,
            translate_body=self._random.random() < 0.2,
            no_cache=self._coin(),
        )

    def _items(self, count: int, bad: float = 0.2) -> dict[str, pb.DigestRequest]:
        """A stream's requests by name, some of them refused."""
        items = {}
        for _ in range(count):
            request = self._article()
            if self._random.random() < bad:
                request.article.text = RUSSIAN
                request.skip_cleaning = False
            items[request.article.id] = request
        return items

    def _check_item(self, request: pb.DigestRequest, answer: pb.DigestStreamResponse) -> None:
        if request.article.text == RUSSIAN:
            _same(answer.error.reason, "NOT_ENGLISH")
        else:
            _same(answer.error.reason, "")
            self._check(request, answer.digest)

    def _check(self, request: pb.DigestRequest, answer: pb.DigestResponse) -> None:
        """Every word of an answer is known beforehand, but for which sentences it chose."""
        _same(answer.id, request.article.id)
        _want(answer.sentences, "a digest has sentences")
        for sentence in answer.sentences:
            _want(sentence.en in request.article.text, "the sentence is the article's own")
            _same(sentence.ru, self._phrases.get(sentence.en))
        _same(answer.summary_ru, " ".join(sentence.ru for sentence in answer.sentences))
        if request.translate_body:
            russian = [
                " ".join(self._phrases[f"{phrase}."] for phrase in paragraph[:-1].split(". "))
                for paragraph in request.article.text.split("\n\n")
            ]
            _same(answer.body_ru, "\n\n".join(russian))


OK = grpc.StatusCode.OK


def _same(heard: object, wanted: object) -> None:
    if heard != wanted:
        raise Wrong(f"wanted {wanted!r:.300}, heard {heard!r:.300}")


def _want(condition: object, what: str) -> None:
    if not condition:
        raise Wrong(f"not so: {what}")


async def _code(call: grpc.aio.Call, *allowed: str) -> str:
    """The code that a call ended with. Raises Wrong for another than those allowed."""
    code = (await call.code()).name
    if code not in allowed:
        raise Wrong(f"wanted {' or '.join(allowed)}, heard {code}: {await call.details()}")
    return code


async def _status(call: grpc.aio.Call) -> Status:
    """The details that a failed call ended with."""
    return received(await call.code(), await call.details(), tuple(await call.trailing_metadata()))


def _greeted(address: str, ca: Path) -> ssl.SSLSocket:
    """A connection to a server that has shown its certificate."""
    host, _, port = address.rpartition(":")
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols(["h2"])
    plain = socket.create_connection((host, int(port)), timeout=PATIENCE)
    return context.wrap_socket(plain, server_hostname=host)


def _certificate(address: str, ca: Path) -> bytes:
    with _greeted(address, ca) as connection:
        return connection.getpeercert(binary_form=True) or b""


def _hang_up(address: str, ca: Path, pick: random.Random) -> None:
    host, _, port = address.rpartition(":")
    greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
    manner = pick.choice(("silent", "nonsense", "greeting", "half a greeting", "plain"))
    if manner in ("silent", "nonsense", "plain"):
        connection = socket.create_connection((host, int(port)), timeout=PATIENCE)
    else:
        connection = _greeted(address, ca)
    with connection, suppress(OSError):
        if manner == "nonsense":
            connection.sendall(pick.randbytes(200))
        elif manner != "silent":
            connection.sendall(greeting[: 30 if manner == "half a greeting" else None])
        # Reset it, as a machine that has lost its memory would.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
