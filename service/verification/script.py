"""What is not Russian in the Russian.

Catches: a translation without a Cyrillic word; ordinary English words left in
Latin; letters of a third alphabet that the source does not have; letters that
only other Cyrillic alphabets have; a word that mixes Latin and Cyrillic.

Misses: a capitalised name or title left in Latin, since names, brands,
acronyms, addresses and placeholders in Latin are good Russian; a single word
quoted on purpose ('the word "twp"'); an original given in brackets. A title in a
third language, in lower case and without quotation marks, is taken for English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.schema import FindingKind, Severity

from .fault import Fault, Pair
from .placeholders import blanked

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ'’]+\Z")
_CYRILLIC = re.compile(r"[\u0400-\u052f]")
_NOT_RUSSIAN = re.compile(r"[іїєґўјњљћђџѕ]", re.IGNORECASE)
_ASCII = re.compile(r"[a-z'’]+\Z")
_ORIGINAL = re.compile(r"(?<=\w )\([^()\u0400-\u052f]{1,100}\)")  # Общество (Gesellschaft für …)
_ALIEN = re.compile(r"[^\W\d_\u0000-\u036f\u0400-\u052f\u1e00-\u1eff\u2100-\u214f]+")
_MIXED = re.compile(r"[A-Za-z][\u0400-\u052f]|[\u0400-\u052f][A-Za-z]")
#: Lower-case words inside names: Marks and Spencer, La Roche de la Tour; and, in quotation
#: marks alone, inside titles.
_PARTICLE_LIST = (
    "al and bin da das de del della der des di do dos du e el et la le les n of the van von y"
)
_TITLE_LIST = "a an as at by for from i in into is it my no on or s t to un und vs with you your"
_PARTICLES = frozenset(_PARTICLE_LIST.split())
_TITLE_WORDS = _PARTICLES | frozenset(_TITLE_LIST.split())
_GLUE = frozenset("-/.@_&")  # joins a word to others: e-mail, TCP/IP, LiverpoolFC.com
_QUOTATION = re.compile(r"\"[^\"]{1,300}\"|«[^»]{1,300}»|“[^”]{1,300}”|„[^“”]{1,300}[“”]")
_QUOTES = frozenset("\"'«»“”„’‘")


def check(pair: Pair) -> Iterator[Fault]:
    """One fault per run of words; or one for all where nothing is Russian."""
    text = _ORIGINAL.sub(lambda match: " " * len(match[0]), blanked(pair.ru, pair.keep))
    if not _CYRILLIC.search(text) and _ordinary_words(blanked(pair.en, pair.keep)):
        yield _fault(pair, Severity.ERROR, 0, len(pair.ru), "Nothing of this is in Russian.")
        return
    for start, end in _runs(text, _ordinary_words(text)):
        severity = Severity.ERROR if text.count(" ", start, end) >= 3 else Severity.WARNING
        yield _fault(pair, severity, start, end, "English words were left untranslated.")
    known = set(pair.en.casefold())
    for match in _ALIEN.finditer(text):
        if not known.issuperset(match[0].casefold()):
            message = "These letters are neither Cyrillic nor Latin."
            yield _fault(pair, Severity.ERROR, *match.span(), message)
    for word in _WORD.finditer(text):
        if _NOT_RUSSIAN.search(word[0]) and word[0] not in pair.en:
            message = "A word with letters that Russian does not have."
            yield _fault(pair, Severity.WARNING, *word.span(), message)
        elif _MIXED.search(word[0]) and word[0] not in pair.en:
            message = "A word of Latin and Cyrillic letters mixed."
            yield _fault(pair, Severity.WARNING, *word.span(), message)


def _ordinary_words(text: str) -> list[tuple[int, int]]:
    """Places of lower-case Latin words that are no part of a name or a compound."""
    words, quoted = list(_WORD.finditer(text)), _quoted(text)
    found = []
    for i, word in enumerate(words):
        if not _ASCII.match(word[0]) or _is_glued(text, *word.span()):
            continue
        particles = _TITLE_WORDS if quoted[word.start()] else _PARTICLES
        if not (word[0] in particles and _is_inside_name(words, i, particles)):
            found.append(i)
    if len(found) == 1 and words[found[0]][0] in _TITLE_WORDS:
        found = [i for i in found if not _is_inside_name(words, i, _TITLE_WORDS)]  # Boo to You
    if all(len(words[i][0]) == 1 for i in found):
        return []  # the letter w
    return [words[i].span() for i in found]


def _is_glued(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - 1) : start], text[end : end + 1]
    return (
        before in _GLUE
        or before.isdigit()
        or after.isdigit()
        or (after in _GLUE and text[end + 1 : end + 2].isalnum())
        or (before in _QUOTES and after in _QUOTES)
    )


def _quoted(text: str) -> bytearray:
    """1 at every place inside quotation marks."""
    inside = bytearray(len(text))
    for match in _QUOTATION.finditer(text):
        inside[match.start() : match.end()] = b"\1" * len(match[0])
    return inside


def _is_inside_name(words: list[re.Match[str]], i: int, particles: frozenset[str]) -> bool:
    """Whether the words on both sides, other particles skipped, are capitalised Latin."""
    before = reversed(words[max(0, i - 3) : i])
    return all(
        name is not None and name[0][0].isupper() and _LATIN.match(name[0]) is not None
        for side in (before, words[i + 1 : i + 4])
        for name in [next((word for word in side if word[0] not in particles), None)]
    )


def _runs(text: str, words: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Neighbours as one: nothing Cyrillic and no more than a Latin name in between."""
    start = end = -1
    for first, last in words:
        if end >= 0 and first - end <= 20 and not _CYRILLIC.search(text, end, first):
            end = last
            continue
        if end >= 0:
            yield start, end
        start, end = first, last
    if end >= 0:
        yield start, end


def _fault(pair: Pair, severity: Severity, start: int, end: int, message: str) -> Fault:
    return Fault(FindingKind.SCRIPT, severity, start, end, pair.ru[start:end][:200], message)
