"""Names: those of the translation against its source, those of a summary against its article.

Catches: a capitalised Russian word, a name by the dictionary or unknown to it, that
no word of the source sounds like and no table entry explains; a country that sounds
like another (Tunisian, Танзания). In a summary, a capitalised word that is nowhere in
the article.

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
from itertools import islice

from service.schema import FindingKind, Severity

from .fault import Fault, Pair
from .placeholders import blanked
from .russian_words import look_up
from .transliteration import distance, stem

_FARTHEST = 0.3  # of 1; nine in ten true pairs lie below 0.2, random ones rarely below 0.4
_CLOSE = 0.1
_MOST = 100  # names of a sentence; lists that are longer are not names' place
_RUSSIAN = re.compile(r"(?<!\w)[А-ЯЁ][а-яё]{2,}(?!\w)")
_ENGLISH = re.compile(r"[^\W\d_]+(?:\.[^\W\d_])*")
_SECOND = re.compile(r"(?<=[a-z]-)[a-z]{2,4}\b")  # Jong-un
_PART = re.compile(r"[A-Z][a-z]+")  # McIlroy is heard as "Mc Ilroy" as well
_POSSESSIVE = re.compile(r"['’]s\b")
#: Where a capital says nothing: at the start of a sentence, of a quotation or of a line.
_OPENING = re.compile(r"(?:^|[.!?…:\n]|[\"«„“(—–-])\s*[\"«„“(]?\s*\Z")
#: Capitalised at the start of a sentence or in a headline, and never a name.
_NO_NAME_LIST = (
    "a about after all also an and are as at be been before but by can could did do does for from "
    "had has have he her his how i if in into is it its more most my no not now of on one or our "
    "out over she should so some such than that the their them then there these they this those "
    "though to two under until up was we were what when where which while who why with would you "
    "your"
)
_NO_NAMES = frozenset(_NO_NAME_LIST.split())
_DIRECTIONS = frozenset({"восток", "запад", "север", "юг", "юго", "северо", "центр"})


def check(pair: Pair) -> Iterator[Fault]:
    """One fault per Russian name that nothing in the source explains."""
    folded, spoken = _english_words(blanked(pair.en, pair.keep))
    names = islice(_names(blanked(pair.ru, pair.keep)), _MOST)
    by_ear = [place for place in names if not _is_known(place, folded)]
    sounds = {stem(place[0].casefold()): place[0] for place in by_ear}
    explained = _heard(sounds, [word for word in spoken if not _in_table(word)])
    # What the table knows as one name sounds like no other that it knows: Tunisia, Танзания.
    unknown = {key: name for key, name in sounds.items() if not beginnings(name)}
    explained |= _heard(unknown, spoken)
    for place in by_ear:
        if stem(place[0].casefold()) not in explained:
            message = f"The source has no name that sounds like {place[0]}."
            yield Fault(FindingKind.NAMES, Severity.WARNING, *place.span(), place[0], message)


def _names(text: str) -> Iterator[re.Match[str]]:
    for match in _RUSSIAN.finditer(text):
        word = look_up(match[0])
        if not word.may_be_name or not _DIRECTIONS.isdisjoint(word.lemmas):
            continue
        opening = _OPENING.search(text[max(0, match.start() - 4) : match.start()])
        if not (opening and word.may_be_other):
            yield match


def _english_words(text: str) -> tuple[frozenset[str], list[str]]:
    """All words, folded, for the table; the capitalised ones and their parts, for the ear."""
    plain = _POSSESSIVE.sub("", text)
    words = _ENGLISH.findall(plain)
    capitalised = [w for w in words if not w.islower() and w.casefold() not in _NO_NAMES]
    capitalised += _SECOND.findall(plain)
    parts = [part for word in capitalised for part in _PART.findall(word) if part != word]
    return frozenset(word.casefold() for word in words), list(dict.fromkeys(capitalised + parts))[
        :_MOST
    ]


def _is_known(place: re.Match[str], folded: frozenset[str]) -> bool:
    """Whether the table connects the name with a word of the source."""
    known = beginnings(place[0])
    return bool(known) and any(word.startswith(known) for word in folded)


def beginnings(name: str) -> tuple[str, ...]:
    """How English words for a Russian name begin, by the table."""
    roots = [form for lemma in look_up(name).lemmas for form in _roots(lemma)]
    return tuple(b for root in roots for b in _table().get(root, ()))


def _in_table(word: str) -> bool:
    """Whether the table knows an English word."""
    return word.casefold().startswith(_all_beginnings())


def _roots(lemma: str) -> tuple[str, ...]:
    if not lemma.endswith("ский"):
        return (lemma,)
    root = lemma.removesuffix("ский")
    # китайский, шотландский, кубинский, танзанийский
    return (lemma, root, root + "ия", root + "а", root.removesuffix("й") + "я")


def _heard(names: dict[str, str], words: list[str]) -> set[str]:
    """The stems among ``names`` (stem → name) that sound like a word of the source.

    The closest go first, and a word that has explained one name explains no other
    that is not as close.
    """
    distances = sorted(
        (distance(word, name, _FARTHEST), i, stem_)
        for i, word in enumerate(words)
        for stem_, name in names.items()
    )
    explained: set[str] = set()
    taken: set[int] = set()
    for far, i, stem_ in distances:
        if stem_ not in explained and (far <= _CLOSE or (far <= _FARTHEST and i not in taken)):
            explained.add(stem_)
            taken.add(i)
    return explained


@cache
def _table() -> dict[str, tuple[str, ...]]:
    text = files(__package__ or "").joinpath("names.json").read_text("utf-8")
    return {lemma: tuple(words.split()) for lemma, words in json.loads(text).items()}


@cache
def _all_beginnings() -> tuple[str, ...]:
    return tuple(sorted({b for row in _table().values() for b in row if len(b) > 3}))


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
