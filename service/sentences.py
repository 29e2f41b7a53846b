"""Where sentences begin and end.

A thin layer over ``sentencex`` (Wikimedia), whose rules keep abbreviations,
initials and quotations together. Nothing is rewritten: sentences are offsets
into the text, so that evidence and coverage can point at their source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sentencex import get_sentence_boundaries  # pyright: ignore[reportAttributeAccessIssue]

# "(CNN)Gov. Brown": a source that touches the first word, and would hide an abbreviation.
_SOURCE = re.compile(r"\((?=([A-Z][\w .-]{0,30})\)[A-Z])")
# sentencex 1.0 counts these as one byte: "A\xa0." makes it panic.
_WIDE_SPACE = re.compile(r"[^\S\x00-\x7f]")


def sentence_offsets(
    text: str, start: int = 0, end: int | None = None
) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each sentence in ``text[start:end]``, in code points.

    Surrounding white space belongs to no sentence; nothing else is left out.
    """
    piece = text[start:end]
    for boundary in get_sentence_boundaries("en", _simpler(piece)):
        first, last = int(boundary["start_index"]), int(boundary["end_index"])
        sentence = piece[first:last]
        stripped = sentence.strip()
        if stripped:
            lead = len(sentence) - len(sentence.lstrip())
            yield start + first + lead, start + first + lead + len(stripped)


def _simpler(text: str) -> str:
    """The text with such sources as words, such spaces as blanks; everything keeps its place."""
    text = _WIDE_SPACE.sub(" ", text)
    letters = list(text)
    for match in _SOURCE.finditer(text):
        letters[match.start()], letters[match.end(1)] = "A", " "
    return "".join(letters)
