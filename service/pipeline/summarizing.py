"""The English summary: chosen from the article's sentences, or written by a model.

A summarizer that embeds scores the sentences, and the best are taken verbatim.
One that writes reads the article in windows that hold all of it, and where
there are several, their summaries are summarized in turn until one is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models import ModelRef
from service.pipeline import preparation
from service.pipeline.journey import Journey
from service.pipeline.preparation import Chosen, Story
from service.pipeline.splitting import Ids
from service.pipeline.translating import unit
from service.scheduler import Output
from service.schema import Finding, FindingKind, Severity, SummaryOptions

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
            return preparation.whole(story), [_short_article()]
        if self._ref.task == "embed":
            chosen = await self._choose(journey, story, options)
        else:
            chosen = await self._write(journey, story, options)
        return chosen, await journey.prepare(preparation.review_summary, story, chosen)

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
        vectors = iter(await self._run(journey, pieces))
        embeddings = [[next(vectors).value for _ in sentence] for sentence in story.inputs]
        return await journey.prepare(preparation.choose, story, embeddings, options)

    async def _write(self, journey: Journey, story: Story, options: SummaryOptions) -> list[Chosen]:
        (inputs,) = story.inputs
        while True:
            written = [output.value for output in await self._run(journey, inputs)]
            if len(written) == 1:
                break
            texts = [part.text for part in written]
            fewer = await journey.prepare(preparation.rewindow, texts)
            if len(fewer) >= len(inputs):  # a model that does not shorten would never end
                break
            inputs = fewer
        return await journey.prepare(
            preparation.trim,
            story,
            " ".join(part.text for part in written),
            written[-1].truncated,
            options,
        )

    async def _run(self, journey: Journey, inputs: Sequence[Ids]) -> list[Output]:
        """Compute one output for each input; the first failure is the article's."""
        decoding = self._ref.decoding
        expected = decoding.max_tokens if self._ref.task == "generate" else 0
        units = [unit(self._ref, decoding, ids, expected) for ids in inputs]
        outputs: list[Output] = []
        for result in await journey.job.run(units):
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
