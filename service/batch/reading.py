"""The records of a job, read in a thread of their own ahead of the computing.

``Selector`` says which records are wanted, ``records`` walks through the files,
``ReadAhead`` hands the results to the event loop in bounded portions.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from collections.abc import Mapping as Mapping_
from dataclasses import replace
from hashlib import blake2b

from service.batch.extras import ExtraMissing
from service.batch.inputs import File
from service.batch.mapping import Mapping
from service.batch.opening import Source
from service.batch.readers import READERS, Read, broken, read, sniffed
from service.batch.record import Malformed, Place, Record, Refused

Item = Record | Refused

_PORTION = 64  # records handed over at once,
_PORTION_CHARS = 1 << 20  # or so much text
_PORTIONS = 4  # read ahead


class Selector:
    """Which records are read: all but those done; a sample; the first so many; what failed.

    ``sample`` is a share of all records, the same ones on every run. ``limit``
    counts the records of the sample, done or not. ``broken`` has the files that
    broke off in an earlier run, and where: nothing behind is tried again.
    """

    def __init__(
        self,
        done: Callable[[Place], bool],
        *,
        sample: float = 1.0,
        limit: int | None = None,
        only: Callable[[Place], bool] | None = None,
        broken: Mapping_[str, int] | None = None,
    ) -> None:
        self._done = done
        self._sample = sample
        self._limit = limit
        self._left = limit
        self._only = only
        self._broken = broken or {}
        self.seen = 0
        self.skipped = 0

    @property
    def exhausted(self) -> bool:
        """Was the last record taken that may be?"""
        return self._left is not None and self._left <= 0

    @property
    def share(self) -> float:
        """How much of ``limit`` was taken, in [0, 1]; 0.0 without one."""
        return 1 - self._left / self._limit if self._limit and self._left is not None else 0.0

    def wants(self, place: Place) -> bool:
        """Ask once for each record, in order."""
        if self.exhausted or not self._sampled(place):
            return False
        first = self._broken.get(place.path)
        if first is not None and place.number > first:
            return False
        if self._left is not None:
            self._left -= 1
        self.seen += 1
        if self._done(place):
            self.skipped += 1
            return False
        return self._only is None or self._only(place)

    def _sampled(self, place: Place) -> bool:
        if self._sample >= 1.0:
            return True
        digest = blake2b(str(place).encode(errors="replace"), digest_size=8).digest()
        return int.from_bytes(digest) < self._sample * 2**64


class Journey:
    """How far the reading is, in bytes, for the progress bar."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._before = 0
        self._size = 0
        self._source: Source | None = None

    def enter(self, file: File, source: Source | None) -> None:
        """The next file begins."""
        self._before += self._size
        self._size = file.size or 0
        self._source = source

    @property
    def share(self) -> float:
        """In [0, 1]; 0.0 where the inputs' size is not known."""
        source = self._source
        here = self._size * source.share if source else 0.0
        return min(1.0, (self._before + here) / self.total) if self.total else 0.0


def records(
    files: Iterable[File], mapping: Mapping, selector: Selector, journey: Journey
) -> Iterator[Item]:
    """The wanted records of all files, in order, and in their places those that are none."""
    for file in files:
        if selector.exhausted:
            return
        for number, found in _read(file, mapping, selector, journey):
            place = Place(file.path, number)
            share = max(journey.share, selector.share)
            if not isinstance(found, Malformed):
                record = mapping.record(place, found)
                if isinstance(record, Record):
                    yield replace(record, share=share)
                    continue
                found = record
            yield Refused(place, found, share)


def fields_of(file: File, mapping: Mapping) -> list[str]:
    """The names of the fields of a file's first record that has any."""
    everything = Selector(lambda _: False)
    for _, found in _read(file, mapping, everything, Journey(0)):
        if not isinstance(found, Malformed):
            return list(found)
    return []


def _read(file: File, mapping: Mapping, selector: Selector, journey: Journey) -> Read:
    def wanted(number: int) -> bool:
        return selector.wants(Place(file.path, number))

    if file.fault:
        journey.enter(file, None)
        if wanted(0):
            yield 0, Malformed(f"cannot be read: {file.fault}", "UNREADABLE_FILE", last=True)
        return
    try:
        source = Source(file.path, file.size)
    except ExtraMissing:
        raise
    except Exception as error:  # every file system has exceptions of its own
        if wanted(0):
            yield 0, broken(error)
        return
    try:
        journey.enter(file, source)
        form = file.form or sniffed(source.head())
        if form not in READERS:
            if wanted(0):
                yield (
                    0,
                    Malformed(
                        "is of no format known by its name; see --format",
                        "UNREADABLE_FILE",
                        last=True,
                    ),
                )
            return
        for number, found in read(source, form, wanted, mapping):
            yield number, found
            if selector.exhausted:
                return
    finally:
        source.close()


class ReadAhead:
    """Items of an iterator that blocks, for an event loop that must not."""

    def __init__(self, items: Iterator[Item]) -> None:
        self._items = items
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[list[Item] | BaseException | None] = asyncio.Queue()
        self._room = threading.Semaphore(_PORTIONS)
        self._hungry = threading.Event()
        self._stopped = False
        # A daemon, because a read from a terminal or a pipe may never return.
        self._thread = threading.Thread(target=self._run, name="batch-reading", daemon=True)

    async def __aiter__(self) -> AsyncIterator[Item]:
        self._thread.start()
        while True:
            if self._queue.empty():
                self._hungry.set()
            portion = await self._queue.get()
            self._hungry.clear()
            if portion is None:
                return
            if isinstance(portion, BaseException):
                raise portion
            self._room.release()
            for item in portion:
                if self._stopped:
                    return
                yield item

    def stop(self) -> None:
        """Read no more; whoever iterates gets to the end."""
        self._stopped = True
        self._room.release()
        self._queue.put_nowait(None)

    def _run(self) -> None:
        portion: list[Item] = []
        size = 0
        try:
            for item in self._items:
                if self._stopped:
                    return
                portion.append(item)
                size += _chars(item)
                if len(portion) >= _PORTION or size >= _PORTION_CHARS or self._hungry.is_set():
                    self._hand(portion)
                    portion, size = [], 0
            self._hand(portion)
            self._tell(None)
        except ExtraMissing as error:
            self._hand(portion)
            self._tell(error)
        except BaseException as error:  # it is the loop's to raise
            self._tell(error)

    def _hand(self, portion: list[Item]) -> None:
        self._room.acquire()
        self._hungry.clear()
        self._tell(portion)

    def _tell(self, what: list[Item] | BaseException | None) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._queue.put_nowait, what)


def _chars(item: Item) -> int:
    if isinstance(item, Refused):
        return 0
    return len(item.article.text or item.article.html or "")
