"""Where the words of an English sentence went in its Russian.

For a piece of the sentence, told by its place, the piece of the translation that stands
for it: the run of Russian words that shares dictionary forms with the piece's own
translation (made by the same model, alone), sounds or looks like its English words, and lies
about as far into the sentence. Pieces lie in one another or apart, and so do the answers.

It is no statistical aligner: it knows one sentence and no corpus, and where nothing
speaks for any place, as far in as before is the answer.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import heapify, heappop, heappush

from service.verification.russian_words import look_up
from service.verification.transliteration import distance, stem

Window = tuple[int, int]

_WORD = re.compile(r"\w+(?:[-'’.,:/@&]\w+)*")
_WORK = 6  # pairs of words compared per letter of a sentence; beyond, only the distance counts
_ALIKE = 0.25  # by sound, of 1
_SHARED = 0.5  # of a piece's own translation, at least, for it to be of use
_GROWTH = 1.6  # more words than so many times its English's are no translation of a piece
_LIGHT = 0.35  # what a word of one or two letters weighs; others weigh 1
_FAR = 0.4  # off the score for a place at the other end of the sentence
_SIZE = 0.02  # off the score for each word more or fewer than expected


@dataclass(frozen=True)
class Place:
    """A piece of a sentence; ``verbatim`` says that its words stay as they are."""

    start: int
    end: int
    verbatim: bool = False


def fragments(en: str, places: Sequence[Place]) -> Iterator[str]:
    """Yield the pieces, on one line, whose own translation helps to find them."""
    words: dict[int, int] = {}  # of each parent, counted once
    for place, parent in zip(places, _parents(places), strict=True):
        if parent not in words:
            around = places[parent] if parent >= 0 else Place(0, len(en))
            words[parent] = len(_WORD.findall(en, around.start, around.end))
        piece = en[place.start : place.end]
        whole = len(_WORD.findall(piece)) == words[parent]
        if not (whole or place.verbatim) and any(map(str.isalpha, piece)):
            yield " ".join(piece.split())


def align(
    en: str, ru: str, places: Sequence[Place], translations: Mapping[str, str]
) -> list[Window]:
    """Return where in ``ru`` each of the ``places`` of ``en`` went.

    Args:
        en: the sentence.
        ru: its translation.
        places: nested or apart, an outer one before those in it.
        translations: of the pieces by themselves, as far as there are any.
    """
    if en == ru:
        return [(place.start, place.end) for place in places]
    sentence = _Sentence(en, ru, places)
    windows: list[Window] = [(0, 0)] * len(places)
    children: dict[int, list[int]] = {}
    for index, parent in enumerate(_parents(places)):
        children.setdefault(parent, []).append(index)
    for parent, inside in sorted(children.items()):  # outer ones first
        around = places[parent] if parent >= 0 else Place(0, len(en))
        window = windows[parent] if parent >= 0 else (0, len(ru))
        found = _Search(sentence, around, window, translations)
        for index, result in found.run([(index, places[index]) for index in inside]):
            windows[index] = result
    return windows


class Borders:
    """The borders between the words of a sentence and those of its translation."""

    def __init__(self, en: str, ru: str) -> None:
        self._en, self._ru = en, ru
        self._ends = [match.end() for match in _WORD.finditer(en)]
        self._words = [match.span() for match in _WORD.finditer(ru)]

    def proportional(self, at: int) -> int:
        """Return the border in the Russian that lies as many words in as ``at`` does in the
        English.
        """
        en, words = self._en, self._words
        if at <= 0 or en == self._ru:
            return at
        before = bisect_right(self._ends, at)
        n = round(before / max(1, len(self._ends)) * len(words))
        after_word = at == len(en) or (not en[at - 1].isspace() and en[at].isspace())
        if n and (after_word or n == len(words)):
            return words[n - 1][1]
        return words[n][0] if n < len(words) else len(self._ru)


def _parents(places: Sequence[Place]) -> list[int]:
    """Return for each place the index of the one it lies in, -1 for none."""
    parents: list[int] = []
    stack: list[int] = []
    for index, place in enumerate(places):
        while stack and places[stack[-1]].end < place.end:
            stack.pop()
        while stack and places[stack[-1]].end <= place.start:
            stack.pop()
        parents.append(stack[-1] if stack else -1)
        stack.append(index)
    return parents


@dataclass(frozen=True)
class _Likely:
    """What speaks for a place: for each Russian word its weight if it may belong there, else 0;
    the weight to expect in all; and how far in its middle is, of 1.
    """

    affinities: tuple[float, ...]
    expected: float
    middle: float


class _Sentence:
    """A sentence, its translation, and which words of the one are like which of the other.

    ``compared`` says whether words are looked at: not where so many pieces lie in one another
    that it would take long.
    """

    def __init__(self, en: str, ru: str, places: Sequence[Place]) -> None:
        self.en, self.ru = en, ru
        self._words = [match[0] for match in _WORD.finditer(ru)]
        letters = sum(place.end - place.start for place in places)
        own = letters * len(_WORD.findall(en)) / max(1, len(en))  # words of all the pieces
        self.compared = own * len(self._words) <= _WORK * (len(en) + len(ru))
        self._alike: dict[str, frozenset[str]] = {}

    def alike(self, word: str) -> frozenset[str]:
        """The words of the translation that sound like an English one."""
        if word not in self._alike:
            self._alike[word] = frozenset(
                ru for ru in set(self._words) if distance(word, ru, _ALIKE) <= _ALIKE
            )
        return self._alike[word]


class _Search:
    """The pieces within one piece of the sentence, and the words within its window."""

    def __init__(
        self, sentence: _Sentence, around: Place, window: Window, translations: Mapping[str, str]
    ) -> None:
        self._sentence, self._en, self._ru = sentence, sentence.en, sentence.ru
        self._around, self._window = around, window
        self._translations = translations
        self._source = list(_WORD.finditer(self._en, around.start, around.end))
        self._source_starts = [word.start() for word in self._source]
        self._source_ends = [word.end() for word in self._source]
        self._words = list(_WORD.finditer(self._ru, *window))
        self._starts = [word.start() for word in self._words]
        self._ends = [word.end() for word in self._words]
        self._weights = [_weight(word[0]) for word in self._words]
        self._forms = frozenset[str]().union(*(_forms(word[0]) for word in self._words))
        self._busy = [False] * len(self._words)
        self._searched: dict[str, int] = {}  # how far for which verbatim piece

    def run(self, places: Sequence[tuple[int, Place]]) -> Iterator[tuple[int, Window]]:
        """Yield (index, window) for each place; the surest choose first."""
        left: dict[int, tuple[Place, _Likely]] = {}
        for index, place in places:
            window = self._exactly(place)
            if window is None:
                left[index] = place, self._likely(place)
            else:
                self._take(window)
                yield index, window
        if not self._sentence.compared:  # nothing to choose by: in their order
            for index, (place, likely) in left.items():
                window = self._best(likely)[1]
                self._take(window)
                yield index, self._dressed(place, window)
            return
        best = {index: self._best(likely) for index, (_, likely) in left.items()}
        surest = [(-score, index) for index, (score, _) in best.items()]
        heapify(surest)
        while surest:
            _, index = heappop(surest)
            place, likely = left[index]
            if not self._is_free(best[index][1]):  # somebody surer took a part of it
                best[index] = self._best(likely)
                if surest and (-best[index][0], index) > surest[0]:
                    heappush(surest, (-best[index][0], index))
                    continue
            window = best[index][1]
            self._take(window)
            yield index, self._dressed(place, window)

    def _exactly(self, place: Place) -> Window | None:
        """Where there is nothing to choose: all of the words, or the same ones."""
        if (place.start, place.end) == (self._around.start, self._around.end):
            return self._window
        own = self._own(place)
        if self._words and 0 < len(own) == len(self._source) and not place.verbatim:
            return self._dressed(place, (self._words[0].start(), self._words[-1].end()))
        piece = self._en[place.start : place.end]
        if place.verbatim:
            return self._verbatim(piece)
        inside = len(own) == 1 and own[0].span() != (place.start, place.end)
        if inside and own[0].start() <= place.start and place.end <= own[0].end():  # H<sub>2</sub>O
            whole = self._verbatim(own[0][0])
            if whole is not None:
                offset = whole[0] - own[0].start()
                return place.start + offset, place.end + offset
        return None

    def _own(self, place: Place) -> list[re.Match[str]]:
        first = bisect_right(self._source_ends, place.start)
        return self._source[first : bisect_left(self._source_starts, place.end, first)]

    def _verbatim(self, piece: str) -> Window | None:
        first, last = self._window
        at = self._ru.find(piece, self._searched.get(piece, first), last)
        while at >= 0:
            self._searched[piece] = at + len(piece)
            if self._is_free((at, at + len(piece))):
                return at, at + len(piece)
            at = self._ru.find(piece, at + len(piece), last)
        self._searched[piece] = last
        return None

    def _under(self, window: Window) -> range:
        """The indices of the words that a window touches."""
        first = bisect_right(self._ends, window[0])
        return range(first, bisect_left(self._starts, window[1], first))

    def _is_free(self, window: Window) -> bool:
        return not any(self._busy[i] for i in self._under(window))

    def _take(self, window: Window) -> None:
        for i in self._under(window):
            self._busy[i] = True

    def _likely(self, place: Place) -> _Likely:
        own = [word[0] for word in self._own(place)]
        before = bisect_right(self._source_ends, place.start)
        share = 1 / max(1, len(self._source))
        middle = (before + len(own) / 2) * share
        expected = len(own) * len(self._words) * share
        if not self._sentence.compared:
            return _Likely((), expected, middle)
        known = {word.casefold() for word in own}
        translated = self._translated(place)
        if translated:
            known = known.union(*map(_forms, translated))
            expected = sum(map(_weight, translated))
        heard = {ru for word in own if len(word) > 3 for ru in self._sentence.alike(word)}
        affinities = tuple(
            weight if word[0] in heard or known & _forms(word[0]) else 0.0
            for word, weight in zip(self._words, self._weights, strict=True)
        )
        return _Likely(affinities, expected, middle)

    def _translated(self, place: Place) -> list[str]:
        """The words of the place's own translation, if there are not too many of them and
        most are in the sentence.
        """
        alone = self._translations.get(" ".join(self._en[place.start : place.end].split()), "")
        words = _WORD.findall(alone)
        shared = sum(_weight(word) for word in words if self._forms & _forms(word))
        plausible = len(words) <= _GROWTH * len(self._own(place)) + 1
        return words if plausible and shared >= _SHARED * sum(map(_weight, words)) else []

    def _best(self, likely: _Likely) -> tuple[float, Window]:
        """The best free run of words for a place, and how well it fits."""
        count, expected = len(self._words), likely.expected
        size = max(1, round(expected))
        at = self._window[0] + round(likely.middle * (self._window[1] - self._window[0]))
        best = -math.inf, (at, at)
        if not likely.affinities:
            return -abs(likely.middle), self._in_proportion(likely.middle, size) or best[1]
        for i in range(count):
            shared = weight = 0.0
            for j in range(i, min(count, i + 2 * size + 1)):
                if self._busy[j]:
                    break
                shared += likely.affinities[j]
                weight += self._weights[j]
                fit = 2 * min(shared, expected) / (weight + expected) if expected else 0.0
                away = abs((i + j + 1) / 2 / count - likely.middle)
                score = fit - _FAR * away - _SIZE * abs(j - i + 1 - size)
                if score > best[0]:
                    best = score, (self._starts[i], self._ends[j])
        return best

    def _in_proportion(self, middle: float, size: int) -> Window | None:
        """So many free words, as far in as the place was; None where there is none."""
        first = max(0, round(middle * len(self._words) - size / 2))
        last = first
        while last < min(len(self._words), first + size) and not self._busy[last]:
            last += 1
        return (self._starts[first], self._ends[last - 1]) if last > first else None

    def _dressed(self, place: Place, window: Window) -> Window:
        """The window with the punctuation at the ends that the place had there, too."""
        piece = self._en[place.start : place.end].strip()
        first, last = window
        if piece and first < last:
            while not _WORD.match(piece) and first > self._window[0] and self._is_mark(first - 1):
                first -= 1
            while not piece[-1].isalnum() and last < self._window[1] and self._is_mark(last):
                last += 1
        return first, last

    def _is_mark(self, at: int) -> bool:
        character = self._ru[at]
        return not (character.isalnum() or character.isspace())


@lru_cache(maxsize=8192)
def _forms(word: str) -> frozenset[str]:
    folded = word.casefold().replace("ё", "е")
    return look_up(folded).lemmas | {stem(folded)}


def _weight(word: str) -> float:
    return 1.0 if len(word) > 2 or word.isdigit() else _LIGHT
