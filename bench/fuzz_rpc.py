"""Strangers' input: random calls of every rpc, sound and broken, against a real server.

    python -m bench.fuzz_rpc --server 127.0.0.1:50051 --requests 100000

Each call is drawn from a seeded mixture: sound requests, bytes that are no protobuf,
messages cut short or with bits flipped, fields of the wrong number or type, text that is
not UTF-8, huge lists, deep HTML, absurd times; and callers that behave badly: half-closed
streams, streams that stop in the middle, cancellation at any moment, odd metadata.

It prints how many calls came to which status, and fails (exit code 1) unless every call
ended with a status that the contract allows, the server is healthy afterwards, and the
sample article is answered as it was before. It sends traffic to the one address it is given.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from svodka.v1 import svodka_service_pb2 as pb
from svodka.v1 import svodka_service_pb2_grpc

SERVICE = "/svodka.v1.SvodkaService/"
SAMPLE = Path(__file__).parent.parent / "samples" / "nato-2014.txt"
AT_ONCE = 32

# What a caller may be told, whatever it sends. INTERNAL, UNKNOWN and UNAVAILABLE are defects.
ALLOWED = {
    "OK",
    "CANCELLED",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "RESOURCE_EXHAUSTED",
    "UNIMPLEMENTED",
    "UNAUTHENTICATED",
}

STORY = (
    "The council met on Monday and voted for a new bridge over the river. "
    "Its members had argued for three years. The work will begin in May."
)
PAGE = f"<html><body><h1>A new bridge</h1><p>{STORY}</p></body></html>"


class Fuzzer:
    """Draws calls and makes them; the same seed draws the same calls."""

    def __init__(self, channel: grpc.aio.Channel, seed: int) -> None:
        self._channel = channel
        self._random = random.Random(seed)
        self._unary = {
            rpc: channel.unary_unary(SERVICE + rpc)
            for rpc in ("Digest", "Summarize", "Translate", "GetServerInfo", "Delete")
        }
        self._stream = channel.stream_stream(SERVICE + "DigestStream")

    def draw(self) -> tuple[str, Callable[[], object]]:
        """Return the name of a call and what makes it."""
        pick = self._random
        name, payload = pick.choice(PAYLOADS)
        raw = payload(pick)
        if pick.random() < 0.25:
            items = [raw] * pick.choice((0, 1, 1, 2, 5))
            if pick.random() < 0.5:
                items = [_item(pick, raw) for _ in items]
            manner = pick.choice(("close", "close", "abandon", "cancel", "slow"))
            return f"stream/{manner}", lambda: self._converse(items, manner, pick.random())
        rpc = pick.choice(tuple(self._unary))
        manner = pick.choice(("wait", "wait", "wait", "cancel", "hurry"))
        metadata = pick.choice(METADATA)
        return f"{rpc}/{name}", lambda: self._ask(rpc, raw, manner, pick.random(), metadata)

    async def _ask(self, rpc: str, raw: bytes, manner: str, moment: float, metadata: tuple) -> str:
        timeout = moment / 100 if manner == "hurry" else 120
        call = self._unary[rpc](raw, timeout=timeout, metadata=metadata)
        if manner == "cancel":
            asyncio.get_running_loop().call_later(moment / 10, call.cancel)
        return (await call.code()).name

    async def _converse(self, items: list[bytes], manner: str, moment: float) -> str:
        call = self._stream(timeout=120)
        reading = asyncio.create_task(_read(call))
        try:
            for item in items:
                if manner == "slow":
                    await asyncio.sleep(moment / 50)
                await call.write(item)
            if manner == "cancel":
                await asyncio.sleep(moment / 10)
            if manner in ("cancel", "abandon"):
                call.cancel()
            else:
                await call.done_writing()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            pass  # the server had ended it; its status says why
        await reading
        return (await call.code()).name


async def _read(call: grpc.aio.StreamStreamCall) -> None:
    try:
        while await call.read() is not grpc.aio.EOF:
            pass
    except (grpc.aio.AioRpcError, asyncio.CancelledError):
        pass


# -- payloads: bytes that pass for a message of any of the requests ------------------------


def _sound(pick: random.Random) -> bytes:
    article = pb.Article(id="a", text=STORY) if pick.random() < 0.5 else pb.Article(html=PAGE)
    request = pb.DigestRequest(article=article, translate_body=pick.random() < 0.3)
    return request.SerializeToString()


def _text(pick: random.Random) -> bytes:
    return pb.TranslateRequest(text=STORY[: pick.randrange(len(STORY))]).SerializeToString()


def _noise(pick: random.Random) -> bytes:
    return pick.randbytes(pick.randrange(1, 400))


def _cut(pick: random.Random) -> bytes:
    whole = _sound(pick)
    return whole[: pick.randrange(len(whole))]


def _flipped(pick: random.Random) -> bytes:
    raw = bytearray(_sound(pick))
    for _ in range(pick.randrange(1, 8)):
        raw[pick.randrange(len(raw))] ^= 1 << pick.randrange(8)
    return bytes(raw)


def _wrong_fields(pick: random.Random) -> bytes:
    """Tags of any number and type, with something behind each."""
    out = bytearray()
    for _ in range(pick.randrange(1, 20)):
        number, kind = pick.randrange(1, 40), pick.choice((0, 1, 2, 5))
        out += _varint(number << 3 | kind)
        if kind == 0:
            out += _varint(pick.randrange(2**63))
        elif kind == 2:
            body = pick.randbytes(pick.randrange(30))
            out += _varint(len(body)) + body
        else:
            out += pick.randbytes(8 if kind == 1 else 4)
    return bytes(out)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _not_utf8(pick: random.Random) -> bytes:
    return _sound(pick).replace(b"council", b"coun\xff\xfe\xfd")


def _huge_lists(pick: random.Random) -> bytes:
    request = pb.DigestRequest(article=pb.Article(text=STORY))
    if pick.random() < 0.5:
        for start in range(20_000):
            request.excluded.add(start=start, end=start + 1)
    else:
        request.translation.keep.extend(f"term {n}" for n in range(20_000))
    return request.SerializeToString()


def _deep(pick: random.Random) -> bytes:
    (depth,) = pick.choices((100, 1_000, 20_000), (6, 3, 1))  # the deepest cost a second each
    tag = pick.choice(("div", "b", "table><tr><td", "ul><li", "svg"))
    page = f"<{tag}>" * depth + STORY + f"</{tag.split('>')[0]}>" * depth
    return pb.DigestRequest(article=pb.Article(html=page)).SerializeToString()


def _absurd(pick: random.Random) -> bytes:
    request = pb.DigestRequest(article=pb.Article(text=STORY))
    request.timeout.seconds = pick.choice((-1, 0, 10**11, -(10**11)))
    request.timeout.nanos = pick.choice((0, -1, 2**31 - 1))
    request.summary.max_sentences = pick.choice((-1, 0, 2**31 - 1))
    request.summary.max_words = pick.choice((-(2**31), 1, 2))
    request.excluded.add(start=pick.choice((-5, 0, 10**6)), end=pick.choice((-1, 3, 2**31 - 1)))
    request.request_id = pick.choice(("", "x" * 5_000, "\x00\n\u202e", "é"))
    return request.SerializeToString()


def _odd_text(pick: random.Random) -> bytes:
    text = pick.choice(
        (
            "",
            " \n\t ",
            "\x00\x01\x02",
            "🙂" * 300,
            "Привет, мир. Это русский текст о погоде и о реке.",
            "a" * 20_000,
            "\n" * 20_000,
            "<" * 5_000,
            "&#x110000;" * 500,
            f"{STORY}\n\n" * 20,
            "".join(chr(pick.randrange(1, 0xD800)) for _ in range(500)),
        )
    )
    article = pb.Article(text=text) if pick.random() < 0.5 else pb.Article(html=text)
    return pb.DigestRequest(article=article).SerializeToString()


def _item(pick: random.Random, raw: bytes) -> bytes:
    """A stream's item around a request that may be broken."""
    name = pick.choice((b"", b"same", pick.randbytes(4).hex().encode()))
    return b"".join((_varint(10), _varint(len(name)), name, _varint(18), _varint(len(raw)), raw))


PAYLOADS: tuple[tuple[str, Callable[[random.Random], bytes]], ...] = (
    ("sound", _sound),
    ("text", _text),
    ("noise", _noise),
    ("cut", _cut),
    ("flipped", _flipped),
    ("wrong fields", _wrong_fields),
    ("not utf-8", _not_utf8),
    ("huge lists", _huge_lists),
    ("deep html", _deep),
    ("absurd", _absurd),
    ("odd text", _odd_text),
)

METADATA: tuple[tuple[tuple[str, str | bytes], ...], ...] = (
    (),
    (),
    (),
    (("authorization", "Bearer nonsense"),),
    (("svodka-request-id", "x" * 1_000),),
    (("weird-bin", bytes(range(256))),),
)


# -- the run -----------------------------------------------------------------------------


async def fuzz(address: str, requests: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Make the calls; return how many came to which status, and what went wrong."""
    statuses: Counter[str] = Counter()
    wrong: list[str] = []
    async with grpc.aio.insecure_channel(address) as channel:
        before = await _sample(channel)
        fuzzer = Fuzzer(channel, seed)
        calls: Iterator = iter(fuzzer.draw() for _ in range(requests))

        async def work() -> None:
            for name, call in calls:
                status = await call()
                statuses[status] += 1
                if status not in ALLOWED:
                    wrong.append(f"{name}: {status}")

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        health = health_pb2_grpc.HealthStub(channel)
        answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=30)
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            wrong.append("the server is not healthy afterwards")
        if await _sample(channel) != before:
            wrong.append("the sample article is answered otherwise than before")
    return statuses, wrong


async def _sample(channel: grpc.aio.Channel) -> pb.DigestResponse:
    stub = svodka_service_pb2_grpc.SvodkaServiceStub(channel)
    article = pb.Article(text=SAMPLE.read_text("utf-8"))
    request = pb.DigestRequest(article=article, no_cache=True)
    answer = await stub.Digest(request, timeout=300, wait_for_ready=True)
    answer.ClearField("usage")
    return answer


def main() -> int:
    """Fuzz the server given and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", required=True, metavar="HOST:PORT")
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began = time.monotonic()
    statuses, wrong = asyncio.run(fuzz(asked.server, asked.requests, asked.seed))
    seconds = time.monotonic() - began
    print(f"{asked.requests} calls in {seconds:.0f} s, seed {asked.seed}")
    for status, count in statuses.most_common():
        print(f"{status:<20} {count:>8}")
    for line in wrong[:20]:
        print(f"WRONG {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
