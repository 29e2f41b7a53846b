"""Plain text as a crawl left it: which paragraphs are the story.

The model says how likely each paragraph is part of the story; here its
verdicts become kinds, roles and reasons, together with what the model does
not look at: languages, repetitions, the headline and the lines around it.
"""

from __future__ import annotations

from collections.abc import Sequence

from service.cleaning.blocks import paragraph_offsets
from service.cleaning.document import Cleaned, Paragraph, one_line
from service.cleaning.features import Passage
from service.cleaning.language import ENGLISH, UNKNOWN, language_of
from service.cleaning.model import shipped_model
from service.cleaning.roles import (
    BODY,
    CHROME,
    HEADLINE,
    LIST_ITEM,
    SUBHEADING,
    form_of,
    is_title,
)
from service.cleaning.vocabulary import CUES
from service.schema import Metadata, Range, SpanKind

REASONS = {cue.name: cue.reason for cue in CUES}
Verdict = tuple[SpanKind, str, str]  # kind, role, reason


def clean_text(text: str, headline: str = "", excluded: Sequence[Range] = ()) -> Cleaned:
    """The paragraphs of a plain text, each kept or dropped with a reason.

    What is kept is stable: cleaning ``Cleaned.text`` keeps all of it. So the
    story is judged once more without the chrome around it, until nothing
    more falls out.
    """
    offsets = paragraph_offsets(text, excluded)
    passages = [Passage(one_line(text[start:end])) for start, end in offsets]
    barred = [_is_excluded(offset, excluded) for offset in offsets]
    open_passages = [p for p, out in zip(passages, barred, strict=True) if not out]
    verdicts = settled(open_passages, headline)
    remaining = iter(verdicts)
    paragraphs = tuple(
        Paragraph(
            *offset,
            *((SpanKind.EXCLUDED, CHROME, "excluded by the caller") if out else next(remaining)),
        )
        for offset, out in zip(offsets, barred, strict=True)
    )
    return finished(text, paragraphs, headline)


def keep_all(text: str, headline: str = "", excluded: Sequence[Range] = ()) -> Cleaned:
    """Every paragraph as it is, but for the caller's exclusions: no cleaning."""
    paragraphs = tuple(
        Paragraph(*offset, SpanKind.EXCLUDED, CHROME, "excluded by the caller")
        if _is_excluded(offset, excluded)
        else Paragraph(*offset, SpanKind.USED, BODY, "kept as submitted")
        for offset in paragraph_offsets(text, excluded)
    )
    return finished(text, paragraphs, headline)


def finished(
    flat: str, paragraphs: tuple[Paragraph, ...], headline: str, metadata: Metadata | None = None
) -> Cleaned:
    """The answer, with the headline found among the paragraphs unless one is given."""
    found = (one_line(flat[p.start : p.end]) for p in paragraphs if p.role == HEADLINE)
    return Cleaned(
        flat=flat,
        paragraphs=paragraphs,
        headline=headline or next(found, ""),
        metadata=metadata or Metadata(),
        language=_article_language(flat, paragraphs),
    )


def settled(passages: Sequence[Passage], headline: str) -> list[Verdict]:
    """Verdicts that cleaning the kept passages again would not change."""
    verdicts = judged(passages, headline)
    while True:
        kept = [i for i, verdict in enumerate(verdicts) if verdict[0] is SpanKind.USED]
        again = judged([passages[i] for i in kept], "")
        fallen = [(i, v) for i, v in zip(kept, again, strict=True) if v[0] is not SpanKind.USED]
        if not fallen:
            return verdicts
        for index, verdict in fallen:
            verdicts[index] = verdict


def judged(passages: Sequence[Passage], headline: str) -> list[Verdict]:
    """What becomes of each passage, on one reading."""
    if not passages:
        return []
    model = shipped_model()
    likely = model.likelihoods(passages, headline)
    # A text with nothing in it that stands out as chrome is left whole.
    threshold = model.threshold if min(likely) < model.doubt else 0.0
    languages = [_foreign(passage) for passage in passages]
    kept = [
        value > threshold and not language
        for value, language in zip(likely, languages, strict=True)
    ]
    title = _headline(passages, kept, headline)
    if title is not None:
        kept[title] = False
    story = [index for index, keep in enumerate(kept) if keep]
    first, last = (story[0], story[-1]) if story else (0, -1)
    top = min(first, title) if title is not None else first - 4
    seen: set[str] = set()
    verdicts: list[Verdict] = []
    for index, passage in enumerate(passages):
        form = form_of(passage.text)
        if index == title:
            verdict = (SpanKind.CONTEXT, HEADLINE, "headline")
        elif languages[index]:
            verdict = (SpanKind.OTHER_LANGUAGE, BODY, f"not English ({languages[index]})")
        elif form not in ("", LIST_ITEM) and (kept[index] or top <= index <= last + 1):
            verdict = (SpanKind.CONTEXT, form, form if form != "caption" else "photo caption")
        elif kept[index] and passage.key in seen:
            verdict = (SpanKind.REPEATED, BODY, "repeats an earlier paragraph")
        elif kept[index]:
            role = form or (SUBHEADING if _is_subheading(passage) else BODY)
            verdict = (SpanKind.USED, role, "story")
        else:
            verdict = (SpanKind.BOILERPLATE, CHROME, _reason(passages, likely, index, first, last))
        if kept[index]:
            seen.add(passage.key)
        verdicts.append(verdict)
    return verdicts


def _is_excluded(offset: tuple[int, int], excluded: Sequence[Range]) -> bool:
    return any(piece.start <= offset[0] and offset[1] <= piece.end for piece in excluded)


def _foreign(passage: Passage) -> str:
    language = language_of(passage.text)
    return "" if language in (ENGLISH, UNKNOWN) else language


def _is_subheading(passage: Passage) -> bool:
    return len(passage.words) <= 12 and is_title(passage.text) and not passage.ends_sentence


def _headline(passages: Sequence[Passage], kept: Sequence[bool], given: str) -> int | None:
    """The index of the headline: the given one, or a title that speaks of the story below."""
    first = next((i for i, keep in enumerate(kept) if keep and passages[i].ends_sentence), None)
    if given:
        wanted = Passage(one_line(given)).key
        return next((i for i, p in enumerate(passages) if p.key == wanted), None)
    if first is None:
        return None
    story = frozenset[str]().union(
        *(p.content for p, k in zip(passages, kept, strict=True) if k and p.ends_sentence)
    )
    best, best_score = None, 0.3
    for index in range(max(0, first - 25), first):
        passage = passages[index]
        if not 3 <= len(passage.words) <= 30 or not is_title(passage.text) or form_of(passage.text):
            continue
        if not passage.content or passage.cues:
            continue
        shared = len(passage.content & story) / len(passage.content)
        score = shared * min(1.0, len(passage.content) / 4)
        if score >= best_score:
            best, best_score = index, score
    return best


def _reason(
    passages: Sequence[Passage], likely: Sequence[float], index: int, first: int, last: int
) -> str:
    """Why it was dropped, in words for people."""
    passage = passages[index]
    if passage.cues:
        return REASONS[passage.cues[0]]
    if not passage.words:
        return "no words"
    near = passages[max(0, index - 2) : index + 3]
    if len(passage.words) <= 8 and sum(len(p.words) <= 8 for p in near) >= min(4, len(near)):
        return "link list"
    if index > last and first <= last:
        return "teaser of another article"
    return "not part of the story"


def _article_language(flat: str, paragraphs: Sequence[Paragraph]) -> str:
    """The language of most of the story's letters, or failing a story, of the text."""
    pieces = [
        flat[p.start : p.end]
        for p in paragraphs
        if p.kind in (SpanKind.USED, SpanKind.OTHER_LANGUAGE)
    ] or [flat]
    letters: dict[str, int] = {}
    for piece in pieces:
        language = language_of(piece)
        letters[language] = letters.get(language, 0) + sum(map(str.isalpha, piece))
    known = {tag: count for tag, count in letters.items() if tag != UNKNOWN and count}
    return max(known, key=known.__getitem__) if known else UNKNOWN
