"""Loops: the same words, phrases or letters over and over.

Catches: a word or phrase said three times in a row; said twice, if it is three
words or longer or nothing but white space lies between; a phrase of three
words that keeps coming back; a few letters repeated inside a word. Whatever
the source repeats as often is no fault.

Misses: loops that change a word at every turn, and a sentence said twice in
other words (the length ratio may see it).

Every period up to a fixed bound is compared with the text shifted by it, so
time is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from service.schema import FindingKind, Severity

from .fault import Fault, Pair

_MAX_WORDS = 40  # of a repeated phrase; longer than nearly every sentence
_MAX_LETTERS = 6  # of a repeated piece of a word
_WORD = re.compile(r"\w+|[-–—]+")


def check(pair: Pair) -> Iterator[Fault]:
    """At most one fault: the longest loop."""
    loops = [*_phrases(pair), *_letters(pair), *_refrains(pair)]
    if loops:
        start, end = max(loops, key=lambda loop: loop[1] - loop[0])
        yield Fault(
            FindingKind.REPETITION,
            Severity.ERROR,
            start,
            end,
            pair.ru[start:end][:200],
            "The text repeats itself where its source does not.",
        )


def _runs(items: list[str], longest: int) -> Iterator[tuple[int, int, int]]:
    """Yield (period, first, last) of stretches ``items[first:last]`` that hold
    at least two copies in a row of something ``period`` items long.
    """
    for period in range(1, min(longest, len(items) // 2) + 1):
        run = 0
        for i in range(period, len(items)):
            if items[i] == items[i - period]:
                run += 1
                continue
            if run >= period:
                yield period, i - run - period, i
            run = 0
        if run >= period:
            yield period, len(items) - run - period, len(items)


def _phrases(pair: Pair) -> Iterator[tuple[int, int]]:
    words = list(_WORD.finditer(pair.ru))
    allowed = _longest_runs([w[0].casefold() for w in _WORD.finditer(pair.en)])
    for period, first, last in _runs([w[0].casefold() for w in words], _MAX_WORDS):
        copies = (last - first) // period
        if copies <= allowed:
            continue
        if copies == 2 and not _is_stutter(pair.ru, words[first:last], period):
            continue
        yield words[first].start(), words[last - 1].end()


def _longest_runs(words: list[str]) -> int:
    """How many copies in a row the source itself has, 1 if it repeats nothing."""
    return max((((b - a) // p) for p, a, b in _runs(words, _MAX_WORDS)), default=1)


def _is_stutter(text: str, words: list[re.Match[str]], period: int) -> bool:
    """Whether two copies are a slip. A word or two may be doubled on purpose
    ("да, да", "чуть-чуть", "что что-то", "это мы, это мы"), a longer phrase hardly.
    """
    between = text[words[period - 1].end() : words[period].start()]
    if period <= 2:
        compound = text[words[-1].end() : words[-1].end() + 1] == "-"
        return between.isspace() and not compound and not words[0][0].isdecimal()
    # The start of a sentence may echo the end of the one before; a whole sentence may not.
    before = text[: words[0].start()].rstrip("\"'«“( \u00a0\n")
    return _ends(before) or not before or not _ends(between)


def _ends(text: str) -> bool:
    return text.rstrip("\"'»”«“() \u00a0\n").endswith((".", "!", "?", "…"))


def _letters(pair: Pair) -> Iterator[tuple[int, int]]:
    source = {word.casefold() for word in _WORD.findall(pair.en)}
    for word in _WORD.finditer(pair.ru):
        letters = word[0].casefold()
        if letters.isdecimal() or letters in source:
            continue
        for period, first, last in _runs(list(letters), _MAX_LETTERS):
            if last - first >= 4 * period and last - first >= 5 + period:
                yield word.start() + first, word.start() + last


def _refrains(pair: Pair) -> Iterator[tuple[int, int]]:
    """Phrases of three words that come back at least three times anywhere."""
    words = list(_WORD.finditer(pair.ru))
    if len(words) < 9:
        return
    folded = [w[0].casefold() for w in words]
    counts = Counter(zip(folded, folded[1:], folded[2:], strict=False))
    phrase, times = counts.most_common(1)[0]
    if times < 3:
        return
    source = [w[0].casefold() for w in _WORD.finditer(pair.en)]
    if times <= max(Counter(pairwise(source)).values(), default=0):
        return
    places = [i for i in range(len(folded) - 2) if tuple(folded[i : i + 3]) == phrase]
    yield words[places[0]].start(), words[places[-1] + 2].end()
