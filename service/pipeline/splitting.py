"""Text that fits the model: never cut off, only split.

``fit`` breaks one text that is too long into pieces, at the best border near
its middle; ``windows`` packs sentences into as few inputs as hold them all.
Both know a model only by its ``encode`` (text → token ids, specials and prompt
included) and its limit in tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Ids = tuple[int, ...]
Encode = Callable[[str], Ids]

# Where to break, best first: after a clause, between words. Failing both, anywhere.
_BORDERS = ((";", ":", "—", "–"), (",", ")"), (" ",))


@dataclass(frozen=True)
class Piece:
    """A part of a sentence that fits: its tokens, and what stood between it
    and the next part (a space, or nothing where a word had to be broken).
    """

    ids: Ids
    glue: str = " "


def fit(text: str, encode: Encode, limit: int) -> list[Piece]:
    """Return ``text`` in pieces of at most ``limit`` tokens each; usually one."""
    ids = encode(text)
    if len(ids) <= limit or len(text) < 2:
        return [Piece(ids)]
    cut = _border(text)
    head, tail = text[:cut], text[cut:]
    glue = " " if head[-1].isspace() or tail[0].isspace() else ""
    pieces = fit(head.strip(), encode, limit)
    pieces[-1] = Piece(pieces[-1].ids, glue)
    return pieces + fit(tail.strip(), encode, limit)


def _border(text: str) -> int:
    """Return the break nearest to the middle of ``text``, in its middle half if possible."""
    middle = len(text) // 2
    for borders in _BORDERS:
        places = [_nearest(text, mark, middle) for mark in borders]
        place = min((p for p in places if p), key=lambda p: abs(p - middle), default=0)
        if place and (abs(place - middle) <= len(text) // 4 or borders == (" ",)):
            return place
    return middle


def _nearest(text: str, mark: str, middle: int) -> int:
    """Return the place just after the ``mark`` nearest to ``middle``; 0 if there is none."""
    before = text.rfind(mark, 1, middle) + 1
    after = text.find(mark, middle, len(text) - 1) + 1
    return min((p for p in (before, after) if p > 1), key=lambda p: abs(p - middle), default=0)


def windows(sentences: Sequence[str], encode: Encode, limit: int) -> list[Ids]:
    """Return inputs of at most ``limit`` tokens that together hold every sentence, in order.

    The inputs are of similar length, so that no window is left with a scrap.
    """
    overhead = len(encode(""))
    costs = [len(encode(sentence)) - overhead for sentence in sentences]
    count = -(-sum(costs) // max(1, limit - overhead))
    share = sum(costs) / max(1, count)
    groups: list[list[str]] = [[]]
    filled = 0
    for sentence, cost in zip(sentences, costs, strict=True):
        if groups[-1] and filled + cost / 2 > share * len(groups):
            groups.append([])
        groups[-1].append(sentence)
        filled += cost
    return [ids for group in groups if group for ids in _within(group, encode, limit)]


def _within(group: Sequence[str], encode: Encode, limit: int) -> list[Ids]:
    """Return the group as one input, or as several where it does not fit."""
    ids = encode(" ".join(group))
    if len(ids) <= limit:
        return [ids]
    if len(group) == 1:
        return [piece.ids for piece in fit(group[0], encode, limit)]
    middle = len(group) // 2
    return [*_within(group[:middle], encode, limit), *_within(group[middle:], encode, limit)]
