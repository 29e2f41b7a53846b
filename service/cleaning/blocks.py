"""Where paragraphs begin and end in plain text.

A paragraph is a line, unless the lines were wrapped by hand, as wire copy and
mail are: then it is all lines up to the break that is no wrap. Nothing is
judged here; every character that is not white space belongs to a paragraph.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from service.cleaning.words import FUNCTION_WORDS
from service.schema import Range

Offsets = tuple[int, int]

# Wrapped copy is 60 to 80 columns wide, at most that of an old printer; below
# 30 it is a list of names.
NARROWEST, WIDEST = 30, 100
SENTENCE_END = frozenset(".!?:;\"'”’»]…")


def paragraph_offsets(
    text: str, excluded: Iterable[Range] = (), *, narrowest: int = NARROWEST
) -> list[Offsets]:
    """(start, end) of each paragraph of ``text`` in order, white space stripped.

    A paragraph that an ``excluded`` range touches is cut at the range's borders. Lines that
    were wrapped at fewer columns than the ``narrowest`` stay lines.
    """
    lines = list(_lines(text))
    # Where blank lines part the paragraphs, a full stop at a line's end does not.
    parted = any(start == end for start, end in lines[1:-1])
    paragraphs: list[Offsets] = []
    for run in _runs(lines):
        paragraphs.extend(_unwrapped(text, run, parted, narrowest))
    return _cut(text, paragraphs, excluded)


def line_offsets(text: str, excluded: Iterable[Range] = ()) -> list[Offsets]:
    """The same for a text in which every line is a paragraph."""
    return _cut(text, [line for line in _lines(text) if line[0] < line[1]], excluded)


def _lines(text: str) -> Iterator[Offsets]:
    """Each line without the white space around it; blank ones have no length."""
    at = 0
    for line in text.splitlines(keepends=True):
        yield _stripped(text, at, at + len(line))
        at += len(line)


def _stripped(text: str, start: int, end: int) -> Offsets:
    piece = text[start:end]
    body = piece.strip()
    if not body:
        return start, start
    start += len(piece) - len(piece.lstrip())
    return start, start + len(body)


def _runs(lines: Iterable[Offsets]) -> Iterator[list[Offsets]]:
    """Lines that follow each other without a blank one or a very long one.

    A line wider than any wrapped one is a run of its own.
    """
    run: list[Offsets] = []
    for start, end in lines:
        if end - start > WIDEST or start == end:
            if run:
                yield run
            run = []
            if start < end:
                yield [(start, end)]
        else:
            run.append((start, end))
    if run:
        yield run


def _unwrapped(
    text: str, lines: Sequence[Offsets], parted: bool, narrowest: int
) -> Iterator[Offsets]:
    """The paragraphs of a run: its lines, or where it is wrapped, its lines joined."""
    joins = _joins(text, lines, parted, narrowest)
    start, end = lines[0]
    for joined, (next_start, next_end) in zip(joins, lines[1:], strict=True):
        if not joined:
            yield start, end
            start = next_start
        end = next_end
    yield start, end


def _joins(text: str, lines: Sequence[Offsets], parted: bool, narrowest: int) -> list[bool]:
    """For each line break of a run: is it a wrap, in the middle of a paragraph?

    It is where a sentence goes on in small letters, or has broken off at a
    small word. Next to such a break, it is also where the next word would not
    have fitted. A run in which few breaks are of this kind, or lines of all
    lengths end so, is not wrapped.
    """
    breaks = list(pairwise(lines))
    sure = [_goes_on(text, *pair) for pair in breaks]
    reaches = [_reach(text, *pair) for pair in breaks]
    full = sorted(reach for reach, certain in zip(reaches, sure, strict=True) if certain)
    if not full or 20 * len(full) < len(breaks):
        return [False] * len(breaks)
    width = full[9 * len(full) // 10]
    if width < narrowest or 2 * sum(reach > 0.8 * width for reach in full) <= len(full):
        return [False] * len(breaks)
    joins = list(sure)
    for index, pair in enumerate(breaks):
        near = slice(max(0, index - 2), index + 3)
        widths = [
            b - a for (a, b), certain in zip(lines[near], sure[near], strict=False) if certain
        ]
        if widths and any(joins[max(0, index - 1) : index + 2]) and reaches[index] > max(widths):
            ended = text[pair[0][1] - 1] in SENTENCE_END
            joins[index] = (parted or not ended) and not _is_indented(text, *pair)
    return joins


def _goes_on(text: str, line: Offsets, following: Offsets) -> bool:
    """Does a sentence run on from a line of some length into the next?"""
    (start, end), (next_start, next_end) = line, following
    broken_off = end - start > 50 and text[start:end].rsplit(maxsplit=1)[-1] in FUNCTION_WORDS
    return (
        end - start >= NARROWEST
        and text[end - 1] not in SENTENCE_END
        and (broken_off or text[next_start].islower())
        and (next_end - next_start > 12 or text[next_end - 1] in SENTENCE_END)
        and not text.startswith(("by ", "by: ", "http", "www."), next_start)
    )


def _reach(text: str, line: Offsets, following: Offsets) -> int:
    """How wide ``line`` would be with the next word on it."""
    return line[1] - line[0] + 1 + len(text[slice(*following)].split(maxsplit=1)[0])


def _is_indented(text: str, line: Offsets, following: Offsets) -> bool:
    """Does ``following`` begin further to the right than ``line``, after a full stop?"""
    return (
        _indent(text, following[0]) > _indent(text, line[0]) and text[line[1] - 1] in SENTENCE_END
    )


def _indent(text: str, start: int) -> int:
    lead = text[max(0, start - WIDEST) : start]
    return len(lead) - len(lead.rstrip(" \t\u3000\xa0"))


def _cut(text: str, paragraphs: list[Offsets], excluded: Iterable[Range]) -> list[Offsets]:
    borders = sorted({border for piece in excluded for border in (piece.start, piece.end)})
    if not borders:
        return paragraphs
    pieces: list[Offsets] = []
    for start, end in paragraphs:
        inner = borders[bisect_right(borders, start) : bisect_left(borders, end)]
        stripped = (_stripped(text, *piece) for piece in pairwise([start, *inner, end]))
        pieces.extend((first, last) for first, last in stripped if first < last)
    return pieces
