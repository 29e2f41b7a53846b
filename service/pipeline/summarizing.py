"""The English summary: chosen from the article's sentences, or written by a model.

A summarizer that embeds scores the sentences, and the best are taken verbatim.
One that writes reads the article in windows that hold all of it and overlap. Where
there are several, their summaries, joined without repetition, are summarized in
turn until one is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models import Decoding, ModelRef
from service.pipeline import condensing
from service.pipeline.condensing import Chosen
from service.pipeline.journey import Journey
from service.pipeline.reading import Story
from service.pipeline.splitting import Ids
from service.pipeline.translating import unit
from service.scheduler import Output
from service.schema import Finding, FindingKind, Severity, SummaryOptions
from service.verification import doubtful, worse

# The customary length of the lead, and of the reference summaries of news.
DEFAULT_SENTENCES = 3


class Summarizer:
    """The summarizer's side of the pipeline."""

    def __init__(self, ref: ModelRef) -> None:
        self._ref = ref

    async def summarize(
        self, journey: Journey, story: Story, options: SummaryOptions
    ) -> tuple[list[Chosen], list[Finding]]:
        """Return the summary's sentences, with evidence, and what the checks found.

        Raises:
            ComputeFailed, Overloaded, DeadlineExpired: as the scheduler says.
            InvalidRequest: the bounds leave no room for a whole sentence.
        """
        options = replace(options, max_sentences=options.max_sentences or DEFAULT_SENTENCES)
        if self._is_short(story, options):
            return condensing.whole(story), [_short_article()]
        if self._ref.task == "embed":
            return await self._reviewed(journey, story, await self._choose(journey, story, options))
        first = await self._write(journey, story, options, self._ref.decoding)
        if not doubtful(first[1]):
            return first
        second = await self._write(journey, story, options, self._ref.safer)
        return second if worse(first[1], second[1]) else first

    async def _reviewed(
        self, journey: Journey, story: Story, chosen: list[Chosen]
    ) -> tuple[list[Chosen], list[Finding]]:
        return chosen, await journey.prepare(condensing.review_summary, story, chosen)

    def _is_short(self, story: Story, options: SummaryOptions) -> bool:
        """An article no longer than its summary would be is its own summary."""
        sentences = story.sentences
        words = sum(len(s.text.split()) for s in sentences)
        return len(sentences) <= options.max_sentences and (
            not options.max_words or words <= options.max_words
        )

    async def _choose(
        self, journey: Journey, story: Story, options: SummaryOptions
    ) -> list[Chosen]:
        pieces = [ids for sentence in story.inputs for ids in sentence]
        vectors = iter(await self._run(journey, pieces, self._ref.decoding))
        embeddings = [[next(vectors).value for _ in sentence] for sentence in story.inputs]
        return await journey.prepare(condensing.choose, story, embeddings, options)

    async def _write(
        self, journey: Journey, story: Story, options: SummaryOptions, decoding: Decoding
    ) -> tuple[list[Chosen], list[Finding]]:
        (inputs,) = story.inputs
        while True:
            written = [output.value for output in await self._run(journey, inputs, decoding)]
            if len(written) == 1:
                break
            fewer = await journey.prepare(condensing.rewindow, written)
            if len(fewer) >= len(inputs):  # a model that does not shorten would never end
                break
            inputs = fewer
        chosen = await journey.prepare(condensing.trim, story, written, options)
        return await self._reviewed(journey, story, chosen)

    async def _run(
        self, journey: Journey, inputs: Sequence[Ids], decoding: Decoding
    ) -> list[Output]:
        """Compute one output for each input; the first failure is the article's."""
        expected = decoding.max_tokens if self._ref.task == "generate" else 0
        units = [unit(self._ref, decoding, ids, expected) for ids in inputs]
        outputs: list[Output] = []
        for result in await journey.compute(units):
            if isinstance(result, Exception):
                raise result
            outputs.append(result)
        return outputs


def _short_article() -> Finding:
    return Finding(
        FindingKind.SHORT_ARTICLE,
        Severity.INFO,
        "summary_en",
        "The article is no longer than its summary would be; it is given whole.",
    )
