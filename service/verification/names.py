"""Names: those of the translation against its source, those of a summary against its article.

Catches: a capitalised Russian word, a name by the dictionary or unknown to it, that
no word of the source sounds like and no table entry explains. In a summary, a
capitalised word that is nowhere in the article.

Misses: two names of one sentence exchanged; a name lost without another in
its place; a name of one or two letters, in Latin, or in capitals; a name that
sounds like the right one (Кавано, Кавана). A name that the translator added
for a pronoun is reported though it may be right.

``names.json`` holds what sound cannot tell: the Russian dictionary form, and how
the English words for it begin.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from service.schema import FindingKind, Severity

from .fault import Fault, Pair
from .placeholders import blanked
from .russian_words import look_up
from .transliteration import distance

_FARTHEST = 0.3  # of 1; nine in ten true pairs lie below 0.2, random ones rarely below 0.4
_RUSSIAN = re.compile(r"[А-ЯЁ][а-яё]{2,}")
_ENGLISH = re.compile(r"[^\W\d_]+(?:\.[^\W\d_])*")
_PART = re.compile(r"[A-Z][a-z]+")  # McIlroy is heard as "Mc Ilroy" as well
_POSSESSIVE = re.compile(r"['’]s\b")
#: Where a capital says nothing: at the start of a sentence, of a quotation or of a line.
_OPENING = re.compile(r"(?:^|[.!?…:\n]|[\"«„“(—–-])\s*[\"«„“(]?\s*\Z")
_DIRECTIONS = frozenset({"восток", "запад", "север", "юг", "юго", "северо", "центр"})


def check(pair: Pair) -> Iterator[Fault]:
    """One fault per Russian name that nothing in the source explains."""
    words = _english_words(blanked(pair.en, pair.keep))
    for start, end in _names(blanked(pair.ru, pair.keep)):
        name = pair.ru[start:end]
        if not _is_explained(name, words):
            message = f"The source has no name that sounds like {name}."
            yield Fault(FindingKind.NAMES, Severity.WARNING, start, end, name, message)


def _names(text: str) -> Iterator[tuple[int, int]]:
    for match in _RUSSIAN.finditer(text):
        word = look_up(match[0])
        if not word.may_be_name or not _DIRECTIONS.isdisjoint(word.lemmas):
            continue
        opening = _OPENING.search(text[max(0, match.start() - 4) : match.start()])
        if not (opening and word.may_be_other):
            yield match.span()


def _english_words(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """All words, folded, for the table; and the capitalised ones and their parts, for the ear."""
    plain = _POSSESSIVE.sub("", text)
    words = _ENGLISH.findall(plain)
    capitalised = {word for word in words if not word.islower()}
    parts = {part for word in capitalised for part in _PART.findall(word)}
    return frozenset(word.casefold() for word in words), frozenset(capitalised | parts)


def _is_explained(name: str, words: tuple[frozenset[str], frozenset[str]]) -> bool:
    folded, capitalised = words
    beginnings = tuple(b for lemma in look_up(name).lemmas for b in _table().get(lemma, ()))
    if beginnings and any(word.startswith(beginnings) for word in folded):
        return True
    return any(distance(word, name) <= _FARTHEST for word in capitalised)


@cache
def _table() -> dict[str, tuple[str, ...]]:
    text = files(__package__ or "").joinpath("names.json").read_text("utf-8")
    return {lemma: tuple(words.split()) for lemma, words in json.loads(text).items()}


def missing_names(sentence: str, article_words: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Places of capitalised words in an English ``sentence`` that the article, as
    :func:`folded_words`, has in no case and no derivation (Belgium, Belgian).
    """
    plain = _POSSESSIVE.sub(lambda match: " " * len(match[0]), sentence)
    for match in _ENGLISH.finditer(plain):
        word = match[0]
        opening = _OPENING.search(plain[max(0, match.start() - 4) : match.start()])
        if word[0].isupper() and len(word) > 1 and not opening:
            folded = _folded(word)
            if folded in article_words or folded.removesuffix("s") in article_words:
                continue
            stem = folded[: max(5, len(folded) - 2)]
            if len(folded) < 6 or not any(other.startswith(stem) for other in article_words):
                yield match.span()


def folded_words(text: str) -> frozenset[str]:
    """The words of an English text as :func:`missing_names` looks them up, with the
    short names of what it calls by its long one.
    """
    words = {_folded(word) for word in _ENGLISH.findall(_POSSESSIVE.sub("", text))}
    for long, short in _SHORT.items():
        if long in text:
            words.update(short)
    return frozenset(words)


def _folded(word: str) -> str:
    return word.replace(".", "").casefold()


_SHORT = {
    "United States": ("us", "usa", "america"),
    "America": ("us", "usa"),
    "U.S.": ("usa", "america", "united", "states"),
    "United Kingdom": ("uk", "britain"),
    "Britain": ("uk",),
    "British": ("uk",),
    "European Union": ("eu",),
    "United Nations": ("un",),
    "Republican": ("gop",),
}
