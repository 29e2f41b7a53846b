"""Paragraphs that stand in many articles of a source: appeals, newsletter boxes, notices.

A first pass over the dump counts, exactly and in bounded memory: every paragraph
becomes twenty bytes, the bytes are spilled to disk in portions by their first
bits, and each portion is counted by itself. What is found is stored beside the
output, so the order of the records, a resumed run and any number of workers
change nothing. A source is a host of an ``url``; articles without one are one.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from service.batch.reading import Item
from service.batch.record import Record
from service.cleaning import clean_article
from service.cleaning.blocks import paragraph_offsets
from service.pipeline.workers import Workers
from service.schema import Article, Range

LEAST = 5  # articles of a source in which a paragraph is no chance,
SHARE = 0.01  # and their share among the source's
_PORTIONS = 64
_SOURCES = 1 << 20  # counters of articles; sources that share one are rare
_BUFFER = 1 << 16
_ENTRY = np.dtype([("key", "<u8"), ("article", "<u8"), ("source", "<u4")])

Offsets = list[tuple[int, int]]


class Paragraphs:
    """Finds articles' paragraphs: a text's here, a page's in worker processes."""

    def __init__(self, workers: int) -> None:
        self._count = workers
        self._workers: Workers | None = None
        self._room = asyncio.Semaphore(4 * workers)

    async def of(self, article: Article) -> tuple[str, Offsets]:
        """The text that offsets lie on, and those of its paragraphs."""
        if article.html is None:
            text = article.text or ""
            return text, paragraph_offsets(text)
        if self._workers is None:
            self._workers = Workers(self._count, _nothing)
        async with self._room:
            return await self._workers.run(_page_paragraphs, article)

    async def close(self) -> None:
        """End the workers."""
        if self._workers:
            await self._workers.close()


class Marking:
    """Says of each article which of its paragraphs are repeated."""

    def __init__(self, paragraphs: Paragraphs, boilerplate: Boilerplate) -> None:
        self._paragraphs = paragraphs
        self._boilerplate = boilerplate

    async def ranges(self, article: Article) -> tuple[Range, ...]:
        """Where they stand. Raises as ``Workers.run`` does."""
        if not len(self._boilerplate):
            return ()
        text, offsets = await self._paragraphs.of(article)
        return self._boilerplate.ranges(article, text, offsets)


class Boilerplate:
    """The paragraphs that are repeated, by their keys."""

    def __init__(self, keys: np.ndarray, fingerprint: str) -> None:
        self._keys = keys
        self.fingerprint = fingerprint

    def __len__(self) -> int:
        return len(self._keys)

    def ranges(self, article: Article, text: str, offsets: Offsets) -> tuple[Range, ...]:
        """Where repeated paragraphs stand in ``text``."""
        if not (offsets and len(self._keys)):
            return ()
        source = source_of(article)
        keys = np.array([key_of(source, text[a:b]) for a, b in offsets], "<u8")
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        found = self._keys[at] == keys
        if found.all():  # a story that was told again and again is a story still
            return ()
        return tuple(Range(a, b) for (a, b), is_in in zip(offsets, found, strict=True) if is_in)

    def save(self, path: Path) -> None:
        """Write it, whole or not at all."""
        fresh = path.with_name(path.name + ".tmp")
        with fresh.open("wb") as file:
            np.savez(file, keys=self._keys, fingerprint=np.array(self.fingerprint))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    @staticmethod
    def load(path: Path) -> Boilerplate | None:
        """What was saved; None if there is nothing that can be read."""
        try:
            with np.load(path, allow_pickle=False) as data:
                return Boilerplate(data["keys"], str(data["fingerprint"]))
        except (OSError, ValueError, KeyError, EOFError):
            return None


async def counted(
    items: AsyncIterable[Item], paragraphs: Paragraphs, fingerprint: str
) -> Boilerplate:
    """Count the paragraphs of all records."""
    with tempfile.TemporaryDirectory(prefix="svodka-") as folder:
        count = _Count(Path(folder))
        pending: set[asyncio.Task[None]] = set()

        async def add(article: Article) -> None:
            text, offsets = await paragraphs.of(article)
            count.add(source_of(article), {text[a:b] for a, b in offsets})

        async for item in items:
            if not isinstance(item, Record):
                continue
            if item.article.html is None:
                await add(item.article)
                continue
            pending.add(asyncio.create_task(_quiet(add(item.article))))
            if len(pending) > _PORTIONS:
                _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*pending)
        return Boilerplate(await asyncio.to_thread(count.repeated), fingerprint)


async def _quiet(adding: Any) -> None:
    """A page that cannot be read is an error of the second pass, not of the first."""
    with suppress(Exception):
        await adding


class _Count:
    """Counts articles by paragraph and by source."""

    def __init__(self, folder: Path) -> None:
        self._files = [(folder / f"{n}").open("wb+") for n in range(_PORTIONS)]
        self._articles = np.zeros(_SOURCES, "<u4")
        self._buffer: list[tuple[int, int, int]] = []

    def add(self, source: str, paragraphs: set[str]) -> None:
        """One article of a source, each of its paragraphs once."""
        number = _number(source.encode()) % _SOURCES
        self._articles[number] += 1
        keys = {key_of(source, paragraph) for paragraph in paragraphs}
        # Copies of an article are one article, else their story would be boilerplate.
        article = _number(b"".join(key.to_bytes(8) for key in sorted(keys)))
        self._buffer += ((key, article, number) for key in keys)
        if len(self._buffer) >= _BUFFER:
            self._spill()

    def repeated(self) -> np.ndarray:
        """The sorted keys of the paragraphs that stand in enough articles of their source."""
        self._spill()
        found = [np.zeros(0, "<u8")]
        for file in self._files:
            file.seek(0)
            entries = np.frombuffer(file.read(), _ENTRY)
            file.close()
            distinct = np.unique(entries)
            keys, first, counts = np.unique(distinct["key"], return_index=True, return_counts=True)
            articles = self._articles[distinct["source"][first]]
            found.append(keys[counts >= np.maximum(LEAST, SHARE * articles)])
        return np.concatenate(found)

    def _spill(self) -> None:
        entries = np.array(self._buffer, _ENTRY)
        self._buffer.clear()
        portions = entries["key"] >> np.uint64(64 - 6)
        for n, file in enumerate(self._files):
            file.write(entries[portions == n].tobytes())


def source_of(article: Article) -> str:
    """Whose article it is, as far as its address tells."""
    try:
        return (urlsplit(article.url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def key_of(source: str, paragraph: str) -> int:
    """What equal paragraphs of one source have in common, white space and case apart."""
    words = " ".join(paragraph.split()).casefold()
    return _number(f"{source}\0{words}".encode(errors="replace"))


def _number(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


def _nothing() -> None:
    """Nothing has to be set up."""


def _page_paragraphs(article: Article) -> tuple[str, Offsets]:
    cleaned = clean_article(article)
    return cleaned.flat, [(p.start, p.end) for p in cleaned.paragraphs]
