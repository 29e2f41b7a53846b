"""One answer for an article and its copies: ``--compute-once``.

An article that has copies leaves its answer in the file of the copies, before its line
is written; a copy takes it from there, or waits for it while it is being computed. A copy
that finds none, because its first failed or is not read in this run, is computed itself,
and so is one that lacks a number which the answer has: stories made from one template
are alike in all but their numbers.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Iterable
from dataclasses import replace

from service.batch.copies import Copies
from service.batch.record import Record
from service.schema import Article, Digest, Usage
from service.wire import from_json, to_json

_NUMBERS = re.compile(r"\d+(?:[.,:]\d+)*")
_TAGS = re.compile(r"<[^>]*>")


class Answers:
    """The answers that copies are given. All but ``keep`` belongs to the event loop."""

    def __init__(self, copies: Copies) -> None:
        self._copies = copies
        self._coming: dict[str, asyncio.Future[Digest]] = {}

    async def awaited(self, record: Record, work: Awaitable[Digest]) -> Digest:
        """What ``work`` answers an article with copies. Call it before any of those is in work."""
        coming = self._coming[str(record.place)] = asyncio.get_running_loop().create_future()
        try:
            digest = await work
        except BaseException:
            coming.cancel()
            raise
        coming.set_result(digest)
        return digest

    async def reused(self, record: Record) -> Digest | None:
        """The answer of the first of a copy, if there is one that holds for the copy too."""
        assert record.duplicate_of
        first = record.duplicate_of.input
        if coming := self._coming.get(first):
            await asyncio.wait([coming])
            digest = None if coming.cancelled() else coming.result()
        else:
            kept = await asyncio.to_thread(self._copies.answer, first)
            digest = from_json(json.loads(kept), Digest) if kept else None
        if digest is None or not _holds(digest, record.article):
            return None
        return replace(digest, usage=Usage())  # it cost nothing

    def keep(self, answered: Iterable[tuple[Record, Digest]]) -> None:
        """Bring answers to the disk. Raises sqlite3.Error."""
        pairs = [(str(r.place), json.dumps(to_json(digest)).encode()) for r, digest in answered]
        if pairs:
            self._copies.keep(pairs)

    def forget(self, record: Record) -> None:
        """It is on the disk, or failed: nobody needs to wait for it."""
        self._coming.pop(str(record.place), None)


def _holds(digest: Digest, article: Article) -> bool:
    text = article.text if article.html is None else _TAGS.sub(" ", article.html)
    return set(_NUMBERS.findall(digest.summary_en)) <= set(_NUMBERS.findall(text or ""))
