"""Read an article or a text: clean it, split it, encode it; and write a page again.

These steps run in worker processes (``workshop``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from service.cleaning import Cleaned, clean_article, keep_all
from service.errors import EmptyArticle, NotEnglish, Violation
from service.pipeline import workshop
from service.pipeline.alignment import Place, align, fragments
from service.pipeline.markup import Passage, Translated, passages, put_back
from service.pipeline.splitting import Ids, fit, windows
from service.schema import Article, Coverage, Finding, Metadata, Range, SpanKind, TranslateRequest
from service.sentences import sentence_offsets
from service.verification import check_coverage, kept_places


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
        headline=one_line(article.headline or cleaned.headline, keep),
        metadata=cleaned.metadata,
        coverage=Coverage("" if article.html is None else cleaned.flat, spans),
        paragraphs=paragraphs,
        findings=tuple(check_coverage(cleaned.flat, spans)),
        inputs=_summarizer_inputs([s.text for p in paragraphs for s in p.sentences]),
    )


def _insist_on_english(cleaned: Cleaned, field: str) -> None:
    foreign = any(p.kind is SpanKind.OTHER_LANGUAGE for p in cleaned.paragraphs)
    readable = any(is_worded(cleaned.flat[p.start : p.end]) for p in cleaned.story())
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
            yield first, end, one_line(text[first:end], keep)
            pending = None
    if pending:
        yield *pending, one_line(text[slice(*pending)], keep)


def one_line(text: str, keep: Sequence[str] = ()) -> str:
    """Return ``text`` on one line: each white space a blank, but as it is in what to ``keep``."""
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
    codec = workshop.codec("summarizer")
    if workshop.task("summarizer") == "embed":
        return tuple(
            tuple(piece.ids for piece in fit(sentence, codec.encode, codec.max_input_tokens))
            for sentence in sentences
        )
    return (tuple(windows(sentences, codec.encode, codec.max_input_tokens)),)


def is_worded(text: str) -> bool:
    """Whether there is a letter in it, so that there is something to translate."""
    return any(map(str.isalpha, text))


@dataclass(frozen=True)
class Source:
    """A sentence to be translated. What ``keep`` holds has to stay verbatim, besides what the
    caller's options say; a ``headline`` is checked as one.
    """

    en: str
    keep: tuple[str, ...] = ()
    headline: bool = False


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
