"""Text that fits the model: never cut off, only split.

``fit`` breaks one text that is too long into pieces, at the best border near
its middle; ``windows`` packs sentences into few inputs that hold them all and
overlap a little. Both know a model only by its ``encode`` (text → token ids, specials and prompt
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

    The inputs are of similar length, so that no window is left with a scrap. Each
    begins with the last sentences of the one before, up to a tenth of its room, so
    that what a sentence refers to is not lost at a border.
    """
    overhead = len(encode(""))
    costs = [len(encode(sentence)) - overhead for sentence in sentences]
    room = max(1, limit - overhead)
    overlap = room // 10 if sum(costs) > room else 0
    inputs: list[Ids] = []
    before = 0
    for start, end in _groups(sentences, costs, room - overlap, encode, limit):
        first = _lead(costs, before, start, overlap)
        while len(ids := encode(" ".join(sentences[first:end]))) > limit and first < start:
            first += 1
        whole = len(ids) <= limit
        inputs += [ids] if whole else [p.ids for p in fit(sentences[start], encode, limit)]
        before = start
    return inputs


def _groups(
    sentences: Sequence[str], costs: Sequence[int], room: int, encode: Encode, limit: int
) -> list[tuple[int, int]]:
    """Return (start, end) of groups of sentences that fill ``room`` evenly.

    All fit the limit, but for those of one sentence.
    """
    count = -(-sum(costs) // max(1, room))
    share = sum(costs) / max(1, count)
    borders = [0]
    filled = 0
    for n, cost in enumerate(costs):
        if n > borders[-1] and filled + cost / 2 > share * len(borders):
            borders.append(n)
        filled += cost

    def fitting(start: int, end: int) -> list[tuple[int, int]]:
        if end - start < 2 or len(encode(" ".join(sentences[start:end]))) <= limit:
            return [(start, end)]
        middle = (start + end) // 2
        return [*fitting(start, middle), *fitting(middle, end)]

    ends = [*borders[1:], len(sentences)]
    return [
        group
        for start, end in zip(borders, ends, strict=True)
        if start < end
        for group in fitting(start, end)
    ]


def _lead(costs: Sequence[int], before: int, start: int, overlap: int) -> int:
    """Return where a window begins whose own sentences begin at ``start``.

    It reaches back no farther than ``before``, where the window before begins.
    """
    first = start
    while first > before and (overlap := overlap - costs[first - 1]) >= 0:
        first -= 1
    return first
