"""The pipeline: one coroutine per kind of request, read top to bottom.

It decides what happens to an article and in which order. How the parts work is
elsewhere: texts are read and checked in worker processes
(``service.pipeline.workshop``), models compute in lanes, and the scheduler
in between forms the batches.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from importlib.metadata import version

from models import ModelError, ModelRef, Selection, select
from service.errors import DeadlineExpired, ModelUnavailable
from service.lag import Watchdog
from service.lane import ProcessLane
from service.pipeline import drafting, workshop
from service.pipeline.cores import usable_cores
from service.pipeline.journey import RANKS, Journey
from service.pipeline.loading import load_runners
from service.pipeline.reading import Paragraph, Source, Story, read_article, write_page
from service.pipeline.summarizing import Summarizer
from service.pipeline.terms import Terms
from service.pipeline.translating import Rendering, Translator, findings_in
from service.pipeline.workers import Workers
from service.scheduler import Output, Policy, Scheduler, Stats
from service.schema import (
    Digest,
    DigestRequest,
    DigestSentence,
    Finding,
    Limits,
    Model,
    ServerInfo,
    SummarizeRequest,
    Summary,
    SummarySentence,
    TranslatedParagraph,
    TranslatedSentence,
    TranslateRequest,
    Translation,
)
from service.settings import EngineSettings
from service.validation import validate


class Pipeline:
    """The models of one selection, and everything that serves them.

    Use it as ``async with Pipeline.open(settings) as pipeline``, or ``start``
    it in the background and ``close`` it, as the server does.
    """

    def __init__(self, settings: EngineSettings, limits: Limits | None = None) -> None:
        """Name the models and lay out the machinery; nothing is loaded yet.

        Raises:
            ModelUnavailable: there are no such models here; the message says what to do.
        """
        selections = _select(settings)
        selection = selections[0]
        self.info = ServerInfo(
            version=version("svodka"),
            preset=selection.preset,
            models=(_model(selection.summarizer), _model(selection.translator)),
            limits=limits or Limits(),
        )
        count = max(settings.lanes or _fastest(selection, settings.threads), len(selections))
        threads = settings.threads or max(1, usable_cores() // count)
        self._workers = Workers(settings.workers, workshop.open_workshop, selection)
        lanes = [
            ProcessLane(partial(load_runners, own, threads), threads=threads)
            for own in itertools.islice(itertools.cycle(selections), count)
        ]
        policy = Policy(
            batch_tokens=settings.batch_tokens,
            batch_seconds=settings.batch_seconds,
            queue_tokens=settings.queue_tokens,
            cache_bytes=settings.cache_bytes,
            batch_limit=settings.batch_limit,
        )
        self._scheduler = Scheduler(lanes, policy, sizeof=_sizeof)
        self._summarizer = Summarizer(selection.summarizer)
        self._translator = Translator(selection.translator)
        self._watchdog = Watchdog()
        self._watching: asyncio.Task[None] | None = None
        self._state = "LOADING"

    @property
    def state(self) -> str:
        """LOADING, SERVING, RESTARTING, DOWN or DRAINING; only SERVING takes work at once."""
        return self._scheduler.state.name if self._state == "SERVING" else self._state

    def stats(self) -> Stats:
        """Return the scheduler's numbers at this moment, and how late the event loop has been."""
        return replace(self._scheduler.stats(), lag=self._watchdog.lag)

    async def start(self) -> None:
        """Load and warm the models, and open the workers.

        Raises:
            ModelUnavailable: a model cannot be loaded.
        """
        self._watching = asyncio.create_task(self._watchdog.run())
        try:
            await asyncio.gather(
                self._scheduler.start(), self._workers.warm(drafting.encode, ["Hello."])
            )
        except ModelError as error:
            raise ModelUnavailable(str(error)) from error
        self._state = "SERVING"

    async def drain(self, grace: float) -> None:
        """Take no new work and finish what was accepted, for ``grace`` seconds at most."""
        self._state = "DRAINING"
        await self._scheduler.drain(grace)

    async def close(self) -> None:
        """End the lanes and the workers; what is unfinished is lost."""
        if self._watching:
            self._watching.cancel()
        await self._scheduler.close()
        await self._workers.close()

    async def digest(self, request: DigestRequest, terms: Terms) -> Digest:
        """Summarize an article and translate the summary, the headline and, on request, the body.

        Raises:
            InvalidRequest, EmptyArticle, NotEnglish: the article is at fault.
            Overloaded, Unavailable, DeadlineExpired: not here, or not now.
            ComputeFailed: the summary or its translation could not be computed.
        """
        async with self._admitted(request, terms) as journey:
            story = await self._read(journey, request, terms)
            chosen, findings = await self._summarizer.summarize(journey, story, request.summary)
            body = story.paragraphs if request.translate_body else ()
            renderings = await self._translator.translate(
                journey,
                [
                    Source(story.headline, headline=True),
                    *(Source(sentence.text) for sentence in chosen),
                    *(Source(s.text) for paragraph in body for s in paragraph.sentences),
                ],
                request.translation,
            )
            headline, *rest = renderings
            sentences, rest = rest[: len(chosen)], rest[len(chosen) :]
            for rendering in (headline, *sentences):
                if rendering.error is not None:
                    raise rendering.error
            paragraphs, body_findings = _translated_body(story.text, body, rest)
            return Digest(
                id=request.article.id,
                headline_en=story.headline,
                headline_ru=headline.ru,
                summary_en=" ".join(c.text for c in chosen),
                summary_ru=" ".join(r.ru for r in sentences),
                sentences=tuple(
                    DigestSentence(c.text, r.ru, c.evidence)
                    for c, r in zip(chosen, sentences, strict=True)
                ),
                body_ru="\n\n".join(p.ru for p in paragraphs),
                body=tuple(paragraphs),
                findings=(
                    *story.findings,
                    *findings,
                    *findings_in(headline, "headline_ru"),
                    *(
                        finding
                        for n, r in enumerate(sentences)
                        for finding in findings_in(r, "summary_ru", sentence_index=n)
                    ),
                    *body_findings,
                ),
                coverage=story.coverage,
                metadata=story.metadata,
                usage=journey.usage(),
                models=self.info.models,
            )

    async def summarize(self, request: SummarizeRequest, terms: Terms) -> Summary:
        """Summarize an article in English. Raises as ``digest`` does."""
        async with self._admitted(request, terms) as journey:
            story = await self._read(journey, request, terms)
            chosen, findings = await self._summarizer.summarize(journey, story, request.summary)
            return Summary(
                id=request.article.id,
                headline_en=story.headline,
                summary_en=" ".join(c.text for c in chosen),
                sentences=tuple(SummarySentence(c.text, c.evidence) for c in chosen),
                findings=(*story.findings, *findings),
                coverage=story.coverage,
                metadata=story.metadata,
                usage=journey.usage(),
                models=self.info.models[:1],
            )

    async def translate(self, request: TranslateRequest, terms: Terms) -> Translation:
        """Translate a text, its paragraphs kept. Raises as ``digest`` does, but a
        sentence that fails stays English and is a finding.
        """
        async with self._admitted(request, terms) as journey:
            reading, drafts = await journey.prepare(drafting.read_and_draft, request)
            sentences = reading.sentences
            renderings = await self._translator.translate(
                journey, reading.sources(), request.translation, drafts
            )
            if request.html is None:
                field, text = "text_ru", reading.text
                places = [(s.start, s.end) for s in sentences]
                written = _put_back(text, 0, len(text), places, renderings)
            else:
                field = "html_ru"
                russian = [r.ru for r in renderings]
                helps = await self._translator.fragments(
                    journey, reading.fragments(), request.translation
                )
                written = await journey.prepare(write_page, request.html, reading, russian, helps)
            return Translation(
                text_ru=written if field == "text_ru" else None,
                html_ru=written if field == "html_ru" else None,
                sentences=tuple(
                    TranslatedSentence(s.start, s.end, s.text, r.ru)
                    for s, r in zip(sentences, renderings, strict=True)
                ),
                findings=tuple(
                    finding
                    for n, r in enumerate(renderings)
                    for finding in findings_in(r, field, sentence_index=n)
                ),
                usage=journey.usage(),
                models=self.info.models[1:],
            )

    async def _read(
        self, journey: Journey, request: DigestRequest | SummarizeRequest, terms: Terms
    ) -> Story:
        keep = request.translation.keep if isinstance(request, DigestRequest) else ()
        return await journey.prepare(
            read_article,
            request.article,
            request.skip_cleaning,
            request.excluded,
            keep,
            terms.repeated,
        )

    @asynccontextmanager
    async def _admitted(
        self, request: DigestRequest | SummarizeRequest | TranslateRequest, terms: Terms
    ) -> AsyncIterator[Journey]:
        """Serve a request within its deadline; leaving drops whatever of it is unfinished."""
        validate(request, self.info.limits)
        left = terms.deadline - time.monotonic()
        job = self._scheduler.job(
            priority=terms.priority,
            deadline=terms.deadline,
            caller=terms.caller,
            no_cache=request.no_cache,
            scope=terms.scope,
            wait=terms.wait,
            kind=(type(request), isinstance(request, DigestRequest) and request.translate_body),
            delay=self._workers.wait(RANKS[terms.priority], terms.caller),
        )
        try:
            async with asyncio.timeout(None if math.isinf(left) else left), job:
                yield Journey(job, self._workers)
        except TimeoutError:
            raise DeadlineExpired("the deadline passed") from None


def _translated_body(
    text: str, paragraphs: Sequence[Paragraph], renderings: Sequence[Rendering]
) -> tuple[list[TranslatedParagraph], list[Finding]]:
    """Put the sentences of a story back into its paragraphs."""
    translated: list[TranslatedParagraph] = []
    findings: list[Finding] = []
    for n, (paragraph, own, ru) in enumerate(_by_paragraph(text, paragraphs, renderings)):
        translated.append(TranslatedParagraph(paragraph.start, paragraph.end, ru))
        grown = 0
        for sentence, rendering in zip(paragraph.sentences, own, strict=True):
            offset = sentence.start - paragraph.start + grown
            findings += findings_in(rendering, f"body[{n}].ru", offset=offset)
            grown += len(rendering.ru) - (sentence.end - sentence.start)
    return translated, findings


def _by_paragraph(
    text: str, paragraphs: Sequence[Paragraph], renderings: Sequence[Rendering]
) -> Iterator[tuple[Paragraph, list[Rendering], str]]:
    """Yield each paragraph with its sentences' renderings and its Russian."""
    rest = iter(renderings)
    for paragraph in paragraphs:
        places = [(s.start, s.end) for s in paragraph.sentences]
        own = [next(rest) for _ in places]
        yield paragraph, own, _put_back(text, paragraph.start, paragraph.end, places, own)


def _put_back(
    text: str,
    start: int,
    end: int,
    places: Sequence[tuple[int, int]],
    renderings: Sequence[Rendering],
) -> str:
    """Return ``text[start:end]`` with the sentences at ``places`` replaced, the rest as it is."""
    parts: list[str] = []
    for (first, last), rendering in zip(places, renderings, strict=True):
        parts += (text[start:first], rendering.ru)
        start = last
    return "".join([*parts, text[start:end]])


def _fastest(selection: Selection, threads: int) -> int:
    """Return how many lanes compute the most.

    A batch leaves a part of a CPU's cores idle, with transformers between its operations and
    with CTranslate2 at its end, which a second lane uses: see docs/decoding.md. A device is
    kept busy by one.
    """
    on_cpu = selection.translator.device == "cpu"  # and so is the summarizer
    return 2 if on_cpu and usable_cores() >= 2 * max(threads, 1) else 1


def _select(settings: EngineSettings) -> list[Selection]:
    """Choose the models once for each device.

    Raises:
        ModelUnavailable: there are none, or they would compute differently on two devices.
    """
    try:
        selections = [
            select(
                settings.preset,
                summarizer=settings.summarizer,
                translator=settings.translator,
                cache=settings.cache,
                device=device.strip(),
                engine=settings.engine,
                compute_type=settings.compute_type,
                accept_license=settings.accept_license,
            )
            for device in settings.device.split(",")
        ]
    except ModelError as error:
        raise ModelUnavailable(str(error)) from error
    ways = {(_model(own.summarizer), _model(own.translator)) for own in selections}
    if len(ways) > 1:
        raise ModelUnavailable(
            f"On the devices {settings.device} the models would compute in different ways, and one "
            "text could have two answers; name an engine and a compute_type that all of them have."
        )
    return selections


def _model(ref: ModelRef) -> Model:
    return Model(ref.role, ref.name, ref.revision, ref.engine, ref.compute_type)


def _sizeof(output: Output) -> int:
    """Return the bytes an output takes in the cache: a text's or a vector's."""
    size = getattr(output.value, "nbytes", None)
    return size if size is not None else sys.getsizeof(output.value.text)
