"""Which sentences of the article a summary's sentence rests on.

An extractive summary is found word for word; an abstractive one shares words
with the sentences it was made from, and fuses two or three of them. So source
sentences are scored by how much of the summary sentence they hold, rare words
counting more than common ones, and chosen one by one for what each adds.

It sees words, not meaning: a paraphrase in other words scores low, and a
sentence that turns the same words around ("A sued B") scores high.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from service.schema import Evidence
from service.sentences import sentence_offsets as split

_MOST = 3  # pieces of evidence per sentence
_LEAST = 0.15  # a score below says that a few common words happen to be shared
_ADDS = 0.1  # the share of the sentence that one more piece has to bring
_ORDER = 0.3  # of the score: pairs of neighbouring words; the rest is the words
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_ENDING = re.compile(r"(?:['’]s|ing|edly|ed|ies|es|s|ly|y)\Z")
_FUNCTION_WORD_LIST = (
    "a about after all also an and are as at be been being but by can could did do does for from "
    "had has have he her hers him his how i if in into is it its itself just me more most my no "
    "not of on one or our out over said say says she should so some than that the their them then "
    "there these they this those to up was we were what when where which while who whom will with "
    "would you your"
)
_FUNCTION_WORDS = frozenset(_FUNCTION_WORD_LIST.split())


@dataclass(frozen=True)
class Source:
    """An article prepared for questions; make one with :func:`source`."""

    offsets: tuple[tuple[int, int], ...]
    words: tuple[tuple[str, ...], ...]  # stems, sentence by sentence
    holders: dict[str, tuple[int, ...]]  # stem → sentences that hold it

    def weight(self, stem: str) -> float:
        """Inverse document frequency, sentences being the documents; function words
        weigh almost nothing.
        """
        if stem in _FUNCTION_WORDS:
            return 0.05
        return math.log(1 + (1 + len(self.words)) / (1 + len(self.holders.get(stem, ()))))


@lru_cache(maxsize=8)
def source(text: str, offsets: tuple[tuple[int, int], ...] | None = None) -> Source:
    """``text`` as its sentences, those of ``service.sentences`` unless given."""
    if offsets is None:
        offsets = tuple(split(text))
    words = tuple(tuple(stems(text[start:end])) for start, end in offsets)
    holders: dict[str, list[int]] = {}
    for i, sentence in enumerate(words):
        for stem in set(sentence):
            holders.setdefault(stem, []).append(i)
    return Source(offsets, words, {stem: tuple(places) for stem, places in holders.items()})


def evidence(
    sentence: str,
    article_text: str,
    sentence_offsets: Iterable[tuple[int, int]] | None = None,
) -> tuple[Evidence, ...]:
    """The source sentences that support ``sentence``, strongest first, at most three.

    The score is the share of the sentence's words and word pairs, weighted by
    rarity, that the piece holds; 1 means that it holds the sentence verbatim.
    """
    offsets = None if sentence_offsets is None else tuple(sentence_offsets)
    article = source(article_text, offsets)
    wanted = tuple(stems(sentence))
    weights = {stem: article.weight(stem) for stem in wanted}
    total = sum(weights.values())
    if not total:
        return ()
    found: list[Evidence] = []
    missing = set(weights)
    candidates = _candidates(missing, article)
    while missing and candidates and len(found) < _MOST:
        gains = {i: sum(weights[s] for s in missing & held) for i, held in candidates.items()}
        best = max(gains, key=lambda i: (_score(wanted, weights, article.words[i]), gains[i], -i))
        if found:
            best = max(gains, key=lambda i: (gains[i], -i))
        score = _score(wanted, weights, article.words[best])
        if score < _LEAST or gains[best] < _ADDS * total:
            break
        found.append(Evidence(*article.offsets[best], round(score, 3)))
        missing -= candidates.pop(best)
    return tuple(sorted(found, key=lambda piece: -piece.score))


def coverage(sentence: str, article: Source, pieces: Iterable[Evidence]) -> float:
    """The share of the sentence's words, weighted by rarity, that the pieces hold together."""
    places = {offset: i for i, offset in enumerate(article.offsets)}
    held: set[str] = set()
    for piece in pieces:
        held.update(article.words[places[piece.start, piece.end]])
    weights = {stem: article.weight(stem) for stem in stems(sentence)}
    total = sum(weights.values())
    return sum(w for stem, w in weights.items() if stem in held) / total if total else 1.0


def stems(text: str) -> Iterable[str]:
    """Words without case and, roughly, without ending: "bombings" and "bombed" meet."""
    for word in _WORD.findall(text.casefold()):
        yield word if word in _FUNCTION_WORDS or len(word) < 5 else _ENDING.sub("", word)


def content(text: str) -> frozenset[str]:
    """Return the stems of a text that are no function words."""
    return frozenset(stems(text)) - _FUNCTION_WORDS


def _candidates(wanted: set[str], article: Source) -> dict[int, set[str]]:
    """Sentence → stems of ``wanted`` that it holds."""
    held: dict[int, set[str]] = {}
    for stem in wanted - _FUNCTION_WORDS or wanted:
        for i in article.holders.get(stem, ()):
            held.setdefault(i, set()).add(stem)
    return held


def _score(wanted: tuple[str, ...], weights: dict[str, float], words: tuple[str, ...]) -> float:
    if f" {' '.join(wanted)} " in f" {' '.join(words)} ":
        return 1.0
    held = set(words)
    share = sum(w for stem, w in weights.items() if stem in held) / sum(weights.values())
    pairs = Counter(pairwise(wanted))
    if not pairs:
        return min(share, 0.99)
    kept = pairs & Counter(pairwise(words))
    return min((1 - _ORDER) * share + _ORDER * kept.total() / pairs.total(), 0.99)
