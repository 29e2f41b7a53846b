"""What ``svodka batch`` itself costs, and what it leaves of the models' speed.

``null``: a dump of synthetic records through a computing stage that computes
nothing: records a second, and the process's memory as the run goes on. With
``--index``, each text is another, every tenth is a copy of an earlier one, and the
first pass, without cleaning, finds them.

``search``: only the search for copies, among signatures made up, every tenth a copy.

``copies``: real articles and what sites would make of them; how many of these the
first pass takes for copies, by what was done to them, and how many of the others.

``articles``: real articles through real models. The ceiling: the same lane, right
after the job, computes the same units again (second tries included) in batches
sorted by what they came to, nothing prepared, checked, written or waited for; the
fastest of some sizes of batch counts. It takes as long as the job, once for each size.
With ``--at-once``, also the scheduler's own speed: the articles given to the pipeline
all at once, nothing read and nothing written.

    python bench/batch.py null [--records 1000000] [--index]
    python bench/batch.py search [--records 1000000]
    python bench/batch.py copies cnndm.jsonl
    python bench/batch.py articles cnndm.jsonl [--count 50] [--preset starter]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
import random
import resource
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from service.batch.computing import InProcess
from service.batch.copies import Copies, Search, Signature
from service.batch.job import Job, Paths
from service.batch.progress import Progress, Tally
from service.batch.record import Place
from service.batch.run import run
from service.cli.batch import DEFAULTS
from service.lane import ProcessLane
from service.pipeline import pipeline
from service.scheduler.work import Batch, Output, Spare, Unit, nothing
from service.schema import Article, Digest, DigestRequest, Model
from service.settings import EngineSettings


class Null:
    """Answers at once; notes the memory now and then."""

    window = 64
    models = (Model("translator", "null"),)

    def __init__(self, every: int) -> None:
        self.memory: list[int] = []
        self.began = 0.0
        self._every = every
        self._count = 0

    async def __aenter__(self) -> Null:
        """Nothing to load."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to end."""

    async def digest(self, request: DigestRequest, repeated: object = ()) -> Digest:
        """Answer with the headline."""
        self.began = self.began or time.perf_counter()
        self._count += 1
        if self._count % self._every == 0:
            self.memory.append(_resident())
        return Digest(id=request.article.id, summary_en=request.article.headline)


def _resident() -> int:
    """Bytes of memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def synthetic(number: int, *, vary: bool) -> dict[str, str]:
    """A record of about a thousand characters; every tenth is a copy of the ninth before it."""
    text = "It rained all day in the north, the service said. " * 20
    if vary:
        source = number - 9 if number % 10 == 9 else number
        words = random.Random(source).choices(_WORDS, k=160)
        text = f"({number}) It rained {' '.join(words)}, the service said."
    return {"id": f"a{number}", "title": "Rain", "text": text}


_WORDS = [f"w{n}rd" for n in range(5000)]


def null(records: int, *, index: bool) -> None:
    """Measure and print the runner alone."""
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / "dump.jsonl"
        with dump.open("w") as file:
            for n in range(records):
                file.write(json.dumps(synthetic(n, vary=index)) + "\n")
        computing, tally = Null(max(1, records // 10)), Tally()
        paths = Paths.of(Path(folder) / "out.jsonl")
        request = DigestRequest(skip_cleaning=True)  # cleaning is not what is measured
        inputs = (str(dump),)
        job = Job(inputs, paths, request=request, index_boilerplate=index, compute_once=index)
        began, cpu = time.perf_counter(), time.process_time()
        outcome = asyncio.run(run(job, computing, Progress(tally), tally))
        cpu, ended = time.process_time() - cpu, time.perf_counter()
        assert outcome.digests == records
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        size = dump.stat().st_size / 2**20
        print(f"{records:,} records, {size:,.0f} MiB")
        if index:
            rate = records / (computing.began - began)
            stored = paths.copies.stat().st_size / 2**20
            print(f"first pass {rate:,.0f} records/s; {stored:,.0f} MiB beside the output")
            print(f"{tally.copies:,} copies found, {tally.reused:,} not computed")
            began = computing.began
        print(f"{records / (ended - began):,.0f} records/s")
        print(f"{cpu / records * 1e6:.0f} µs of this process's CPU a record")
        print(f"peak memory {peak / 2**20:.0f} MiB; after each tenth of the records, MiB:")
        print("  ".join(f"{memory / 2**20:.0f}" for memory in computing.memory))


def search(records: int) -> None:
    """Measure and print the search for copies alone."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        scratch, found = Path(folder) / "scratch", Path(folder) / "copies"
        searching = Search(scratch)
        for start in range(1, records + 1, 32):
            numbers = range(start, min(start + 32, records + 1))
            searching.add([(n, Place("dump.jsonl", n), f"a{n}", _made_up(n)) for n in numbers])
        added = time.perf_counter()
        searching.save(found, "")
        saved = time.perf_counter()
        size, kept = scratch.stat().st_size, found.stat().st_size
        searching.close()
        copies = Copies.load(found)
        assert copies
        print(f"{records:,} articles, {copies.count:,} of them copies")
        print(f"added in {added - began:.0f} s, searched in {saved - added:.0f} s")
        print(f"{size / records:.0f} bytes of scratch an article, {kept / 2**20:.0f} MiB kept")
        copies.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"peak memory {peak / 2**20:.0f} MiB")


def _made_up(number: int) -> Signature:
    chance = random.Random(number - 9 if number % 10 == 9 else number)
    bands = tuple(chance.getrandbits(64) - 2**63 for _ in range(20))
    return Signature(bands, chance.randbytes(120))


CHROME = """Home
World
Sport

Share this article

{}

Sign up for our free weekly newsletter

We are facing unprecedented challenges. Please support us monthly starting from just $2.

Copyright 2014. All rights reserved."""


def shortened(text: str, share: float) -> str:
    """``text`` without this share of its words, from the end."""
    words = text.split(" ")
    return " ".join(words[: round(len(words) * (1 - share))])


def dated(text: str) -> str:
    """``text`` under another agency's dateline."""
    return "LONDON, Oct. 28 (Reuters) - " + text.removeprefix("(CNN)")


VARIANTS: dict[str, Callable[[str], str]] = {
    "the same": str,
    "another dateline": dated,
    "a site's chrome around it": CHROME.format,
    "a tenth cut at the end": lambda text: shortened(text, 0.1),
    "all of that": lambda text: CHROME.format(dated(shortened(text, 0.1))),
    "a fifth cut": lambda text: shortened(text, 0.2),
    "a third cut": lambda text: shortened(text, 1 / 3),
}


def copies(path: Path) -> None:
    """Measure and print how many planted copies are found, and how many others taken for one."""
    with path.open() as file:
        values = [json.loads(line) for line in file]
    texts = [value.get("text") or value["article"] for value in values]
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / "dump.jsonl"
        with dump.open("w") as file:
            for variant in ("", *VARIANTS):
                change = VARIANTS.get(variant, str)
                for n, text in enumerate(texts):
                    record = {"id": f"{variant}:{n}", "text": change(text)}
                    file.write(json.dumps(record) + "\n")
        computing, tally = Null(10**9), Tally()
        paths = Paths.of(Path(folder) / "out.jsonl")
        began = time.perf_counter()
        job = Job((str(dump),), paths, index_boilerplate=True)
        asyncio.run(run(job, computing, Progress(tally), tally))
        count = len(texts) * (1 + len(VARIANTS))
        rate = count / (computing.began - began)
        print(f"{count:,} articles, first pass {rate:,.0f} articles/s")
        found: Counter[str] = Counter()
        with paths.output.open() as file:
            for line in map(json.loads, file):
                variant, _, number = line["id"].partition(":")
                first = line.get("duplicate_of", {}).get("id", "")
                found[variant] += first == f":{number}"  # a cut story may be another's first
                found["wrong"] += first.rpartition(":")[2] not in ("", number)
                found["distinct"] += not variant and bool(first)
        for variant in VARIANTS:
            print(f"{variant.ljust(30)}{found[variant] / len(texts):8.1%} found")
        print(f"articles taken for a copy of another one: {found['wrong']}")
        print(f"of those not planted: {found['distinct']}")


class Noting(ProcessLane):
    """A lane that remembers its units and how many tokens each came to."""

    done: ClassVar[list[tuple[int, Unit]]] = []
    last: ClassVar[ProcessLane | None] = None

    async def run(self, batch: Batch, spare: Spare = nothing) -> Sequence[Output]:
        """Run, and note."""
        outputs = await super().run(batch, spare)
        Noting.last = self
        Noting.done += [(o.output_tokens, u) for o, u in zip(outputs, batch.units, strict=True)]
        return outputs


class Timed(InProcess):
    """Notes when the models were ready, as loading is not compared, and what the lane did.

    At its end, while the lane is still there, it has it compute the same units again.
    """

    ready = 0.0
    busy = 0.0  # seconds
    padding = 0.0  # share of the tokens computed
    budgets: Sequence[int] = ()
    offline: Mapping[int, float] = {}  # seconds by budget

    async def __aenter__(self) -> Timed:
        """Load."""
        Noting.done = []
        await super().__aenter__()
        Noting.done = []  # what warmed it up is not the job's
        self.ready = time.perf_counter()
        return self

    async def __aexit__(self, *given: Any) -> None:
        """Look, compute again, then end."""
        queues = self._pipeline.stats().queues.values()
        self.busy = sum(queue.busy_seconds for queue in queues)
        padded = sum(queue.padded_tokens for queue in queues)
        self.padding = 1 - sum(queue.tokens for queue in queues) / padded
        units = list(Noting.done)
        self.offline = {budget: await offline(units, budget) for budget in self.budgets}
        await super().__aexit__(*given)


async def offline(units: Sequence[tuple[int, Unit]], budget: int) -> float:
    """Seconds for units in sorted batches, everything known beforehand, nothing in between."""
    assert Noting.last
    began = time.perf_counter()
    for batch in sorted_batches(units, budget):
        await ProcessLane.run(Noting.last, batch)
    return time.perf_counter() - began


def sorted_batches(units: Sequence[tuple[int, Unit]], budget: int) -> Iterator[Batch]:
    """Batches of one model and decoding, of neighbours in length, up to so many padded tokens."""
    groups: defaultdict[tuple[str, Hashable], list[tuple[int, Unit]]] = defaultdict(list)
    for pair in units:
        groups[pair[1].queue, pair[1].profile].append(pair)
    for group in groups.values():
        group.sort(key=lambda pair: (pair[0], pair[1].input_tokens))
        batch: list[Unit] = []
        for _, unit in group:
            if batch and Batch((*batch, unit)).padded > budget:
                yield Batch(tuple(batch))
                batch = []
            batch.append(unit)
        yield Batch(tuple(batch))


async def at_once(computing: Timed, texts: Sequence[str]) -> float:
    """Seconds that the pipeline needs for all the articles, given at once."""
    async with computing:
        requests = [DigestRequest(Article(str(n), text=text)) for n, text in enumerate(texts)]
        await asyncio.gather(*map(computing.digest, requests))
        return time.perf_counter() - computing.ready


async def batched(computing: Timed, path: Path, count: int, folder: str) -> float:
    """Seconds that a job needs, from the models' being ready to the last line."""
    job = Job((str(path),), Paths.of(Path(folder) / "out.jsonl"), limit=count)
    tally = Tally()
    await run(job, computing, Progress(tally), tally)
    manifest = json.loads(job.paths.manifest.read_text())
    assert manifest["counts"]["digests"] == count, manifest["counts"]
    return tally.last - computing.ready


def articles(
    path: Path, count: int, settings: EngineSettings, budgets: Sequence[int], *, also_at_once: bool
) -> None:
    """Measure and print what the runner leaves of the ceiling."""
    pipeline.ProcessLane = Noting
    job = Timed(settings)
    job.budgets = budgets
    with tempfile.TemporaryDirectory() as folder:
        took = asyncio.run(batched(job, path, count, folder))
    best = min(job.offline.values())
    print(f"{count} articles, {len(Noting.done)} units")
    rows = [("", "seconds", "articles/s", "of ceiling", "lane busy", "padding")]
    for budget, seconds in job.offline.items():
        share = f"{best / seconds:.2f}"
        rows.append((f"offline, {budget:,}", f"{seconds:.1f}", f"{count / seconds:.3f}", share))
    if also_at_once:
        with path.open() as file:
            values = [json.loads(line) for line in itertools.islice(file, count)]
        texts = [value.get("text") or value["article"] for value in values]
        whole = asyncio.run(at_once(alone := Timed(settings), texts))
        shares = f"{best / whole:.2f}", f"{alone.busy / whole:.1%}", f"{alone.padding:.1%}"
        rows.append(("all at once", f"{whole:.1f}", f"{count / whole:.3f}", *shares))
    shares = f"{best / took:.2f}", f"{job.busy / took:.1%}", f"{job.padding:.1%}"
    rows.append(("svodka batch", f"{took:.1f}", f"{count / took:.3f}", *shares))
    for name, *cells in rows:
        print(name.ljust(18) + "".join(cell.rjust(12) for cell in cells))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = parser.add_subparsers(dest="which", required=True)
    one = which.add_parser("null")
    one.add_argument("--records", type=int, default=1_000_000)
    one.add_argument("--index", action="store_true", help="with the first pass over the dump")
    four = which.add_parser("search")
    four.add_argument("--records", type=int, default=1_000_000)
    three = which.add_parser("copies")
    three.add_argument("path", type=Path)
    two = which.add_parser("articles")
    two.add_argument("path", type=Path)
    two.add_argument("--count", type=int, default=50)
    two.add_argument("--preset", default="starter")
    two.add_argument("--batch-seconds", type=float, default=DEFAULTS["batch_seconds"])
    two.add_argument("--at-once", action="store_true")
    two.add_argument("--budgets", type=int, nargs="+", default=[2048, 4096, 8192])
    two.add_argument("--translator", help="in the place of the preset's; a small one is quick")
    given = parser.parse_args()
    if given.which == "null":
        null(given.records, index=given.index)
    elif given.which == "search":
        search(given.records)
    elif given.which == "copies":
        copies(given.path)
    else:
        articles(
            given.path,
            given.count,
            EngineSettings(
                preset=given.preset,
                translator=given.translator,
                batch_seconds=given.batch_seconds,
            ),
            given.budgets,
            also_at_once=given.at_once,
        )
    load = os.getloadavg()[0]
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}")


if __name__ == "__main__":
    main()
