"""Where paragraphs begin and end in plain text.

A paragraph is a line, unless the lines were wrapped by hand, as wire copy and
mail are: then it is all lines up to the break that is no wrap. Nothing is
judged here; every character that is not white space belongs to a paragraph.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from service.schema import Range

Offsets = tuple[int, int]

# Wrapped copy is 60 to 80 columns wide, at most that of an old printer; below
# 30 it is a list of names. A wrapped line may be a word short of its width.
NARROWEST, WIDEST = 30, 132
SENTENCE_END = tuple(".!?:;\"'”’»)]…")


def paragraph_offsets(text: str, excluded: Iterable[Range] = ()) -> list[Offsets]:
    """(start, end) of each paragraph of ``text`` in order, white space stripped.

    A paragraph that an ``excluded`` range touches is cut at the range's borders.
    """
    paragraphs: list[Offsets] = []
    for run in _runs(_lines(text)):
        paragraphs.extend(_unwrapped(text, run))
    borders = sorted({border for piece in excluded for border in (piece.start, piece.end)})
    return list(_cut(text, paragraphs, borders)) if borders else paragraphs


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


def _unwrapped(text: str, lines: Sequence[Offsets]) -> Iterator[Offsets]:
    """The paragraphs of a run: its lines, or where it is wrapped, its lines joined."""
    joins = _joins(text, lines)
    start, end = lines[0]
    for joined, (next_start, next_end) in zip(joins, lines[1:], strict=True):
        if not joined:
            yield start, end
            start = next_start
        end = next_end
    yield start, end


def _joins(text: str, lines: Sequence[Offsets]) -> list[bool]:
    """For each line break of a run: is it a wrap, in the middle of a paragraph?

    A wrap is a break where the next word would not have fitted. The run counts
    as wrapped if such breaks are the rule and often fall in front of a small
    letter, as they do in prose and not in lists or menus.
    """
    none = [False] * (len(lines) - 1)
    width = max(end - start for start, end in lines)
    if len(lines) < 2 or width < NARROWEST:
        return none
    wraps = [_is_wrap(text, line, following, width) for line, following in pairwise(lines)]
    small = [
        wrap and text[start].islower() for wrap, (start, _) in zip(wraps, lines[1:], strict=True)
    ]
    if 2 * sum(wraps) < len(wraps) or 3 * sum(small) < sum(wraps) or not any(small):
        return none
    return wraps


def _is_wrap(text: str, line: Offsets, following: Offsets, width: int) -> bool:
    start, end = line
    reach = end - start + 1 + _first_word_length(text, *following)
    if reach > width:
        # A full line; an indented one after it still starts a paragraph.
        return not _is_indented(text, line, following)
    ended = text[end - 1] in SENTENCE_END
    return reach > 0.8 * width and not ended and text[following[0]].islower()


def _first_word_length(text: str, start: int, end: int) -> int:
    return len(text[start:end].split(maxsplit=1)[0])


def _is_indented(text: str, line: Offsets, following: Offsets) -> bool:
    """Does ``following`` begin further to the right than ``line``, after a full stop?"""
    return (
        _indent(text, following[0]) > _indent(text, line[0]) and text[line[1] - 1] in SENTENCE_END
    )


def _indent(text: str, start: int) -> int:
    lead = text[max(0, start - WIDEST) : start]
    return len(lead) - len(lead.rstrip(" \t\u3000\xa0"))


def _cut(text: str, paragraphs: Iterable[Offsets], borders: Sequence[int]) -> Iterator[Offsets]:
    for start, end in paragraphs:
        inner = [border for border in borders if start < border < end]
        for piece in pairwise([start, *inner, end]):
            first, last = _stripped(text, *piece)
            if first < last:
                yield first, last
