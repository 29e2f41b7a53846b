"""A job on a Ray cluster: ``svodka batch --runner ray``.

Ray Data reads the files in tasks and hands portions of records to a pool of
actors, each of which holds the models and writes its portion as one Parquet
part. A portion is always the same records of a file, so a run that is resumed
passes over those whose part is there. The inputs, the models and the output's
folder must be where every machine finds them.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import blake2b
from itertools import islice
from typing import Any, TypeVar

from service.batch.computing import InProcess
from service.batch.extras import needed
from service.batch.inputs import File
from service.batch.job import Job
from service.batch.ledger import Ledger, Line, refusal
from service.batch.outputs import PlainLines
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
    """
    ray = needed("ray", "clusters", "ray")
    needed("ray.data", "clusters", "ray")
    # Many actors on a machine share its cores, so each has what it is given and no more.
    settings = replace(settings, threads=settings.threads or 1)
    ledger = Ledger(job)
    try:
        ledger.open()
        ledger.begin(Pipeline(settings).info.models)
        ray.init(cluster.address or None, log_to_driver=False, configure_logging=False)
        try:
            cores = int(ray.cluster_resources().get("CPU", 1))
            actors = cluster.actors or max(1, (cores - 1) // settings.threads)
            progress.say(f"{actors} actors of {settings.threads} threads on {cores} cores")
            for row in _rows(ray.data, job, ledger, settings, replace(cluster, actors=actors)):
                tally.add(**row)
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


def _rows(
    data: Any, job: Job, ledger: Ledger, settings: EngineSettings, cluster: Cluster
) -> Iterator[dict[str, int]]:
    """The counts of each part, as it is written."""
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = 1  # each portion goes to whichever actor is free
    files = [asdict(file) for file in ledger.files()]
    parts = (
        data.from_items(files, override_num_blocks=len(files))
        .flat_map(partial(_portions, job, cluster.portion), num_cpus=0)
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
        yield {name: int(value) for name, value in row.items()}


def _portions(job: Job, size: int, row: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Read a file, and give the portions whose part is not there."""
    file = File(**row)
    selector = Selector(lambda _: False, sample=job.sample)
    items = records([file], job.mapping, selector, Journey(0))
    name = blake2b(file.path.encode(errors="replace"), digest_size=8).hexdigest()
    number = 0
    while portion := list(islice(items, size)):
        part = f"part-{name}-{number:06}"
        number += 1
        if not (job.paths.output / f"{part}.parquet").exists():
            yield {"part": part, "items": json.dumps([_packed(item) for item in portion])}


class _Digester:
    """An actor: the models, and a loop that asks them."""

    def __init__(self, job: Job, settings: EngineSettings) -> None:
        self._job = job
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._computing = InProcess(settings)
        self._do(self._computing.__aenter__())

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[int]]:
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
        return {name: [value] for name, value in counts.items()}

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
                return Line(item.place, item.article.id, await self._outcome(item))

        return await asyncio.gather(*map(settled, items))

    async def _outcome(self, record: Record) -> Digest | Status:
        try:
            request = replace(self._job.request, article=record.article)
            digest = await self._computing.digest(request)
        except Unavailable:
            raise
        except Exception as error:
            return status_of(error)
        return replace(digest, findings=(*record.findings, *digest.findings))

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def _gather_errors(job: Job) -> None:
    """One errors file out of those of the parts; whole or not at all."""
    fresh = job.paths.errors.with_name(job.paths.errors.name + ".tmp")
    with fresh.open("wb") as file:
        for part in sorted(job.paths.output.glob("_part-*.errors.jsonl")):
            file.write(part.read_bytes())
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
