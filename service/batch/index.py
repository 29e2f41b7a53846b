"""The first pass over a dump: what only all of it tells about each of its articles.

Which paragraphs stand in many articles (``boilerplate``), and which articles nearly
are earlier ones (``copies``). Each article is cleaned in a worker process. What is
found is stored beside the output, so the order of the records, a resumed run and
any number of workers change nothing.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from typing import NamedTuple

from service.batch.boilerplate import Boilerplate, Counting, Offsets, key_of, source_of
from service.batch.copies import Copies, Search, Signature, signature
from service.batch.job import Job
from service.batch.ledger import Ledger, OutputFailed
from service.batch.progress import Progress, Tally
from service.batch.reading import Item, Journey, ReadAhead, Selector, records
from service.batch.record import Place, Record
from service.cleaning import Cleaned, clean_article
from service.cleaning.blocks import paragraph_offsets
from service.errors import ComputeFailed
from service.pipeline.cores import usable_cores
from service.pipeline.workers import Workers
from service.schema import Article, Limits, Range

_PORTION = 32  # articles that a worker gets at once,
_CHARS = 1 << 18  # or so much text


class Index:
    """What the first pass found, for the second."""

    def __init__(
        self, boilerplate: Boilerplate, copies: Copies, workers: Workers, *, skip_cleaning: bool
    ) -> None:
        self.copies = copies
        self._boilerplate = boilerplate
        self._workers = workers
        self._skip = skip_cleaning
        self._room = asyncio.Semaphore(4 * usable_cores())

    @staticmethod
    def load(job: Job) -> Index:
        """What another process has made, to be read only. Raises OutputFailed if it is gone."""
        boilerplate = Boilerplate.load(job.paths.boilerplate)
        copies = Copies.load(job.paths.copies, write=False)
        if boilerplate is None or copies is None:
            raise OutputFailed(f"{job.paths.copies} and its neighbour are not found here")
        workers = Workers(1, _nothing)
        return Index(boilerplate, copies, workers, skip_cleaning=job.request.skip_cleaning)

    def placed(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items, each article with what is known of its copies. It reads from the disk."""
        for item in items:
            if isinstance(item, Record):
                first = self.copies.first_of(item.place)
                has_copies = first is None and self.copies.is_first(item.place)
                item = replace(item, duplicate_of=first, has_copies=has_copies)
            yield item

    async def repeated(self, article: Article) -> tuple[Range, ...]:
        """Where an article's repeated paragraphs stand. Raises as ``Workers.run`` does."""
        if not len(self._boilerplate):
            return ()
        if article.html is None:
            text, offsets = _text_paragraphs(article)
        else:
            async with self._room:
                text, offsets = await self._workers.run(_page_paragraphs, article, self._skip)
        return self._boilerplate.ranges(article, text, offsets)


@asynccontextmanager
async def opened(job: Job, ledger: Ledger, progress: Progress) -> AsyncIterator[Index]:
    """The index of a job, made now or by an earlier run. Raises OutputFailed."""
    workers = Workers(usable_cores(), _nothing)
    try:
        try:
            found = await asyncio.to_thread(_load, job, ledger.fingerprint)
            if found is None:
                await _make(job, ledger, progress, workers)
                found = await asyncio.to_thread(_load, job, ledger.fingerprint)
                assert found
                progress.say(
                    f"{len(found[0]):,} paragraphs stand in many articles, "
                    f"{found[1].count:,} articles are copies of earlier ones"
                )
        except (OSError, sqlite3.Error) as error:
            raise ledger.failed(error) from error
        boilerplate, copies = found
        with closing(copies):
            yield Index(boilerplate, copies, workers, skip_cleaning=job.request.skip_cleaning)
    finally:
        await workers.close()


def _load(job: Job, fingerprint: str) -> tuple[Boilerplate, Copies] | None:
    boilerplate = Boilerplate.load(job.paths.boilerplate)
    copies = Copies.load(job.paths.copies)
    if boilerplate is None or copies is None:
        return None
    if not boilerplate.fingerprint == copies.fingerprint == fingerprint:
        copies.close()
        return None
    return boilerplate, copies


async def _make(job: Job, ledger: Ledger, progress: Progress, workers: Workers) -> None:
    """Read the dump, and write what is found of it beside the output."""
    progress.say("reading once before, for repeated paragraphs and copies …")
    everything = Selector(lambda _: False)
    ahead = ReadAhead(records(ledger.files(), job.mapping, everything, Journey(ledger.bytes)))
    scratch = job.paths.copies.with_suffix(".tmp")
    shutil.rmtree(scratch, ignore_errors=True)  # what a killed run left
    scratch.mkdir()
    try:
        with closing(Search(scratch / "search.sqlite")) as search:
            counting, tally = Counting(scratch), Tally()
            reading = _FirstPass(workers, counting, search, tally, job.request.skip_cleaning)
            async with progress.of(tally):
                await reading.read(ahead)
            repeated = await asyncio.to_thread(counting.repeated)
            await asyncio.to_thread(search.save, job.paths.copies, ledger.fingerprint)
        boilerplate = Boilerplate(repeated, ledger.fingerprint)
        await asyncio.to_thread(boilerplate.save, job.paths.boilerplate)
    finally:
        ahead.stop()
        shutil.rmtree(scratch, ignore_errors=True)


class _FirstPass:
    """Has the workers look at all articles, and notes what they see."""

    def __init__(
        self,
        workers: Workers,
        counting: Counting,
        search: Search,
        tally: Tally,
        skip_cleaning: bool,
    ) -> None:
        self._workers = workers
        self._counting = counting
        self._search = search
        self._tally = tally
        self._skip = skip_cleaning
        self._longest = Limits().max_article_chars

    async def read(self, ahead: ReadAhead) -> None:
        """Read everything, with a few portions for each worker at a time."""
        pending: set[asyncio.Task[None]] = set()
        number = 0
        portion: list[tuple[int, Record]] = []
        chars = 0
        async for item in ahead:
            length = len(_body(item.article)) if isinstance(item, Record) else self._longest + 1
            if isinstance(item, Record) and length <= self._longest:  # else it will be refused
                number += 1
                portion.append((number, item))
                chars += length
            if len(portion) >= _PORTION or chars >= _CHARS:
                pending.add(asyncio.create_task(self._note(portion)))
                portion, chars = [], 0
            if len(pending) > 4 * usable_cores():
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        await asyncio.gather(self._note(portion), *pending)

    async def _note(self, portion: Sequence[tuple[int, Record]]) -> None:
        articles = [record.article for _, record in portion]
        found: list[tuple[int, Place, str, Signature]] = []
        for (number, record), sighting in zip(portion, await self._seen(articles), strict=True):
            self._tally.done += 1
            self._tally.pass_by(record.share)
            if sighting is None:
                continue
            self._counting.add(source_of(record.article), sighting.keys)
            if sighting.signature:
                found.append((number, record.place, record.article.id, sighting.signature))
        self._search.add(found)

    async def _seen(self, articles: list[Article]) -> list[_Sighting | None]:
        try:
            return await self._workers.run(_looked, articles, self._skip)
        except ComputeFailed:  # one of them kills its worker
            if len(articles) == 1:
                return [None]
            return [(await self._seen([article]))[0] for article in articles]


class _Sighting(NamedTuple):
    """What is kept of an article: its paragraphs' keys, its story's signature."""

    keys: set[int]
    signature: Signature | None


def _looked(articles: Sequence[Article], skip_cleaning: bool) -> list[_Sighting | None]:
    """Look at articles, in a worker; None for one that cannot be read: the second pass says why."""
    seen: list[_Sighting | None] = []
    for article in articles:
        try:
            seen.append(_sighting(article, clean_article(article, skip_cleaning=skip_cleaning)))
        except Exception:
            seen.append(None)
    return seen


def _sighting(article: Article, cleaned: Cleaned) -> _Sighting:
    if article.html is None:
        text, offsets = _text_paragraphs(article)
    else:
        text, offsets = _paragraphs(cleaned)
    source = source_of(article)
    return _Sighting({key_of(source, text[a:b]) for a, b in offsets}, signature(cleaned.text))


def _text_paragraphs(article: Article) -> tuple[str, Offsets]:
    return _body(article), paragraph_offsets(_body(article))


def _page_paragraphs(article: Article, skip_cleaning: bool) -> tuple[str, Offsets]:
    return _paragraphs(clean_article(article, skip_cleaning=skip_cleaning))


def _paragraphs(cleaned: Cleaned) -> tuple[str, Offsets]:
    return cleaned.flat, [(p.start, p.end) for p in cleaned.paragraphs]


def _body(article: Article) -> str:
    return article.text or article.html or ""


def _nothing() -> None:
    """Nothing has to be set up."""
