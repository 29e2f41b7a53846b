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
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace

from service.batch.boilerplate import Boilerplate, Marking, Paragraphs, counted
from service.batch.computing import Computing
from service.batch.job import Job
from service.batch.ledger import Ledger, Line, refusal
from service.batch.progress import Progress, Tally
from service.batch.reading import Item, Journey, ReadAhead, Selector, records
from service.batch.record import Refused
from service.errors import Unavailable
from service.pipeline.cores import usable_cores
from service.rpc.status import Status, status_of
from service.schema import Digest

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
            async with _marking(job, ledger, progress) as marking:
                outcome = await _Work(job, ledger, computing, progress, tally, marking).run()
        await asyncio.to_thread(ledger.close, "interrupted" if outcome.interrupted else "finished")
    except BaseException:
        ledger.abandon()
        raise
    return outcome


@asynccontextmanager
async def _marking(job: Job, ledger: Ledger, progress: Progress) -> AsyncIterator[Marking | None]:
    """What marks repeated paragraphs, if that is asked for: counted now, or by an earlier run."""
    if not job.index_boilerplate:
        yield None
        return
    paragraphs = Paragraphs(usable_cores())
    try:
        path = job.paths.boilerplate
        index = await asyncio.to_thread(Boilerplate.load, path)
        if index is None or index.fingerprint != ledger.fingerprint:
            progress.say("counting paragraphs …")
            everything = Selector(lambda _: False)
            items = records(ledger.files(), job.mapping, everything, Journey(ledger.bytes))
            index = await counted(ReadAhead(items), paragraphs, ledger.fingerprint)
            await asyncio.to_thread(index.save, path)
            progress.say(f"{len(index):,} paragraphs stand in many articles")
        yield Marking(paragraphs, index)
    finally:
        await paragraphs.close()


class _Work:
    """The loop, from what is read to what is written."""

    def __init__(
        self,
        job: Job,
        ledger: Ledger,
        computing: Computing,
        progress: Progress,
        tally: Tally,
        marking: Marking | None,
    ) -> None:
        self._marking = marking
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
        ahead = ReadAhead(records(self._ledger.files(), self._job.mapping, selector, journey))
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
                request = replace(self._job.request, article=item.article)
                marking = self._marking
                repeated = await marking.ranges(item.article) if marking else ()
                digest = await self._computing.digest(request, repeated)
            except Unavailable:
                raise  # not this article's fault, nor will the next one fare better
            except Exception as error:
                settled.outcome = status_of(error)
            else:
                if item.findings:
                    digest = replace(digest, findings=(*item.findings, *digest.findings))
                settled.outcome = digest
        self._tally.count(settled.outcome, item.share)
        self._settled.put_nowait(settled)

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
            await asyncio.to_thread(self._ledger.write, [settled.line for settled in batch])
            for settled in batch:
                self._room.leave(settled.chars)

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

    __slots__ = ("chars", "item", "number", "outcome")

    def __init__(self, number: int, item: Item) -> None:
        self.number = number
        self.item = item
        self.outcome: Digest | Status | None = None
        article = None if isinstance(item, Refused) else item.article
        self.chars = len(article.text or article.html or "") if article else 0

    @property
    def line(self) -> Line:
        """It as a line of one of the two files."""
        assert self.outcome is not None
        item = self.item
        if isinstance(item, Refused):
            return Line(item.place, item.malformed.id, self.outcome)
        return Line(item.place, item.article.id, self.outcome)

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
