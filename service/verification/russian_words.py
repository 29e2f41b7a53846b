"""What a Russian word is: its dictionary forms, and whether it can be a name.

A thin layer over ``pymorphy3`` and its dictionary (OpenCorpora), loaded at the
first question: about 0.3 s and 40 MB, once per process.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import pymorphy3

#: Grammemes of names: first name, surname, patronymic, place, organisation, trade mark.
_NAMES = ("Name", "Surn", "Patr", "Geox", "Orgn", "Trad")

_CYRILLIC = re.compile(r"[а-яё]+(?:-[а-яё]+)*")


@cache
def _dictionary() -> pymorphy3.MorphAnalyzer:
    return pymorphy3.MorphAnalyzer()


@lru_cache(maxsize=4096)
def parses(word: str) -> list[Any]:
    """What the dictionary takes a word for, likeliest first: ``pymorphy3``'s own parses. Of
    a compound that it does not know, those of the last part; else none for an unknown word.
    """
    folded = word.casefold()
    if not _CYRILLIC.fullmatch(folded):
        return []
    known = _dictionary().word_is_known
    last = folded.rpartition("-")[2]
    return _dictionary().parse(folded if known(folded) else last) if known(last) else []


@dataclass(frozen=True)
class Word:
    """What the dictionary says of a word. An unknown word may be a name, and its
    only lemma is itself.
    """

    lemmas: frozenset[str]
    known: bool
    may_be_name: bool
    may_be_other: bool


@lru_cache(maxsize=65536)
def look_up(word: str) -> Word:
    """The word in any case; ё is written as е in lemmas. A word that is not of Russian
    letters is taken as it is.
    """
    folded = word.casefold()
    if not _CYRILLIC.fullmatch(folded):
        return Word(frozenset({folded}), True, False, True)
    dictionary = _dictionary()
    parses = dictionary.parse(folded)
    names = [any(grammeme in parse.tag for grammeme in _NAMES) for parse in parses]
    if not dictionary.word_is_known(folded):
        return Word(frozenset({folded.replace("ё", "е")}), False, True, not any(names))
    lemmas = frozenset(parse.normal_form.replace("ё", "е") for parse in parses)
    return Word(lemmas, True, any(names), not all(names))
