"""The summaries of an article's windows, put together without repetition.

Windows overlap, and newspapers say the main thing more than once, so two summaries
may tell the same. A sentence repeats another if all its content words, endings aside,
stand in the other and both negate or neither does; then the one that says more stays, in
the place of the first. So a number or a name that only one of them has keeps both.

It sees words: what is said twice in other words stays twice, and of two sentences
of the same words ("A sued B", "B sued A") one goes. What one summary repeats within itself is
left for the checks to find.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from service.verification.evidence import content

_NEGATION = re.compile(r"\b(?:not|no|never|none|nobody|nothing|without|cannot|\w+n['’]t)\b", re.I)


@dataclass(frozen=True)
class _Said:
    """A sentence and which summary says it."""

    text: str
    part: int
    words: frozenset[str]
    negated: bool

    def repeats(self, other: _Said) -> bool:
        return (
            self.part != other.part
            and self.negated == other.negated
            and bool(self.words)
            and self.words <= other.words
        )


def join(parts: Sequence[Sequence[str]]) -> list[str]:
    """Return the sentences of several summaries in order, without those that repeat another's."""
    kept: list[_Said] = []
    for number, sentences in enumerate(parts):
        for text in sentences:
            said = _Said(text, number, content(text), bool(_NEGATION.search(text)))
            if any(said.repeats(other) for other in kept):
                continue
            shorter = [n for n, other in enumerate(kept) if other.repeats(said)]
            kept = [other for n, other in enumerate(kept) if n not in shorter]
            kept.insert(shorter[0] if shorter else len(kept), said)
    return [said.text for said in kept]
