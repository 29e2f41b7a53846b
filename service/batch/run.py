"""A job from its first record to its last line: read, compute, write, all at once.

A record is taken when there is room, its digest is awaited beside a window of
others, and its line is written before its room is free again; so memory is
bounded by the window, whatever is slow. Ctrl-C, a full disk and dead servers
end the job early, and what was finished by then is written.
"""

from __future__ import annotations

import asyncio
import heapq
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace

from service.batch.answers import Answers
from service.batch.computing import Computing
from service.batch.index import Index, opened
from service.batch.job import Job
from service.batch.ledger import Ledger, Line, refusal
from service.batch.progress import Progress, Tally
from service.batch.reading import Item, Journey, ReadAhead, Selector, records
from service.batch.record import Record, Refused
from service.errors import Unavailable
from service.rpc.status import Status, status_of
from service.schema import Article, Digest

_CHARS = 32 * 2**20  # of text in work at once, unless a single article has more
_HELD_BACK = 4  # windows that an ordered output may hold back behind a slow article
_FLUSH_SECONDS = 1.0


@dataclass(frozen=True)
class Outcome:
    """What a job came to: this run's tally, and what the files hold in all."""

    tally: Tally
    digests: int
    errors: int
    repeated_ids: int
    skipped: int
    interrupted: bool


async def run(job: Job, computing: Computing, progress: Progress, tally: Tally) -> Outcome:
    """Carry a job out.

    Raises:
        InvalidRequest, Changed, OutputFailed: see ``Ledger``.
        Unavailable: there is nobody any more who computes.
    """
    ledger = Ledger(job)
    try:
        await asyncio.to_thread(ledger.open)
        async with computing:
            await asyncio.to_thread(ledger.begin, computing.models)
            indexed = opened(job, ledger, progress) if job.index_boilerplate else nullcontext()
            async with indexed as index:
                outcome = await _Work(job, ledger, computing, progress, tally, index).run()
        await asyncio.to_thread(ledger.close, "interrupted" if outcome.interrupted else "finished")
    except BaseException:
        ledger.abandon()
        raise
    return outcome


class _Work:
    """The loop, from what is read to what is written."""

    def __init__(
        self,
        job: Job,
        ledger: Ledger,
        computing: Computing,
        progress: Progress,
        tally: Tally,
        index: Index | None,
    ) -> None:
        self._index = index
        self._answers = Answers(index.copies) if index and job.compute_once else None
        self._job = job
        self._ledger = ledger
        self._computing = computing
        self._progress = progress
        self._tally = tally
        window = computing.window * (_HELD_BACK if job.ordered else 1)
        self._room = _Room(window, _CHARS)
        self._settled: asyncio.Queue[_Settled | None] = asyncio.Queue()
        self._order = _Order() if job.ordered else None
        self._interrupted = False

    async def run(self) -> Outcome:
        journey = Journey(self._ledger.bytes)
        retried = self._ledger.retried
        selector = Selector(
            self._ledger.done.__contains__,
            sample=self._job.sample,
            limit=self._job.limit,
            only=retried.wants if retried else None,
            broken=self._ledger.broken,
        )
        items = records(self._ledger.files(), self._job.mapping, selector, journey)
        ahead = ReadAhead(self._index.placed(items) if self._index else items)
        async with self._progress:
            with self._interruptible(ahead):
                try:
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._write())
                        async with asyncio.TaskGroup() as articles:
                            number = 0
                            async for item in ahead:
                                settled = _Settled(number, item)
                                await self._room.enter(settled.chars)
                                articles.create_task(self._settle(settled))
                                number += 1
                        self._settled.put_nowait(None)
                except BaseExceptionGroup as failures:
                    raise _first(failures) from failures
                finally:
                    ahead.stop()
        return Outcome(
            self._tally,
            len(self._ledger.done) - self._ledger.failures,
            self._ledger.failures,
            self._ledger.repeated_ids,
            selector.skipped,
            self._interrupted,
        )

    async def _settle(self, settled: _Settled) -> None:
        item = settled.item
        if isinstance(item, Refused):
            settled.outcome = refusal(item.malformed)
        else:
            try:
                settled.outcome = await self._digest(settled, item)
            except Unavailable:
                raise  # not this article's fault, nor will the next one fare better
            except Exception as error:
                settled.outcome = status_of(error)
            self._tally.copies += item.duplicate_of is not None
            self._tally.reused += settled.reused
        self._tally.count(settled.outcome, item.share)
        self._settled.put_nowait(settled)

    async def _digest(self, settled: _Settled, record: Record) -> Digest:
        """The digest of a record: computed, or that of the article it is a copy of."""
        answers = self._answers
        digest = None
        if answers and record.has_copies:
            digest = settled.kept = await answers.awaited(record, self._computed(record.article))
        elif answers and record.duplicate_of:
            digest = await answers.reused(record)
            settled.reused = digest is not None
        if digest is None:
            digest = await self._computed(record.article)
        if record.findings:
            digest = replace(digest, findings=(*record.findings, *digest.findings))
        return digest

    async def _computed(self, article: Article) -> Digest:
        request = replace(self._job.request, article=article)
        repeated = await self._index.repeated(article) if self._index else ()
        return await self._computing.digest(request, repeated)

    async def _write(self) -> None:
        """Write what is settled as it comes, as much at once as there is."""
        ended = False
        while not ended:
            waiting: list[_Settled | None] = []
            with suppress(TimeoutError):
                async with asyncio.timeout(_FLUSH_SECONDS):
                    waiting.append(await self._settled.get())
            waiting += (self._settled.get_nowait() for _ in range(self._settled.qsize()))
            ended = None in waiting
            batch = [settled for settled in waiting if settled]
            if self._order:
                batch = self._order.arranged(batch)
            await asyncio.to_thread(self._put, batch)
            for settled in batch:
                self._room.leave(settled.chars)
                if self._answers and isinstance(settled.item, Record):
                    self._answers.forget(settled.item)

    def _put(self, batch: Sequence[_Settled]) -> None:
        """Write lines, and before them the answers that copies will want."""
        if self._answers:
            kept = [(s.item, s.kept) for s in batch if isinstance(s.item, Record) and s.kept]
            try:
                self._answers.keep(kept)
            except sqlite3.Error as error:
                raise self._ledger.failed(error) from error
        self._ledger.write([settled.line for settled in batch])

    @contextmanager
    def _interruptible(self, ahead: ReadAhead) -> Iterator[None]:
        """The first Ctrl-C or SIGTERM ends the reading; the second ends everything."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def interrupt() -> None:
            if self._interrupted and task:
                task.cancel()
                return
            self._interrupted = True
            ahead.stop()
            self._progress.say(
                f"finishing {self._room.inside} articles in work; Ctrl-C again stops at once"
            )

        signals = (signal.SIGINT, signal.SIGTERM)
        for each in signals:
            loop.add_signal_handler(each, interrupt)
        try:
            yield
        finally:
            for each in signals:
                loop.remove_signal_handler(each)


class _Settled:
    """A record in work, and what it came to."""

    __slots__ = ("chars", "item", "kept", "number", "outcome", "reused")

    def __init__(self, number: int, item: Item) -> None:
        self.number = number
        self.item = item
        self.outcome: Digest | Status | None = None
        self.reused = False  # the answer, of the article that this one is a copy of
        self.kept: Digest | None = None  # for copies of this one
        article = None if isinstance(item, Refused) else item.article
        self.chars = len(article.text or article.html or "") if article else 0

    @property
    def line(self) -> Line:
        """It as a line of one of the two files."""
        assert self.outcome is not None
        item = self.item
        if isinstance(item, Refused):
            return Line(item.place, item.malformed.id, self.outcome)
        first = item.duplicate_of
        duplicate_of = replace(first, reused=self.reused) if first else None
        return Line(item.place, item.article.id, self.outcome, duplicate_of)

    def __lt__(self, other: _Settled) -> bool:
        return self.number < other.number


class _Order:
    """Gives back in order what comes in any."""

    def __init__(self) -> None:
        self._next = 0
        self._heap: list[_Settled] = []

    def arranged(self, batch: Sequence[_Settled]) -> list[_Settled]:
        """Those that everything before them has come for."""
        for settled in batch:
            heapq.heappush(self._heap, settled)
        ready: list[_Settled] = []
        while self._heap and self._heap[0].number == self._next:
            ready.append(heapq.heappop(self._heap))
            self._next += 1
        return ready


class _Room:
    """Bounds the articles in work, by number and by length; one may always enter alone."""

    def __init__(self, articles: int, chars: int) -> None:
        self.inside = 0
        self._articles = articles
        self._chars = chars
        self._taken = 0
        self._left = asyncio.Event()

    async def enter(self, chars: int) -> None:
        while self.inside and (self.inside >= self._articles or self._taken + chars > self._chars):
            self._left.clear()
            await self._left.wait()
        self.inside += 1
        self._taken += chars

    def leave(self, chars: int) -> None:
        self.inside -= 1
        self._taken -= chars
        self._left.set()


def _first(failures: BaseExceptionGroup) -> BaseException:
    """The first failure that is no group of others."""
    error: BaseException = failures
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
