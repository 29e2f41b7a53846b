"""Plain text as a crawl left it, its paragraphs kept or dropped.

This is the path of texts without markup; `service.cleaning.page` is that of
HTML, and both end in `answer`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from service.cleaning.blocks import Offsets, paragraph_offsets
from service.cleaning.document import Cleaned, Paragraph, one_line
from service.cleaning.features import Passage, passages_of
from service.cleaning.language import NO_LANGUAGE, UNKNOWN, language_of
from service.cleaning.model import ParagraphModel, shipped_model
from service.cleaning.roles import HEADLINE
from service.cleaning.verdicts import AS_SUBMITTED, EXCLUDED, STANDFIRST, Verdict, verdicts
from service.schema import Metadata, Range, SpanKind

# A paragraph of so many characters can be a whole story, flattened into one line.
_WHOLE_STORY = 500
# Copy wrapped by hand is as wide as this; narrower lines may be a list, or a poem.
_WRAPPED_COPY = 60


def clean_text(
    text: str,
    headline: str = "",
    excluded: Sequence[Range] = (),
    *,
    model: ParagraphModel | None = None,
) -> Cleaned:
    """The paragraphs of a plain text, each kept or dropped with a reason.

    What is kept is stable: cleaning ``Cleaned.text`` again keeps all of it.
    ``excluded`` ranges lie on ``text``; ``model`` is the shipped one by default.
    """
    offsets = paragraph_offsets(text, excluded)
    passages = passages_of([one_line(text[start:end]) for start, end in offsets])
    is_open = [not is_excluded(offset, excluded) for offset in offsets]
    settled = iter(
        _settled(
            [passage for passage, free in zip(passages, is_open, strict=True) if free],
            headline,
            model or shipped_model(),
        )
    )
    return answer(
        text, offsets, [next(settled) if free else EXCLUDED for free in is_open], headline
    )


def keep_all(text: str, headline: str = "", excluded: Sequence[Range] = ()) -> Cleaned:
    """Every paragraph as it is, but for the caller's exclusions: no cleaning.

    Short lines stay lines: they come back one by one.
    """
    offsets = paragraph_offsets(text, excluded, narrowest=_WRAPPED_COPY)
    return answer(
        text,
        offsets,
        [EXCLUDED if is_excluded(offset, excluded) else AS_SUBMITTED for offset in offsets],
        headline,
    )


def answer(
    flat: str,
    offsets: Sequence[Offsets],
    found: Sequence[Verdict],
    headline: str,
    metadata: Metadata | None = None,
) -> Cleaned:
    """The verdicts in their places; the headline found among them unless one is given."""
    paragraphs = tuple(
        Paragraph(start, end, verdict.kind, verdict.role, verdict.reason)
        for (start, end), verdict in zip(offsets, found, strict=True)
    )
    titles = (one_line(flat[p.start : p.end]) for p in paragraphs if p.role == HEADLINE)
    return Cleaned(
        flat=flat,
        paragraphs=paragraphs,
        headline=headline or next(titles, ""),
        metadata=metadata or Metadata(),
        language=_article_language(flat, paragraphs),
    )


def is_excluded(offsets: Offsets, excluded: Sequence[Range]) -> bool:
    """Does a paragraph, cut at the ranges' borders, lie within one?"""
    start, end = offsets
    return any(piece.start <= start and end <= piece.end for piece in excluded)


def _settled(passages: Sequence[Passage], headline: str, model: ParagraphModel) -> list[Verdict]:
    """Verdicts that reading the kept passages once more would not change.

    The story is read again without the chrome around it until nothing more
    falls out; each round drops a passage at least.
    """
    found = _read(passages, headline, model)
    while True:
        kept = [index for index, verdict in enumerate(found) if verdict.kind is SpanKind.USED]
        again = _read([passages[index] for index in kept], "", model)
        # What looks like a headline below the headline is not a second one.
        titled = any(verdict.role == HEADLINE for verdict in found)
        fallen = {
            index: STANDFIRST if titled and verdict.role == HEADLINE else verdict
            for index, verdict in zip(kept, again, strict=True)
            if verdict.kind is not SpanKind.USED
        }
        if not fallen:
            return found
        found = [fallen.get(index, verdict) for index, verdict in enumerate(found)]


def _read(passages: Sequence[Passage], headline: str, model: ParagraphModel) -> list[Verdict]:
    if not passages:
        return []
    likely = model.likelihoods(passages, headline)
    # Where nearly all is one paragraph, the story is in it, whatever else may be.
    length = [len(passage.text) for passage in passages]
    longest = length.index(max(length))
    if length[longest] >= max(_WHOLE_STORY, 0.8 * sum(length)):
        likely[longest] = 1.0
    # A text in which nothing stands out as chrome is left whole.
    threshold = model.threshold if min(likely) < model.doubt else 0.0
    return verdicts(passages, likely, threshold, headline)


def _article_language(flat: str, paragraphs: Sequence[Paragraph]) -> str:
    """The language of most letters of the story, or failing a story, of the text."""
    prose = (SpanKind.USED, SpanKind.OTHER_LANGUAGE)
    pieces = [flat[p.start : p.end] for p in paragraphs if p.kind in prose] or [flat]
    if language_of("\n".join(pieces)) == NO_LANGUAGE:
        return NO_LANGUAGE
    letters: Counter[str] = Counter()
    for piece in pieces:
        letters[language_of(piece)] += sum(map(str.isalpha, piece))
    del letters[UNKNOWN]
    return max(letters, key=lambda tag: letters[tag]) if letters.total() else UNKNOWN
