"""From likelihoods to answers: each paragraph's kind, role and reason.

The model, and on pages the extractor, say how likely each paragraph is part
of the story. Added here is what neither looks at: languages, repetitions, the
headline, the lines around a story that are no running text, and words that
explain to people why a paragraph went.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from service.cleaning.features import Passage
from service.cleaning.language import ENGLISH, NO_LANGUAGE, UNKNOWN, language_of
from service.cleaning.roles import (
    BODY,
    CHROME,
    HEADLINE,
    LIST_ITEM,
    SUBHEADING,
    TABLE,
    is_title,
)
from service.cleaning.vocabulary import CUES
from service.schema import SpanKind

_REASONS = {cue.name: cue.reason for cue in CUES}
_CONTEXT_REASONS = {"caption": "photo caption"}
# So far above a story's first sentence its headline is looked for.
_HEADLINE_REACH = 60
# So many lines lie at most between a headline and the line below it that sums the story up,
# and at least between a stray sentence and the story.
_APART = 4
# So many short lines one below the other, a third of them numbers, are a table's cells.
_CELLS = 6
# So few paragraphs are no page: what the model knows of pages says little of them.
_LONE = 3
# Lines this close above a story without a headline belong to it.
_TOP = 4


@dataclass(frozen=True)
class Verdict:
    """What becomes of a paragraph: the fields of `Paragraph` but its place."""

    kind: SpanKind
    role: str
    reason: str


EXCLUDED = Verdict(SpanKind.EXCLUDED, CHROME, "excluded by the caller")
AS_SUBMITTED = Verdict(SpanKind.USED, BODY, "kept as submitted")
STANDFIRST = Verdict(SpanKind.CONTEXT, "standfirst", "standfirst")


def verdicts(
    passages: Sequence[Passage], likely: Sequence[float], threshold: float, headline: str
) -> list[Verdict]:
    """The verdict on each passage, given how likely each is part of the story."""
    languages = [language_of(passage.text) for passage in passages]
    foreign = [language not in (ENGLISH, UNKNOWN) for language in languages]
    kept = [
        value > threshold and not language for value, language in zip(likely, foreign, strict=True)
    ]
    if not any(kept) and len(passages) <= _LONE:
        kept = [_is_prose(p) and not f for p, f in zip(passages, foreign, strict=True)]
    kept = [keep and not _heads_nothing(passages, kept, i) for i, keep in enumerate(kept)]
    title = _headline(passages, kept, headline)
    if title is not None:
        kept[title] = False
    story = [index for index, keep in enumerate(kept) if keep]
    sentences = [index for index in story if passages[index].ends_sentence] or story
    first, last = (sentences[0], story[-1]) if story else (len(passages), -1)
    top = title if title is not None and title < first else first - _TOP
    cells = _cells(passages)
    seen: set[str] = set()
    answers: list[Verdict] = []
    for index, passage in enumerate(passages):
        form = passage.form
        if index == title:
            answer = Verdict(SpanKind.CONTEXT, HEADLINE, HEADLINE)
        elif languages[index] == NO_LANGUAGE and likely[index] > threshold:
            answer = Verdict(SpanKind.CONTEXT, "code", "computer code")
        elif foreign[index] and languages[index] != NO_LANGUAGE:
            answer = Verdict(SpanKind.OTHER_LANGUAGE, BODY, f"not English ({languages[index]})")
        elif form not in ("", LIST_ITEM) and (kept[index] or top <= index <= last + 2):
            answer = Verdict(SpanKind.CONTEXT, form, _CONTEXT_REASONS.get(form, form))
        elif kept[index] and passage.key in seen:
            answer = Verdict(SpanKind.REPEATED, BODY, "repeats an earlier paragraph")
        elif title is not None and title < index < first and _is_photo(passage, index - title):
            answer = Verdict(SpanKind.CONTEXT, "caption", "photo caption")
        elif kept[index]:
            role = SUBHEADING if _is_subheading(passage) else BODY
            role = TABLE if index in cells else form or role
            answer = Verdict(SpanKind.USED, role, "story")
        elif title is not None and title < index < first and _is_standfirst(passage):
            answer = STANDFIRST
        else:
            why = TABLE if index in cells else _why_dropped(passages, index, first, last)
            answer = Verdict(SpanKind.BOILERPLATE, CHROME, why)
        if kept[index]:
            seen.add(passage.key)
        answers.append(answer)
    return answers


def _is_prose(passage: Passage) -> bool:
    """Is it a sentence that asks for nothing?"""
    return passage.ends_sentence and not passage.cues


def _is_subheading(passage: Passage) -> bool:
    return len(passage.words) <= 12 and is_title(passage.text) and not passage.ends_sentence


def _cells(passages: Sequence[Passage]) -> frozenset[int]:
    """The indices of the lines that are a table's, or a ticker's."""
    found: set[int] = set()
    for short, run in groupby(range(len(passages)), lambda i: len(passages[i].words) <= 4):
        indices = list(run)
        numbers = sum(passages[i].text[-1].isdigit() for i in indices)
        if short and len(indices) >= _CELLS and 3 * numbers >= len(indices):
            found.update(indices)
    found.update(i for i, passage in enumerate(passages) if passage.columns > 2)
    return frozenset(found)


def _heads_nothing(passages: Sequence[Passage], kept: Sequence[bool], index: int) -> bool:
    """Does a line like a subheading stand above chrome, and below chrome or a sentence?

    Subheadings stand above the story, and the lines of a list in company.
    """
    passage = passages[index]
    beside = [
        i
        for i in (index - 1, index + 1)
        if 0 <= i < len(passages) and kept[i] and passages[i].key != passage.key
    ]
    if len(passages) == 1 or not _is_subheading(passage):
        return False
    # Below the titles of other articles, after the story has begun, stands one more of them.
    listed = index > 0 and not kept[index - 1] and _is_title_of_another(passages[index - 1])
    if listed and any(kept[i] and passages[i].ends_sentence for i in range(index)):
        return True
    return index + 1 not in beside and (not beside or passages[index - 1].ends_sentence)


def _is_title_of_another(passage: Passage) -> bool:
    return _is_subheading(passage) and len(passage.words) > 3 and not passage.form


def _is_photo(passage: Passage, below: int) -> bool:
    """Could a line so far below the headline name whom a photo shows?"""
    words = passage.words
    capitals = sum(word[0].isupper() for word in words)
    fits = below <= 2 and 3 <= len(words) <= 20 and 2 * capitals > len(words)
    return fits and is_title(passage.text) and not passage.ends_sentence and not passage.cues


def _is_standfirst(passage: Passage) -> bool:
    """Could a dropped line between headline and story sum the story up?"""
    return 6 <= len(passage.words) <= 40 and not passage.cues


def _headline(passages: Sequence[Passage], kept: Sequence[bool], given: str) -> int | None:
    """The index of the headline: the given one, or a title that speaks of the story below it."""
    if given:
        wanted = Passage(" ".join(given.split())).key
        # Pages add the site's name to their titles.
        same = [i for i, p in enumerate(passages) if len(p.words) > 2 and wanted.startswith(p.key)]
        exact = [i for i, passage in enumerate(passages) if passage.key == wanted]
        if exact or same:
            return (exact or same)[0]
    sentences = [i for i, keep in enumerate(kept) if keep and passages[i].ends_sentence]
    if not sentences:
        return None
    begin = _beginning(passages, sentences)
    words = frozenset[str]().union(*(passages[i].content for i in sentences if i >= begin))
    short = [i for i in range(begin) if kept[i] and len(passages[i].words) <= 12]
    above = [
        index
        for index in range(max(0, begin - _HEADLINE_REACH), begin)
        if _could_be_headline(passages[index])
        # Among other kept lines it is an entry of a list.
        and (not kept[index] or len(short) < 3)
    ]
    shared = {
        i: len(passages[i].content & words) / max(4, len(passages[i].content))
        - (begin - i) / (2 * _HEADLINE_REACH)
        for i in above
    }
    best = max(shared.values(), default=0.0)
    if best >= 0.2:
        closest = next(index for index in above if shared[index] == best)
        # The headline stands above the line that sums the story up.
        return next(i for i in above if i >= closest - _APART and shared[i] >= 0.5 * best)
    # Some headlines share no word with their story: then it is the title right above.
    return next((i for i in reversed(above) if i >= begin - 3), None)


def _beginning(passages: Sequence[Passage], sentences: Sequence[int]) -> int:
    """Where the story begins in earnest: above it, stray sentences hold a tenth of it at most."""
    length = sum(len(passages[i].words) for i in sentences)
    begin, before = sentences[0], 0
    for index, following in pairwise(sentences):
        before += len(passages[index].words)
        if before > length / 10:
            break
        if following > index + _APART:
            begin = following
    return begin


def _could_be_headline(passage: Passage) -> bool:
    a_sentence = passage.ends_sentence and not passage.text.endswith("?")
    fits = 4 <= len(passage.words) <= 30 and is_title(passage.text) and not a_sentence
    a_path = any(mark in passage.text for mark in "»›>|")
    return fits and not a_path and not passage.opens_with_cue and not passage.form


def _why_dropped(passages: Sequence[Passage], index: int, first: int, last: int) -> str:
    """Why a paragraph is not part of the story, for people."""
    passage = passages[index]
    if passage.cues:
        return _REASONS[passage.cues[0]]
    if not passage.words:
        return "no words"
    near = passages[max(0, index - 2) : index + 3]
    if len(near) > 3 and all(len(other.words) <= 8 for other in near):
        return "link list"
    if index > last and first <= last:
        return "teaser of another article"
    return "not part of the story"
