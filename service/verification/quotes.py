"""Quotation marks and brackets that do not close.

Catches: an odd number of straight or curly quotation marks, guillemets or
brackets that open without closing or close without opening, where the source's
are in order. Misses: marks at the wrong words, and quotations whose marks were
all dropped. Where the source's own marks are odd (a quotation that goes on in the
next sentence), the translation's may be.

Inner guillemets may share the closing mark with the outer ones, as Russian
typography allows: «Он сказал: «Да».
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.schema import FindingKind, Severity

from .fault import Fault, Pair

_INCHES = re.compile(r"(?<=\d)(?:''|\"(?=\s*[x×(]))|(?<=\d')\s?\d{1,2}\"")
_SINGLE_OPEN = re.compile(r"(?<![\w'])['‘](?=[\w\"])")
_SINGLE_CLOSED = re.compile(r"(?<=[\w.,!?…\"])['’](?![\w'])")
_SMILEY = re.compile(r"[:;]-?[()]")


def check(pair: Pair) -> Iterator[Fault]:
    """At most one fault, at the last mark that is left over."""
    if _odd_marks(pair.en) or _odd_single_marks(pair.en):
        return
    odd = _odd_marks(pair.ru)
    if odd:
        place = odd[-1]
        yield Fault(
            FindingKind.QUOTES,
            Severity.WARNING,
            place,
            place + 1,
            pair.ru[max(0, place - 20) : place + 20],
            "A quotation mark or bracket has no counterpart.",
        )


def _odd_marks(text: str) -> list[int]:
    """Places of marks without a counterpart, one for each sort of mark."""
    text = _INCHES.sub(lambda m: " " * len(m[0]), _SMILEY.sub("  ", text))
    places = [text.rfind('"')] if text.count('"') % 2 else []
    curly = [i for i, c in enumerate(text) if c in "“”„"]
    if len(curly) % 2:
        places.append(curly[-1])
    places += _unclosed(text, "«", "»", shared=True)
    places += _unclosed(text, "(", ")")
    return sorted(places)


def _odd_single_marks(text: str) -> bool:
    """Whether an English quotation in single marks is open at either end. A plural's
    apostrophe looks the same; then nothing can be said of the quotation marks.
    """
    return len(_SINGLE_OPEN.findall(text)) != len(_SINGLE_CLOSED.findall(text))


def _unclosed(text: str, opening: str, closing: str, *, shared: bool = False) -> list[int]:
    depth, last, nested = 0, -1, False
    for i, character in enumerate(text):
        if character == opening:
            depth, last = depth + 1, i
            nested = nested or depth > 1
        elif character == closing:
            depth -= 1
            if depth < 0:
                return [i]
    return [last] if depth > (1 if shared and nested else 0) else []
