"""A cleaned article: its paragraphs, what became of each, and why.

Only the answer's shape lives here. Nothing is decided and nothing is
rewritten: paragraphs are places in ``flat``, and whoever wants their text
reads it there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from service.schema import Metadata, Span, SpanKind


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of ``Cleaned.flat``, without the white space around it.

    ``role`` says what it is in the article (body, subheading, list item,
    table, headline, standfirst, byline, date, dateline, caption, time stamp,
    code; chrome for what is none of it), ``reason`` says in a few words why it
    has its kind. Offsets count code points.
    """

    start: int
    end: int
    kind: SpanKind
    role: str
    reason: str


@dataclass(frozen=True)
class Cleaned:
    """An article as cleaning leaves it.

    ``flat`` is the submitted text, or the flattening of the submitted page.
    ``paragraphs`` are in order, do not overlap, and hold all of it but white
    space. ``language`` is a BCP 47 tag, ``und`` where there are no words.
    """

    flat: str
    paragraphs: tuple[Paragraph, ...]
    headline: str
    metadata: Metadata
    language: str

    def story(self) -> tuple[Paragraph, ...]:
        """The paragraphs that the summarizer reads."""
        return tuple(p for p in self.paragraphs if p.kind is SpanKind.USED)

    def paragraph_text(self, paragraph: Paragraph) -> str:
        """A paragraph's text on one line: hard-wrapped lines are joined by a space."""
        return one_line(self.flat[paragraph.start : paragraph.end])

    @property
    def text(self) -> str:
        """The story: its paragraphs, one line each, separated by blank lines."""
        return "\n\n".join(self.paragraph_text(p) for p in self.story())

    def spans(self) -> tuple[Span, ...]:
        """A partition of ``flat``: every code point lies in exactly one span."""
        return tuple(self._spans())

    def _spans(self) -> Iterator[Span]:
        at = 0
        for paragraph in self.paragraphs:
            if at < paragraph.start:
                yield Span(at, paragraph.start, SpanKind.NOT_NEEDED, "white space")
            yield Span(paragraph.start, paragraph.end, paragraph.kind, paragraph.reason)
            at = paragraph.end
        if at < len(self.flat):
            yield Span(at, len(self.flat), SpanKind.NOT_NEEDED, "white space")


def one_line(text: str) -> str:
    """``text`` with its lines joined by a space each, and nothing else changed."""
    return " ".join(line.strip() for line in text.splitlines())
