"""The same load on this service and on other servers, with the same models on the same engine.

    python -m venv peers --system-site-packages     # or see README.md beside this file
    peers/bin/pip install -r bench/peers/requirements.txt
    peers/bin/python -m bench.peers.run --sentences FILE --articles FILE.jsonl [--quick]

Each server has the machine to itself, and callers in a closed loop: 32 for sentences, 8 for whole
articles through both models, a table each. `ours/theirs` compares tokens of input a second,
`theirs/ours` the processor time of a token (`core ms`, in thousandths of a second), which other
work on the machine does not disturb, and `p99/p99` our tail latency with theirs. A peer that is not
installed, or does not start, is named with its error.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import islice, takewhile
from typing import Any

import aiohttp
import grpc.aio

from bench.bed import (
    RPCS,
    Bed,
    Server,
    arguments,
    asking,
    connected,
    free_port,
    prepare,
    run,
    serving,
    text_of,
)
from bench.load import Answer, Ask, Item, closed, overall, percentile, show

PEERS = ("grpc", "litserve", "mosec", "bentoml", "ray")
STARTING = 180.0  # seconds
LONGEST = 600.0

Measured = tuple[list[Answer], float]  # and core seconds
HEAD = [
    "",
    "tokens/s",
    "ours/theirs",
    "core ms",
    "theirs/ours",
    "p50 s",
    "p99 s",
    "p99/p99",
    "errors",
]


async def main() -> None:
    """Measure, and print."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of asking, for each row")
    parser.add_argument("--callers", type=int, default=32, help="with articles a quarter of them")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS)
    parser.add_argument("--only", choices=RPCS, help="one of the tables")
    given = parser.parse_args()
    bed = prepare(given)
    seconds = 5.0 if given.quick else given.seconds
    # An article takes as long as dozens of sentences do.
    callers = {"sentences": given.callers, "articles": max(1, given.callers // 4)}
    kinds = [given.only] if given.only else list(callers)
    tables: dict[str, list[list[str]]] = {kind: [] for kind in kinds}
    ours: dict[str, Measured] = {}
    async with serving(*bed.flags, *given.flags) as server, connected(server) as stub:
        for kind in kinds:
            ask, items = asking(stub, kind), bed.requests(kind)
            ours[kind] = await measure(ask, items, callers[kind], seconds, server)
            tables[kind].append(row("svodka", ours[kind], ours[kind]))
    for peer in given.peers:
        for tuned in (False, True) if peer != "grpc" else (False,):
            name = f"{peer}, {'tuned' if tuned else 'as documented'}"
            try:
                async with running(peer, bed, callers, tuned) as (ask, server):
                    for kind in kinds:
                        items = texts(bed, kind)
                        theirs = await measure(ask, items, callers[kind], seconds, server)
                        tables[kind].append(row(name, theirs, ours[kind]))
                        print(kind, *tables[kind][-1], sep="  ", file=sys.stderr)  # while we wait
            except Exception as error:  # named, not hidden, and the others go on
                print(f"{name}: {type(error).__name__}: {error}".splitlines()[0])
    for kind in kinds:
        print(f"\n{kind.capitalize()}, {callers[kind]} callers\n")
        show(HEAD, tables[kind])
    print(f"\n{bed.describe()}")


async def measure(
    ask: Ask[Any], items: Iterator[Item[Any]], callers: int, seconds: float, server: Server
) -> Measured:
    """The answers to what is asked in so many seconds, all awaited; and core seconds.

    One request of each caller's warms it up.
    """
    await closed(ask, islice(items, callers), callers, LONGEST)
    before, end = server.core_seconds(), time.perf_counter() + seconds
    some = takewhile(lambda _: time.perf_counter() < end, items)
    answers = await closed(ask, some, callers, LONGEST)
    return answers, server.core_seconds() - before


def row(name: str, theirs: Measured, ours: Measured) -> list[str]:
    """One row of the table."""
    answers, own = theirs[0], ours[0]
    costs = [used / max(1, sum(a.cost for a in of if not a.error)) for of, used in (theirs, ours)]
    p99s = [percentile([a for a in of if not a.error], 0.99) for of in (answers, own)]
    return [
        name,
        f"{overall(answers):,.0f}",
        f"{overall(own) / overall(answers):.2f}",
        f"{costs[0] * 1e3:.2f}",
        f"{costs[0] / costs[1]:.2f}",
        f"{percentile([a for a in answers if not a.error], 0.5):.2f}",
        f"{p99s[0]:.2f}",
        f"{p99s[1] / p99s[0]:.2f}",
        str(sum(bool(answer.error) for answer in answers)),
    ]


def texts(bed: Bed, kind: str) -> Iterator[Item[dict[str, str]]]:
    """The same requests in a peer's form."""
    field = {"sentences": "text", "articles": "article"}[kind]
    for item in bed.requests(kind):
        yield Item({field: text_of(item.request)}, item.cost)


@asynccontextmanager
async def running(
    peer: str, bed: Bed, callers: Mapping[str, int], tuned: bool
) -> AsyncIterator[tuple[Ask[Any], Server]]:
    """A peer in processes of its own; gives what asks it, once it answers."""
    port = free_port()
    settings = {"port": port, "tuned": tuned, "size": max(callers.values()), "models": bed.names}
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
                yield ask, Server(f"127.0.0.1:{port}", process.pid)
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
    run(main())
