"""A job on a Ray cluster: ``svodka batch --runner ray``.

Ray Data reads the files in tasks and hands portions of records to a pool of
actors, each of which holds the models and writes its portion as one Parquet
part, named by its file, the run and its number. What earlier runs have written
is known before, and passed over. The inputs, the models and the output's folder
must be where every machine finds them.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import socket
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import blake2b
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import urlsplit

from service.batch.completion import Places
from service.batch.computing import InProcess
from service.batch.extras import needed
from service.batch.index import Index, opened
from service.batch.inputs import File
from service.batch.job import Job
from service.batch.ledger import Ledger, Line, refusal
from service.batch.outputs import PlainLines, key_of, text_lines
from service.batch.parts import write_part
from service.batch.progress import Progress, Tally
from service.batch.reading import Item, Journey, Selector, records
from service.batch.record import Malformed, Place, Record, Refused
from service.batch.run import Outcome
from service.errors import Unavailable
from service.pipeline import Pipeline
from service.rpc.status import Status, status_of
from service.schema import Article, Digest, Finding
from service.settings import EngineSettings
from service.wire import from_json, to_json

T = TypeVar("T")

STARTS = 3  # of a Ray on this machine, before it is given up
REACH_SECONDS = 10.0


@dataclass(frozen=True)
class Cluster:
    """``address`` as Ray has it, "" for this machine; ``actors`` 0 for as many as fit.

    ``portion`` is the records of one part: some minutes of work, and what a machine
    that is lost costs.
    """

    address: str = ""
    actors: int = 0
    portion: int = 200


def run_on_ray(
    job: Job, settings: EngineSettings, cluster: Cluster, progress: Progress, tally: Tally
) -> Outcome:
    """Carry a job out on a cluster.

    Raises:
        InvalidRequest, Changed, OutputFailed: see ``Ledger``.
        ExtraMissing: Ray is not installed.
        Unavailable: there is no cluster at the address, or Ray does not start here.
    """
    ray = needed("ray", "clusters", "ray")
    needed("ray.data", "clusters", "ray")
    if cluster.address not in {"", "auto", "local"}:
        _reach(cluster.address)  # before anything is written: a mistyped one begins no output
    # Many actors on a machine share its cores, so each has what it is given and no more.
    settings = replace(settings, threads=settings.threads or 1, lanes=settings.lanes or 1)
    ledger = Ledger(job)
    try:
        ledger.open()
        _gather_errors(job)  # of a run that was killed
        ledger.begin(Pipeline(settings).info.models)
        if job.index_boilerplate:
            asyncio.run(_indexed(job, ledger, progress))
        _begin(ray, cluster.address)
        try:
            cores = int(ray.cluster_resources().get("CPU", 1))
            actors = cluster.actors or max(1, (cores - 1) // settings.threads)
            progress.say(f"{actors} actors of {settings.threads} threads on {cores} cores")
            worked: Counter[str] = Counter()
            for row in _rows(ray.data, job, ledger, settings, replace(cluster, actors=actors)):
                worked[row.pop("actor")] += 1
                tally.add(**row)
            progress.say(f"{worked.total()} parts by {len(worked)} actors")
        finally:
            ray.shutdown()
        _gather_errors(job)
        ledger.recount()
        ledger.close("finished")
    except BaseException:
        ledger.abandon()
        raise
    errors = ledger.failures
    return Outcome(tally, len(ledger.done) - errors, errors, ledger.repeated_ids, 0, False)


def _begin(ray: Any, address: str) -> None:
    """Join the cluster at ``address``, or start Ray here.

    Ray gives its first process 30 seconds, which a busy machine can take: it is started
    again.
    """
    for left in reversed(range(1 if address else STARTS)):
        try:
            ray.init(address or None, log_to_driver=False, configure_logging=False)
            return
        except Exception as error:
            ray.shutdown()
            if not left:
                raise Unavailable(f"Ray does not start: {error}") from error


def _reach(address: str) -> None:
    """Does anybody listen there? Ray itself would ask for minutes."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), REACH_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise Unavailable(
            f"--ray-address: no cluster answers at {address!r} ({error}); "
            "HOST:6379 is the usual one, ray://HOST:10001 from outside of the cluster"
        ) from error


def _rows(
    data: Any, job: Job, ledger: Ledger, settings: EngineSettings, cluster: Cluster
) -> Iterator[dict[str, Any]]:
    """The counts of each part and the actor that wrote it, as it is written."""
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = 1  # each portion goes to whichever actor is free
    files = list(_shares(job, ledger))
    parts = (
        data.from_items(files, override_num_blocks=len(files))
        .flat_map(partial(_portions, job, cluster.portion, _runs(job)), num_cpus=0)
        .map_batches(
            _Digester,
            fn_constructor_args=(job, settings),
            batch_size=1,
            batch_format="numpy",
            compute=data.ActorPoolStrategy(size=cluster.actors),
            num_cpus=settings.threads,
            num_gpus=1 if settings.device.startswith("cuda") else 0,
        )
    )
    for row in parts.iter_rows():
        yield {name: v if isinstance(v, str) else int(v) for name, v in row.items()}


async def _indexed(job: Job, ledger: Ledger, progress: Progress) -> None:
    """Have the index made here, beside the output, where the actors find it."""
    async with opened(job, ledger, progress):
        pass


def _shares(job: Job, ledger: Ledger) -> Iterator[dict[str, Any]]:
    """The files, what of each is done, and how many of its records are wanted, -1 for all."""
    wanted: Counter[str] = Counter()
    if job.limit is not None:  # the first so many of all files: those are read here, too
        selector = Selector(lambda _: False, sample=job.sample, limit=job.limit)
        for item in records(ledger.files(), job.mapping, selector, Journey(0)):
            wanted[item.place.path] += 1
    for file in ledger.files():
        limit = -1 if job.limit is None else wanted[file.path]
        if limit:
            yield {**asdict(file), "done": ledger.done.bits(file.path), "limit": limit}


def _runs(job: Job) -> int:
    """How many runs have written parts, or begun to."""
    names = (path.stem for path in job.paths.output.glob("*part-*-*-*"))
    return max((int(name.split("-")[2]) for name in names), default=0)


def _portions(job: Job, size: int, runs: int, row: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Read a file, and give the portions of what is not done, but those whose part is there."""
    done, limit = bytes(row.pop("done")), int(row.pop("limit"))
    file = File(**row)
    selector = Selector(
        Places.of(file.path, done).__contains__,
        sample=job.sample,
        limit=None if limit < 0 else limit,
    )
    items = records([file], job.mapping, selector, Journey(0))
    name = blake2b(file.path.encode(errors="replace"), digest_size=8).hexdigest()
    number = 0
    while portion := list(islice(items, size)):
        part = f"part-{name}-{runs + 1:04}-{number:06}"
        number += 1
        # Ray may come here again in the same run, when it has lost what it was given.
        if not (job.paths.output / f"{part}.parquet").exists():
            yield {"part": part, "items": json.dumps([_packed(item) for item in portion])}


class _Digester:
    """An actor: the models, and a loop that asks them."""

    def __init__(self, job: Job, settings: EngineSettings) -> None:
        self._job = job
        self._name = f"{platform.node()}:{os.getpid()}"
        self._index: Index | None = None
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._computing = InProcess(settings)
        self._do(self._start())

    async def _start(self) -> None:
        await self._computing.__aenter__()
        if self._job.index_boilerplate:
            self._index = Index.load(self._job)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        items = [_unpacked(packed) for packed in json.loads(str(batch["items"][0]))]
        lines = self._do(self._digests(items))
        good = [line for line in lines if isinstance(line.outcome, Digest)]
        bad = [line for line in lines if not isinstance(line.outcome, Digest)]
        self._write(str(batch["part"][0]), good, bad)
        digests = [line.outcome for line in good if isinstance(line.outcome, Digest)]
        usages = [digest.usage for digest in digests]
        counts = {
            "done": len(good),
            "failed": len(bad),
            "findings": sum(len(digest.findings) for digest in digests),
            "tokens": sum(usage.input_tokens + usage.output_tokens for usage in usages),
        }
        return {"actor": [self._name], **{name: [value] for name, value in counts.items()}}

    def _write(self, part: str, good: list[Line], bad: list[Line]) -> None:
        """The errors first: the part is what says that its portion is done."""
        folder = self._job.paths.output
        errors = folder / f"_{part}.errors.jsonl"
        errors.unlink(missing_ok=True)
        if bad:
            with closing(PlainLines(errors)) as file:
                file.write([line.encoded() for line in bad])
        write_part(folder / f"{part}.parquet", [json.loads(line.encoded()) for line in good])

    async def _digests(self, items: list[Item]) -> list[Line]:
        room = asyncio.Semaphore(self._computing.window)

        async def settled(item: Item) -> Line:
            if isinstance(item, Refused):
                return Line(item.place, item.malformed.id, refusal(item.malformed))
            async with room:
                outcome = await self._outcome(item)
                return Line(item.place, item.article.id, outcome, item.duplicate_of)

        if self._index:
            items = await asyncio.to_thread(list, self._index.placed(items))
        return await asyncio.gather(*map(settled, items))

    async def _outcome(self, record: Record) -> Digest | Status:
        try:
            request = replace(self._job.request, article=record.article)
            repeated = await self._index.repeated(record.article) if self._index else ()
            digest = await self._computing.digest(request, repeated)
        except Unavailable:
            raise
        except Exception as error:
            return status_of(error)
        return replace(digest, findings=(*record.findings, *digest.findings))

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def _gather_errors(job: Job) -> None:
    """One errors file out of those of the parts; whole or not at all."""
    parts = sorted(job.paths.output.glob("_part-*.errors.jsonl"))
    if not parts:
        return
    fresh = job.paths.errors.with_name(job.paths.errors.name + ".tmp")
    with fresh.open("wb") as file:
        for part in parts:
            file.writelines(line for line in text_lines(part) if key_of(line))
    fresh.replace(job.paths.errors)


def _packed(item: Item) -> dict[str, Any]:
    if isinstance(item, Refused):
        return {"input": str(item.place), "malformed": asdict(item.malformed)}
    findings = [to_json(finding) for finding in item.findings]
    return {"input": str(item.place), "article": to_json(item.article), "findings": findings}


def _unpacked(packed: dict[str, Any]) -> Item:
    place = Place.parse(packed["input"])
    if "malformed" in packed:
        return Refused(place, Malformed(**packed["malformed"]))
    findings = tuple(from_json(finding, Finding) for finding in packed["findings"])
    return Record(place, from_json(packed["article"], Article), findings)
