"""``--dry-run``: what a job would read, and about how long it would take. Nothing is written."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from service.batch.computing import Computing
from service.batch.inputs import files
from service.batch.job import Job
from service.batch.progress import clock
from service.batch.reading import Journey, Selector, fields_of, records
from service.batch.record import Record, Refused
from service.errors import SvodkaError

SAMPLE = 8  # articles that are computed for the estimate, drawn from all of them
_NAMED = 5  # faults that are told one by one


@dataclass(frozen=True)
class Rehearsal:
    """The counts of a dump, some of its articles, and its first faults."""

    articles: int
    faults: int
    sample: tuple[Record, ...]
    first_faults: tuple[Refused, ...]

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.articles:,} articles, {self.faults:,} records that are none"
        for fault in self.first_faults:
            yield f"{fault.place}: {fault.malformed.message}"


def guesses(job: Job) -> Iterator[str]:
    """Which fields are read as what, for the first file of each format."""
    seen: set[str] = set()
    for file in files(job.inputs, job.form, job.own):
        if file.path == "-":
            continue
        form = file.form or file.path
        if form not in seen:
            seen.add(form)
            found = job.mapping.guessed(fields_of(file, job.mapping))
            told = ", ".join(f"{role} from {name!r}" for role, name in found.items())
            yield f"{file.path}: {told or 'no field that is known'}"


def rehearsed(job: Job) -> Rehearsal:
    """Read all of a dump."""
    selector = Selector(lambda _: False, sample=job.sample, limit=job.limit)
    articles = faults = 0
    sample: list[Record] = []
    first: list[Refused] = []
    chance = random.Random(0)  # noqa: S311 - the same sample on every run
    inputs = files(job.inputs, job.form, job.own)
    for item in records(inputs, job.mapping, selector, Journey(0)):
        if isinstance(item, Refused):
            faults += 1
            first += [item][: _NAMED - len(first)]
            continue
        articles += 1
        if len(sample) < SAMPLE:
            sample.append(item)
        elif (place := chance.randrange(articles)) < SAMPLE:
            sample[place] = item
    return Rehearsal(articles, faults, tuple(sample), tuple(first))


async def estimated(job: Job, rehearsal: Rehearsal, computing: Computing) -> str:
    """Compute the sample, and tell what all would take."""
    async with computing:
        requests = [replace(job.request, article=r.article) for r in rehearsal.sample]
        began = time.monotonic()
        results = await asyncio.gather(*map(computing.digest, requests), return_exceptions=True)
        took = time.monotonic() - began
    failed = sum(isinstance(result, SvodkaError) for result in results)
    if not requests:
        return "nothing to compute"
    seconds = rehearsal.articles * took / len(requests)
    told = f"about {clock(seconds)} for all, by {len(requests)} articles in {took:.1f} s"
    return f"{told}, {failed} of which failed" if failed else told
