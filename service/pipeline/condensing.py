"""The summary of an article that was read: chosen or bounded, with its evidence, and checked.

These steps run in worker processes (``workshop``); ``summarizing`` calls for them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models import Generated
from models.extractive import select_sentences
from models.readability import dateline
from service.errors import ComputeFailed, InvalidRequest, Violation
from service.pipeline import workshop
from service.pipeline.joining import join
from service.pipeline.reading import Sentence, Story, one_line
from service.pipeline.splitting import Ids, windows
from service.schema import Evidence, Finding, FindingKind, Severity, SummaryOptions
from service.sentences import sentence_offsets
from service.verification import check_summary, evidence


@dataclass(frozen=True)
class Chosen:
    """A sentence of a summary and where the article says it."""

    text: str
    evidence: tuple[Evidence, ...]
    stands_in: bool = False  # for a sentence in which the model was stopped


def choose(
    story: Story, embeddings: Sequence[Sequence[np.ndarray]], options: SummaryOptions
) -> list[Chosen]:
    """Choose the summary's sentences from the article's own.

    Args:
        story: the article, n sentences.
        embeddings: for each sentence the unit vectors of its pieces, shape (d,) each.
        options: bounds; max_sentences is set.

    Raises:
        InvalidRequest: ``max_words`` is less than any sentence has.
    """
    means = np.stack([np.mean(pieces, axis=0) for pieces in embeddings])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    sentences = story.sentences
    picked = select_sentences(
        means,
        [s.text for s in sentences],
        max_sentences=options.max_sentences,
        max_words=options.max_words,
    )
    if not picked:
        shortest = min(len(s.text.split()) for s in sentences)
        raise _too_few_words(options.max_words, shortest)
    return [_verbatim(story, sentences[choice.index]) for choice in picked]


def _verbatim(story: Story, sentence: Sentence) -> Chosen:
    """Return a sentence as part of a summary: without the dateline, else to the letter."""
    start = sentence.start + dateline(story.text[sentence.start : sentence.end])
    text = one_line(story.text[start : sentence.end])
    return Chosen(text, (Evidence(start, sentence.end, 1.0),))


def trim(story: Story, parts: Sequence[Generated], options: SummaryOptions) -> list[Chosen]:
    """Bound a summary that a model wrote, in whole sentences, and find its evidence.

    Where the model was stopped before the end of its only sentence, the article's own that
    it rests on stands in.

    Raises:
        InvalidRequest: ``max_words`` is less than any sentence has.
        ComputeFailed: the model wrote nothing.
    """
    places = [(s.start, s.end) for s in story.sentences]
    chosen = [
        _in_its_place(story, text, places)
        if cut
        else Chosen(text, evidence(text, story.text, places))
        for text, cut in _written(parts)
    ]
    if not chosen:
        raise ComputeFailed("the summarizer wrote nothing")
    kept: list[Chosen] = []
    left = options.max_words or math.inf
    for choice in chosen:
        words = len(choice.text.split())
        if len(kept) < options.max_sentences and words <= left:
            kept.append(choice)
            left -= words
    if not kept:
        raise _too_few_words(options.max_words, min(len(c.text.split()) for c in chosen))
    return kept


def _in_its_place(story: Story, text: str, places: Sequence[tuple[int, int]]) -> Chosen:
    pieces = evidence(text, story.text, places)
    index = places.index((pieces[0].start, pieces[0].end)) if pieces else 0
    return replace(_verbatim(story, story.sentences[index]), stands_in=True)


def whole(story: Story) -> list[Chosen]:
    """Return the whole story as its own summary."""
    return [_verbatim(story, sentence) for sentence in story.sentences]


def _too_few_words(most: int, needed: int) -> InvalidRequest:
    return InvalidRequest(
        Violation(
            "summary.max_words",
            f"is {most}, but no whole sentence is that short; {needed} would hold one",
        )
    )


def rewindow(parts: Sequence[Generated]) -> tuple[Ids, ...]:
    """Encode the summaries of windows, in order, as inputs for the next reduction."""
    codec = workshop.codec("summarizer")
    return tuple(
        windows([text for text, _ in _written(parts)], codec.encode, codec.max_input_tokens)
    )


def _written(parts: Sequence[Generated]) -> list[tuple[str, bool]]:
    """Return the sentences of what was written, without those that were said twice, and whether
    each was cut off. One that was is left out where there are others.
    """
    texts = [[one_line(p.text[a:b]) for a, b in sentence_offsets(p.text)] for p in parts]
    whole_ones = [
        sentences[:-1] if part.truncated and len(sentences) > 1 else sentences
        for part, sentences in zip(parts, texts, strict=True)
    ]
    cut = {
        sentences[0]
        for part, sentences in zip(parts, texts, strict=True)
        if part.truncated and len(sentences) == 1
    }
    joined = [(sentence, sentence in cut) for sentence in join(whole_ones)]
    return [pair for pair in joined if not pair[1]] or joined


def review_summary(story: Story, chosen: Sequence[Chosen]) -> list[Finding]:
    """Check an English summary against its article."""
    places = [(s.start, s.end) for s in story.sentences]
    cut = [
        Finding(
            FindingKind.TRUNCATED,
            Severity.WARNING,
            "summary_en",
            "The model was stopped in the middle of a sentence; the article's own stands in.",
            sentence_index=index,
            end=len(choice.text),
            evidence=choice.text[:200],
        )
        for index, choice in enumerate(chosen)
        if choice.stands_in
    ]
    return [
        *cut,
        *check_summary([c.text for c in chosen], story.text, sentence_offsets=places),
    ]
