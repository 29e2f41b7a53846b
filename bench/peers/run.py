"""The same load on this service and on other servers, with the same models on the same engine.

    python -m venv peers --system-site-packages     # or see README.md beside this file
    peers/bin/pip install -r bench/peers/requirements.txt
    peers/bin/python -m bench.peers.run --sentences FILE --articles FILE.jsonl [--quick]

Each server has the machine to itself, and 64 callers in a closed loop. One table for sentences
and one for whole articles through both models. `ours/theirs` compares tokens of input a second;
`p99/p99` our tail latency with theirs. A peer that is not installed, or does not start, is named
with its error.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import grpc.aio

from bench.bed import Bed, arguments, connected, prepare, serving
from bench.load import Answer, Ask, Item, after, closed, percentile, rate, show

PEERS = ("grpc", "litserve", "mosec", "bentoml", "ray")
STARTING = 120.0
HEAD = ["", "tokens/s", "ours/theirs", "p50 s", "p99 s", "p99/p99", "errors"]


async def main() -> None:
    """Measure, and print."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each sentence row")
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS)
    parser.add_argument("--only", choices=["sentences", "articles"], help="one of the tables")
    given = parser.parse_args()
    bed = prepare(given)
    seconds = 4.0 if given.quick else given.seconds
    for kind in ("sentences", "articles"):
        if given.only in (None, kind):
            # An article takes as long as dozens of sentences do.
            length = seconds if kind == "sentences" else seconds * 2
            print(f"\n{kind.capitalize()}, {given.callers} callers\n")
            show(HEAD, [row async for row in rows(bed, given, kind, length)])
    print(f"\n{bed.describe()}")


async def rows(bed: Bed, given: Any, kind: str, seconds: float) -> AsyncIterator[list[str]]:
    """Ours first, then each peer as documented and tuned."""
    items = bed.translations() if kind == "sentences" else bed.digests()
    async with serving(*bed.flags, *given.flags) as address, connected(address) as stub:
        ask = stub.Translate if kind == "sentences" else stub.Digest
        ours = await closed(ask, items, given.callers, seconds * 1.5)
    yield row("svodka", ours, ours, seconds / 2)
    for peer in given.peers:
        for tuned in (False, True) if peer != "grpc" else (False,):
            name = f"{peer}, {'tuned' if tuned else 'as documented'}"
            try:
                async with running(peer, bed, given.callers, tuned) as ask:
                    items = texts(bed, kind)
                    theirs = await closed(ask, items, given.callers, seconds * 1.5)
                yield row(name, theirs, ours, seconds / 2)
            except Exception as error:  # named, not hidden, and the others go on
                yield [name, f"{type(error).__name__}: {error}".splitlines()[0], *[""] * 5]


def row(name: str, theirs: list[Answer], ours: list[Answer], warm_up: float) -> list[str]:
    """One row of the table."""
    good, own = (
        [answer for answer in after(answers, warm_up) if not answer.error]
        for answers in (theirs, ours)
    )
    p50, p99 = (percentile(good, share) for share in (0.5, 0.99))
    return [
        name,
        f"{rate(theirs, warm_up):,.0f}",
        f"{rate(ours, warm_up) / rate(theirs, warm_up):.2f}",
        f"{p50:.2f}",
        f"{p99:.2f}",
        f"{percentile(own, 0.99) / p99:.2f}",
        str(sum(bool(answer.error) for answer in theirs)),
    ]


def texts(bed: Bed, kind: str) -> Iterator[Item[dict[str, str]]]:
    """The same requests in a peer's form."""
    if kind == "sentences":
        for item in bed.translations():
            yield Item({"text": item.request.text}, item.cost)
    else:
        for item in bed.digests():
            yield Item({"article": item.request.article.text}, item.cost)


@asynccontextmanager
async def running(peer: str, bed: Bed, callers: int, tuned: bool) -> AsyncIterator[Ask[Any]]:
    """A peer in processes of its own; gives what asks it, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    names = [flag.removeprefix("--") for flag in bed.flags[::2]]
    models = dict(zip(names, bed.flags[1::2], strict=True))
    settings = {"port": port, "tuned": tuned, "size": callers, "models": models}
    command = ["-m", f"bench.peers.with_{peer}"]
    if peer == "bentoml":
        command = ["-m", "bentoml", "serve", "bench.peers.with_bentoml:Peer"]
        command += ["--host", "127.0.0.1", "--port", str(port)]
    elsewhere = {"BENTOML_HOME": tempfile.gettempdir(), "BENTOML_DO_NOT_TRACK": "True"}
    environment = os.environ | {"PEER": json.dumps(settings)} | elsewhere
    with tempfile.NamedTemporaryFile(prefix=f"{peer}-", suffix=".log", delete=False) as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdout=log, stderr=log, env=environment,
            start_new_session=True,
        )  # fmt: skip
        try:
            async with client(peer, port) as ask:
                await answering(ask, process)
                yield ask
        except Exception as error:
            raise RuntimeError(f"{error!r}; its own words are in {log.name}") from error
        finally:
            await end(process)


async def end(process: asyncio.subprocess.Process) -> None:
    """Ask it to stop, then kill it and whatever it started in its session."""
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(10):
            await process.wait()
    except TimeoutError:
        process.kill()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


@asynccontextmanager
async def client(peer: str, port: int) -> AsyncIterator[Ask[Any]]:
    """What asks it."""
    if peer == "grpc":
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = channel.unary_unary("/Peer/Answer")

            async def ask_grpc(item: dict[str, str]) -> None:
                assert json.loads(await call(json.dumps(item).encode()))["russian"]

            yield ask_grpc
        return
    path = {"litserve": "/predict", "mosec": "/inference", "bentoml": "/answer", "ray": "/"}[peer]
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def ask_http(item: dict[str, str]) -> None:
            body: Any = {"items": [item]} if peer == "bentoml" else item
            async with session.post(f"http://127.0.0.1:{port}{path}", json=body) as response:
                response.raise_for_status()
                reply = await response.json(content_type=None)
            assert (reply[0] if peer == "bentoml" else reply)["russian"]

        yield ask_http


async def answering(ask: Ask[Any], process: asyncio.subprocess.Process) -> None:
    """Return when the peer answers; raise when it ended instead, or took too long."""
    async with asyncio.timeout(STARTING):
        while True:
            if process.returncode is not None:
                raise RuntimeError(f"ended with {process.returncode}")
            try:
                await ask({"text": "Hello."})
            except (aiohttp.ClientError, grpc.aio.AioRpcError):
                await asyncio.sleep(0.5)
            else:
                return


if __name__ == "__main__":
    asyncio.run(main())
