"""The steps that run in worker processes: read an article, encode, choose, review.

Each is a plain function of its arguments and of the tokenizers, which
``open_workshop`` opens once per process. No weights are loaded here, and
nothing here waits for anything.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models import Codec, Generated, Selection, open_codec
from models.extractive import select_sentences
from models.readability import dateline
from service.cleaning import Cleaned, clean_article, keep_all
from service.errors import ComputeFailed, EmptyArticle, InvalidRequest, NotEnglish, Violation
from service.pipeline.alignment import Place, align, fragments
from service.pipeline.joining import join
from service.pipeline.markup import Passage, Translated, passages, put_back
from service.pipeline.splitting import Ids, Piece, fit, windows
from service.pipeline.typography import typeset
from service.pipeline.wording import Draft, Whole, drafts_with, terms_of
from service.schema import (
    Article,
    Coverage,
    Evidence,
    Finding,
    FindingKind,
    Metadata,
    Range,
    Severity,
    SpanKind,
    SummaryOptions,
    TranslateRequest,
    TranslationOptions,
)
from service.sentences import sentence_offsets
from service.verification import (
    Fault,
    check_consistency,
    check_coverage,
    check_sentence,
    check_summary,
    doubtful,
    evidence,
    is_lost,
    kept_places,
)


@dataclass(frozen=True)
class Sentence:
    """A sentence's place in the text, and its words on one line."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of the story. Its sentences are in order; only white space lies between."""

    start: int
    end: int
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True)
class Story:
    """An article as the models will read it.

    ``text`` is what all offsets refer to. ``inputs`` is for the summarizer: a
    list of token ids for each sentence where it embeds (one, unless the
    sentence is too long for the model), a single list of windows where it writes.
    ``findings`` are about the reading itself.
    """

    text: str
    headline: str
    metadata: Metadata
    coverage: Coverage
    paragraphs: tuple[Paragraph, ...]
    findings: tuple[Finding, ...]
    inputs: tuple[tuple[Ids, ...], ...]

    @property
    def sentences(self) -> list[Sentence]:
        """Return the story's sentences, in order."""
        return [sentence for paragraph in self.paragraphs for sentence in paragraph.sentences]


@dataclass(frozen=True)
class Chosen:
    """A sentence of a summary and where the article says it."""

    text: str
    evidence: tuple[Evidence, ...]
    stands_in: bool = False  # for a sentence in which the model was stopped


_codecs: dict[str, Codec] = {}
_tasks: dict[str, str] = {}


def open_workshop(selection: Selection) -> None:
    """Open the tokenizers of both models in this process."""
    for ref in (selection.summarizer, selection.translator):
        _codecs[ref.role] = open_codec(ref)
        _tasks[ref.role] = ref.task


def read_article(
    article: Article,
    skip_cleaning: bool,
    excluded: Sequence[Range],
    keep: Sequence[str] = (),
    repeated: Sequence[Range] = (),
) -> Story:
    """Clean and split an article, and encode it for the summarizer. What is to ``keep`` when
    it is translated parts no sentences.

    Raises:
        EmptyArticle: nothing is left that could be read.
        NotEnglish: what there is to read is not English.
    """
    cleaned = clean_article(
        article, skip_cleaning=skip_cleaning, excluded=excluded, repeated=repeated
    )
    _insist_on_english(cleaned, "article.text" if article.html is None else "article.html")
    paragraphs = tuple(_split(cleaned.flat, p.start, p.end, keep) for p in cleaned.story())
    spans = cleaned.spans()
    return Story(
        text=cleaned.flat,
        headline=_one_line(article.headline or cleaned.headline, keep),
        metadata=cleaned.metadata,
        coverage=Coverage("" if article.html is None else cleaned.flat, spans),
        paragraphs=paragraphs,
        findings=tuple(check_coverage(cleaned.flat, spans)),
        inputs=_summarizer_inputs([s.text for p in paragraphs for s in p.sentences]),
    )


def _insist_on_english(cleaned: Cleaned, field: str) -> None:
    foreign = any(p.kind is SpanKind.OTHER_LANGUAGE for p in cleaned.paragraphs)
    readable = any(_is_worded(cleaned.flat[p.start : p.end]) for p in cleaned.story())
    if readable and cleaned.language in ("en", "und"):  # too little text to tell is no offence
        return
    if readable or foreign:
        raise NotEnglish(
            Violation(field, f"is not English but {cleaned.language!r}; only English is read")
        )
    raise EmptyArticle(
        Violation(field, "holds no article: nothing is left after cleaning; see skip_cleaning")
    )


def _split(text: str, start: int, end: int, keep: Sequence[str] = ()) -> Paragraph:
    sentences = tuple(
        Sentence(start + first, start + last, line)
        for first, last, line in _sentences(text[start:end], keep)
    )
    return Paragraph(start, end, sentences)


def _sentences(text: str, keep: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, text on one line) of the sentences; none ends inside what is to be
    kept, of which the line has every blank as it is.
    """
    kept = kept_places(text, keep) if keep else []
    pending: tuple[int, int] | None = None
    for start, end in sentence_offsets(text):
        first = pending[0] if pending else start
        pending = (first, end)
        if not any(a < end < b for a, b in kept):
            yield first, end, _one_line(text[first:end], keep)
            pending = None
    if pending:
        yield *pending, _one_line(text[slice(*pending)], keep)


def _one_line(text: str, keep: Sequence[str] = ()) -> str:
    if not keep:
        return " ".join(text.split())
    parts: list[str] = []
    at = 0
    for start, end in kept_places(text, keep):
        parts += [_SPACE.sub(" ", text[at:start]), text[start:end]]
        at = end
    return "".join([*parts, _SPACE.sub(" ", text[at:])]).strip()


_SPACE = re.compile(r"\s+")


def _summarizer_inputs(sentences: Sequence[str]) -> tuple[tuple[Ids, ...], ...]:
    codec = _codecs["summarizer"]
    if _tasks["summarizer"] == "embed":
        return tuple(
            tuple(piece.ids for piece in fit(sentence, codec.encode, codec.max_input_tokens))
            for sentence in sentences
        )
    return (tuple(windows(sentences, codec.encode, codec.max_input_tokens)),)


def rewindow(parts: Sequence[Generated]) -> tuple[Ids, ...]:
    """Encode the summaries of windows, in order, as inputs for the next reduction."""
    codec = _codecs["summarizer"]
    return tuple(
        windows([text for text, _ in _written(parts)], codec.encode, codec.max_input_tokens)
    )


def _written(parts: Sequence[Generated]) -> list[tuple[str, bool]]:
    """Return the sentences of what was written, without those that were said twice, and whether
    each was cut off. One that was is left out where there are others.
    """
    texts = [[_one_line(p.text[a:b]) for a, b in sentence_offsets(p.text)] for p in parts]
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
    text = _one_line(story.text[start : sentence.end])
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


@dataclass(frozen=True)
class Source:
    """A sentence to be translated. What ``keep`` holds has to stay verbatim, besides what the
    caller's options say; a ``headline`` is checked as one.
    """

    en: str
    keep: tuple[str, ...] = ()
    headline: bool = False


def encode(sentences: Sequence[str]) -> list[list[Piece]]:
    """Encode sentences for the translator, each in pieces that fit it.

    A sentence without a letter has nothing to translate, and no pieces.
    """
    return [_pieces(sentence) if _is_worded(sentence) else [] for sentence in sentences]


def _pieces(text: str) -> list[Piece]:
    codec = _codecs["translator"]
    return fit(text, codec.encode, codec.max_input_tokens)


def _is_worded(text: str) -> bool:
    return any(map(str.isalpha, text))


def draft(sources: Sequence[Source]) -> list[Whole]:
    """Return the first draft of each sentence."""
    encoded = encode([source.en for source in sources])
    return [
        Whole(source.en, tuple(pieces)) for source, pieces in zip(sources, encoded, strict=True)
    ]


def redraft(
    sources: Sequence[Source],
    translations: Sequence[tuple[str, tuple[Fault, ...]]],
    options: TranslationOptions,
) -> list[list[Draft]]:
    """Return what to try for sentences whose (Russian, faults) are in doubt, in order of trust.

    A lost term asks for drafts that bring it in; other faults for the sentence again, and,
    where it is long and the model went astray in it, in smaller units.
    """
    drafts: list[list[Draft]] = []
    for source, (ru, faults) in zip(sources, translations, strict=True):
        own: list[Draft] = []
        if any(is_lost(fault) for fault in faults):
            own += drafts_with(source.en, ru, terms_of(source.en, options, source.keep), _pieces)
        if not own or any(doubtful([f]) and not is_lost(f) for f in faults):
            again = Whole(source.en, tuple(_pieces(source.en)))
            own.append(again)
            if any(fault.kind in _ASTRAY for fault in faults):
                own += _in_smaller_units(again)
        drafts.append(own)
    return drafts


#: What shows that the model lost its way in a sentence.
_ASTRAY = frozenset({FindingKind.REPETITION, FindingKind.TRUNCATED, FindingKind.LENGTH_RATIO})
_LONG = 40  # tokens; what is shorter has no parts worth translating alone


def _in_smaller_units(again: Whole) -> Iterator[Whole]:
    codec = _codecs["translator"]
    if sum(len(piece.ids) for piece in again.pieces) >= _LONG:
        bare = len(codec.encode(""))
        half = bare + -(-(max(len(piece.ids) for piece in again.pieces) - bare) * 3 // 5)
        yield Whole(again.en, tuple(fit(again.en, codec.encode, half)))


def review(
    sources: Sequence[Source],
    drafts: Sequence[Draft],
    outputs: Sequence[Sequence[Generated]],
    options: TranslationOptions,
) -> list[tuple[str, tuple[Fault, ...]]]:
    """Make the Russian of what the model wrote for each draft, and check it."""
    reviewed: list[tuple[str, tuple[Fault, ...]]] = []
    for source, draft_, written in zip(sources, drafts, outputs, strict=True):
        attempt = draft_.written(written)
        keep = (*options.keep, *source.keep)
        ru = typeset(attempt.ru, keep) if options.typography and draft_.pieces else attempt.ru
        faults = check_sentence(
            source.en,
            ru,
            keep=keep,
            glossary=options.glossary,
            truncated=attempt.truncated,
            headline=source.headline,
        )
        reviewed.append((ru, tuple(faults)))
    return reviewed


def compare(pairs: Sequence[tuple[str, str]]) -> list[tuple[int, Fault]]:
    """Check that one answer's (English, Russian) sentences write a name in one way."""
    return check_consistency(pairs)


@dataclass(frozen=True)
class Reading:
    """A text to be translated. ``text`` is what offsets refer to; for HTML it is that of the
    page's passages, one after the other, and ``places`` says for each sentence which
    parts of it stand in tags of their own.
    """

    text: str
    paragraphs: tuple[Paragraph, ...]
    places: tuple[tuple[Place, ...], ...] = ()

    @property
    def sentences(self) -> list[Sentence]:
        """Return the text's sentences, in order."""
        return [sentence for paragraph in self.paragraphs for sentence in paragraph.sentences]

    def sources(self) -> list[Source]:
        """Return the sentences as the translator takes them."""
        if not self.places:
            return [Source(sentence.text) for sentence in self.sentences]
        return [
            Source(
                sentence.text,
                tuple(
                    self.text[sentence.start + place.start : sentence.start + place.end]
                    for place in places
                    if place.verbatim
                ),
            )
            for sentence, places in zip(self.sentences, self.places, strict=True)
        ]

    def fragments(self) -> list[str]:
        """Return the parts of sentences whose own translation helps to find them again."""
        found = (
            fragments(self.text[sentence.start : sentence.end], places)
            for sentence, places in zip(self.sentences, self.places, strict=True)
        )
        return list(dict.fromkeys(fragment for one in found for fragment in one))


def read_text(request: TranslateRequest) -> Reading:
    """Split a text to be translated, nothing left out.

    Raises:
        EmptyArticle: there is no letter in it.
        NotEnglish: it is not English.
    """
    keep = request.translation.keep
    if request.html is None:
        text = request.text or ""
        cleaned = keep_all(text)
        _insist_on_english(cleaned, "text")
        return Reading(text, tuple(_split(text, p.start, p.end, keep) for p in cleaned.story()))
    page = passages(request.html)
    text = "\n".join(passage.text for passage in page)
    _insist_on_english(keep_all(text), "html")
    paragraphs: list[Paragraph] = []
    places: list[tuple[Place, ...]] = []
    start = 0
    for passage in page:
        paragraph = _passage_split(passage, start, keep)
        paragraphs.append(paragraph)
        spans = [(s.start - start, s.end - start) for s in paragraph.sentences]
        places += map(tuple, passage.places(spans))
        start = paragraph.end + 1
    return Reading(text, tuple(paragraphs), tuple(places))


def _passage_split(passage: Passage, start: int, keep: Sequence[str]) -> Paragraph:
    """Split a passage, which lies at ``start``; a line break in it is a blank like another."""
    line = passage.text.replace("\n", " ").replace("\r", " ")
    verbatim = (passage.text[m.start : m.end] for m in passage.marks if m.verbatim is not None)
    sentences = tuple(
        Sentence(start + first, start + last, text)
        for first, last, text in _sentences(line, (*keep, *dict.fromkeys(verbatim)))
    )
    return Paragraph(start, start + len(line), sentences)


def write_page(
    page: str, reading: Reading, russian: Sequence[str], translations: Mapping[str, str]
) -> str:
    """Return ``page`` in Russian.

    Args:
        page: the HTML that ``reading`` was read from.
        reading: its sentences.
        russian: their Russian, in order.
        translations: of the reading's fragments.
    """
    rest = iter(zip(reading.sentences, reading.places, russian, strict=True))
    translated: list[list[Translated]] = []
    for paragraph in reading.paragraphs:
        own: list[Translated] = []
        for _ in paragraph.sentences:
            sentence, places, ru = next(rest)
            en = reading.text[sentence.start : sentence.end]
            ru = en if ru == sentence.text else ru
            start = sentence.start - paragraph.start
            windows = align(en, ru, places, translations)
            own.append(Translated(start, start + len(en), ru, windows))
        translated.append(own)
    return put_back(page, translated)
