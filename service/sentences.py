"""Where sentences begin and end.

A thin layer over ``sentencex`` (Wikimedia), whose rules keep abbreviations,
initials and quotations together. Nothing is rewritten: sentences are offsets
into the text, so that evidence and coverage can point at their source.
"""

from __future__ import annotations

from collections.abc import Iterator

from sentencex import get_sentence_boundaries  # pyright: ignore[reportAttributeAccessIssue]


def sentence_offsets(
    text: str, start: int = 0, end: int | None = None
) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each sentence in ``text[start:end]``, in code points.

    Surrounding white space belongs to no sentence; nothing else is left out.
    """
    piece = text[start:end]
    for boundary in get_sentence_boundaries("en", piece):
        first, last = int(boundary["start_index"]), int(boundary["end_index"])
        sentence = piece[first:last]
        stripped = sentence.strip()
        if stripped:
            lead = len(sentence) - len(sentence.lstrip())
            yield start + first + lead, start + first + lead + len(stripped)
