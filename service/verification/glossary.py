"""Terms the caller gave a translation for.

Catches: a glossary term that stands in the source while its translation stands
nowhere in the answer, in whatever inflection. Misses: one occurrence of several
lost (the others may have become pronouns), and the wrong inflection. A term
within a longer one is no term of its own.

Words are compared by dictionary form; a word the dictionary does not know may
differ in its last three letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from service.schema import FindingKind, GlossaryEntry, Severity

from .fault import Fault, Pair
from .russian_words import look_up

_WORD = re.compile(r"\w+")


def check(pair: Pair) -> Iterator[Fault]:
    """One fault per term that is lost."""
    if not pair.glossary:
        return
    target = [_forms(word) for word in _WORD.findall(pair.ru)]
    for entry in dict.fromkeys(term.entry for term in glossary_terms(pair.en, pair.glossary)):
        wanted = [_forms(word) for word in _WORD.findall(entry.target)]
        if wanted and not _appears(wanted, target):
            message = f"The glossary wants “{entry.source}” to be “{entry.target}”."
            yield Fault(FindingKind.GLOSSARY, Severity.ERROR, 0, 0, entry.target, message)


class GlossaryTerm(NamedTuple):
    """Where an English sentence has a term of the glossary."""

    start: int
    end: int
    plural: bool
    entry: GlossaryEntry


def glossary_terms(en: str, glossary: Iterable[GlossaryEntry]) -> list[GlossaryTerm]:
    """Return the terms of a sentence, longer ones first; none overlaps another."""
    words = _words(en)
    found: list[GlossaryTerm] = []
    taken = bytearray(len(en))
    for entry in sorted(glossary, key=lambda entry: -len(entry.source)):
        for start, end, plural in _places(entry.source, words):
            if not any(taken[start:end]):
                found.append(GlossaryTerm(start, end, plural, entry))
                taken[start:end] = b"\1" * (end - start)
    return found


def _words(text: str) -> list[re.Match[str]]:
    return list(_WORD.finditer(text))


def _places(source: str, words: Sequence[re.Match[str]]) -> Iterator[tuple[int, int, bool]]:
    """In any capitals; the last word may be in the plural."""
    term = [word.casefold() for word in _WORD.findall(source)]
    if not term:
        return
    size, ends = len(term), {term[-1]: False, term[-1] + "s": True, term[-1] + "es": True}
    for i in range(len(words) - size + 1):
        said = [word[0].casefold() for word in words[i : i + size]]
        if said[:-1] == term[:-1] and said[-1] in ends:
            yield words[i].start(), words[i + size - 1].end(), ends[said[-1]]


def _forms(text: str) -> frozenset[str]:
    """What two inflections of one word have in common."""
    folded = text.casefold().replace("ё", "е")
    word = look_up(folded)
    if word.known:
        return word.lemmas
    return word.lemmas | {folded[: max(3, len(folded) - 3)] + "…"}  # meets only other stems


def _appears(wanted: list[frozenset[str]], words: list[frozenset[str]]) -> bool:
    size = len(wanted)
    return any(
        all(a & b for a, b in zip(wanted, words[i : i + size], strict=True))
        for i in range(len(words) - size + 1)
    )
