"""What the benchmarks of throughput stand on: texts, models, and a server over them.

Every benchmark takes the same arguments, so that all speak of the same work:

    --sentences FILE   English sentences, a line each
    --articles FILE    JSON lines with `article`
    --models FOLDER    where the models of bench/copiers.py are, or will be built
    --preset NAME      a preset instead of them, such as starter
    --engine NAME, --compute-type NAME    as in the server's settings
    --quick            short and small: does it run, not how fast is it
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
import random
import shlex
import signal
import socket
import sys
import urllib.request
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from grpc_health.v1 import health_pb2, health_pb2_grpc

from bench.load import Ask, Item
from models import Selection, open_codec, select
from service.client import Access
from service.sentences import sentence_offsets
from service.verification import check_sentence, doubtful
from svodka.v1 import svodka_service_pb2 as pb
from svodka.v1 import svodka_service_pb2_grpc

STARTING = 300.0  # seconds until a server has to be warm
ENDING = 15.0
OPEN = Access()
ANSWERING = 60.0  # seconds that a page of metrics may take

T = TypeVar("T")


def run(main: Coroutine[object, object, T]) -> T:
    """``asyncio.run``, and SIGTERM ends it as Ctrl-C does: no server of ours is left behind."""
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    return asyncio.run(main)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def metrics_of(address: str) -> str:
    """The page of metrics at HOST:PORT."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=ANSWERING) as page:
        return page.read().decode()


RPCS = {"sentences": "Translate", "articles": "Digest"}  # by the kind of texts


def asking(stub: Any, kind: str) -> Ask[Any]:
    """The call that takes the requests of a kind."""
    return getattr(stub, RPCS[kind])


def text_of(request: pb.TranslateRequest | pb.DigestRequest) -> str:
    """What is to be translated or digested."""
    return request.article.text if isinstance(request, pb.DigestRequest) else request.text


@dataclass(frozen=True)
class Bed:
    """Texts and models. Costs are tokens: a sentence's for the translator, an article's for the
    summarizer.
    """

    sentences: tuple[str, ...]
    articles: tuple[str, ...]
    flags: tuple[str, ...]  # that make a server or a Selection use the models
    quick: bool

    @cached_property
    def selection(self) -> Selection:
        """The models, as a server with ``flags`` chooses them."""
        return select(**self.names)

    @property
    def names(self) -> dict[str, str]:
        """The same as ``flags``, as arguments of ``models.select``."""
        names = [flag.removeprefix("--").replace("-", "_") for flag in self.flags[::2]]
        return dict(zip(names, self.flags[1::2], strict=True))

    def texts(self, kind: str) -> tuple[str, ...]:
        """The texts of a kind."""
        return self.sentences if kind == "sentences" else self.articles

    def requests(self, kind: str, *, seed: int = 0) -> Iterator[Item[Any]]:
        """A request for each text of a kind, for ever; ``asking`` takes it."""
        make = self.translations if kind == "sentences" else self.digests
        return make(seed=seed)

    def translations(self, *, seed: int = 0) -> Iterator[Item[pb.TranslateRequest]]:
        """Requests for one sentence each, for ever; nothing is taken from the cache."""
        costs = dict(zip(self.sentences, self.sentence_costs, strict=True))
        for text in _for_ever(self.sentences, seed):
            yield Item(pb.TranslateRequest(text=text, no_cache=True), costs[text])

    def digests(self, *, seed: int = 0) -> Iterator[Item[pb.DigestRequest]]:
        """Requests for one article each, likewise."""
        costs = dict(zip(self.articles, self.article_costs, strict=True))
        for text in _for_ever(self.articles, seed):
            yield Item(pb.DigestRequest(article=pb.Article(text=text), no_cache=True), costs[text])

    @cached_property
    def sentence_costs(self) -> list[int]:
        """Tokens of each sentence."""
        codec = open_codec(self.selection.translator)
        return [len(codec.encode(text)) for text in self.sentences]

    @cached_property
    def article_costs(self) -> list[int]:
        """Tokens of each article."""
        codec = open_codec(self.selection.summarizer)
        return [len(codec.encode(text)) for text in self.articles]

    def describe(self) -> str:
        """What is measured on what, for the foot of a table."""
        models = " and ".join(
            f"{ref.name} ({ref.family}, {ref.engine} {ref.compute_type}, "
            f"{ref.decoding.num_beams} beams)"
            for ref in (self.selection.summarizer, self.selection.translator)
        )
        return (
            f"{models}; {len(self.sentences)} sentences of {_spread(self.sentence_costs)} tokens, "
            f"{len(self.articles)} articles of {_spread(self.article_costs)} tokens.\n"
            f"Python {platform.python_version()}, {os.cpu_count()} cores, load "
            f"{os.getloadavg()[0]:.1f}; callers and server share the machine."
        )


def arguments(about: str | None) -> argparse.ArgumentParser:
    """A parser with the arguments that all have."""
    parser = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    parser.add_argument("--sentences", type=Path, required=True, help="English, a line each")
    parser.add_argument("--articles", type=Path, required=True, help="JSON lines with `article`")
    parser.add_argument(
        "--models", type=Path, default=Path("build/copiers"), help="the copiers, built if need be"
    )
    parser.add_argument("--beams", type=int, default=4, help="of the copiers' search")
    parser.add_argument("--preset", help="a preset instead of the copiers")
    parser.add_argument("--engine", default="auto", help="as in the server's settings")
    parser.add_argument("--compute-type", default="auto", help="likewise")
    parser.add_argument("--quick", action="store_true", help="short and small")
    parser.add_argument(
        "--flags", type=shlex.split, default=[], help='more for the server: --flags="--lanes 2"'
    )
    return parser


def prepare(given: argparse.Namespace) -> Bed:
    """Read the texts, build the models. What needs more than one window or try is left out."""
    sentences = [line.strip() for line in given.sentences.open(encoding="utf-8")]
    articles = [json.loads(line)["article"] for line in given.articles.open(encoding="utf-8")]
    flags = ["--engine", given.engine, "--compute-type", given.compute_type]
    if given.preset:
        flags += ["--preset", given.preset]
    else:
        from bench import copiers

        folder = given.models / f"{'small' if given.quick else 'full'}-{given.beams}"
        summarizer, translator = copiers.build(
            folder, sentences, articles, small=given.quick, beams=given.beams
        )

        # The service makes a doubted translation again. How often is the model's affair, so it
        # is left out here.
        def passes(text: str) -> bool:
            return not doubtful(check_sentence(text, copiers.translated(translator, text)))

        def summary_passes(text: str) -> bool:
            summary = copiers.summarized(summarizer, text)
            return all(passes(summary[start:end]) for start, end in sentence_offsets(summary))

        sentences = _those("sentences pass the checks", sentences, passes)
        articles = _those("articles' summaries do", articles, summary_passes)
        flags += ["--preset", "starter"]
        flags += ["--summarizer", str(summarizer), "--translator", str(translator)]
    bed = Bed(tuple(dict.fromkeys(sentences)), tuple(articles), tuple(flags), given.quick)
    most = bed.selection.summarizer.max_input_tokens
    if bed.selection.summarizer.task == "embed":
        return bed
    costs = dict(zip(bed.articles, bed.article_costs, strict=True))
    articles = _those("of them fit into one window", bed.articles, lambda text: costs[text] <= most)
    return Bed(bed.sentences, tuple(articles), bed.flags, bed.quick)


def _those(what: str, texts: Sequence[str], are: Callable[[str], bool]) -> list[str]:
    """The texts that are so; says how many."""
    some = list(filter(are, texts))
    print(f"{len(some)} of {len(texts)} {what}", file=sys.stderr)
    return some


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[svodka_service_pb2_grpc.SvodkaServiceStub]:
    """The bare stub: the client of ``service.client`` would try again what is refused."""
    async with server.access.channel(server.address) as channel:
        yield svodka_service_pb2_grpc.SvodkaServiceStub(channel)


@dataclass(frozen=True)
class Server:
    """A server's address and process, how it is reached, and the lines that it logged."""

    address: str
    pid: int
    access: Access = OPEN
    log: list[str] = field(default_factory=list)

    def core_seconds(self) -> float:
        """Processor time of it and all its descendants so far, the ended ones included.

        Other work on the machine slows a server down, but takes none of this. (Linux)
        """
        seconds = 0.0
        for folder in self.processes():
            with suppress(OSError):  # it has just ended; its parent knows its time
                seconds += sum(_times(folder))
        return seconds

    def own_seconds(self) -> float:
        """Processor time of its first process alone, where the calls come in."""
        user, system, *_ = _times(Path(f"/proc/{self.pid}"))
        return user + system

    def processes(self) -> Iterator[Path]:
        """The folders in /proc of it and all its descendants."""
        pids = [self.pid]
        while pids:
            folder = Path(f"/proc/{pids.pop()}")
            yield folder
            with suppress(OSError):
                for task in (folder / "task").iterdir():
                    pids += map(int, (task / "children").read_text().split())


def _times(folder: Path) -> list[float]:
    """A process's utime and stime, and those of its ended children, in seconds."""
    fields = (folder / "stat").read_text().rpartition(")")[2].split()  # behind the name
    return [int(ticks) / os.sysconf("SC_CLK_TCK") for ticks in fields[11:15]]


@asynccontextmanager
async def serving(*flags: str, access: Access = OPEN) -> AsyncIterator[Server]:
    """``svodka serve`` with these flags, once it is warm; ``access`` is how they let us in."""
    command = ["-m", "service.cli", "serve", "--listen", "127.0.0.1:0", "--caller-calls", "5000"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, *flags, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    said: list[str] = []
    try:
        async with asyncio.timeout(STARTING):
            async for line in process.stderr:
                said.append(line.decode())
                if "listening on" in said[-1]:
                    break
            else:
                raise SystemExit("the server did not start:\n" + "".join(said))
            reading = asyncio.create_task(_listen(process.stderr, said))
            server = Server(said[-1].split()[-1], process.pid, access, said)
            await _warm(server)
        yield server
        process.terminate()
        async with asyncio.timeout(ENDING):
            await process.wait()
            await reading
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _listen(stream: asyncio.StreamReader, said: list[str]) -> None:
    """Read on, so that the server never waits for us."""
    async for line in stream:
        said.append(line.decode())


async def _warm(server: Server) -> None:
    async with server.access.channel(server.address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        async for answer in health.Watch(health_pb2.HealthCheckRequest(), wait_for_ready=True):
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                return


def _for_ever(texts: Sequence[str], seed: int) -> Iterator[str]:
    """All of them in random order, and again."""
    order = list(texts)
    random.Random(seed).shuffle(order)
    return itertools.cycle(order)


def _spread(costs: Sequence[int]) -> str:
    """Least, middle and most."""
    ordered = sorted(costs)
    return f"{ordered[0]}-{ordered[len(ordered) // 2]}-{ordered[-1]}"
