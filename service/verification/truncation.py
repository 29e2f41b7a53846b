"""A translation that stops before its end.

Catches: the model ran into its length bound; the source ends like a sentence
and the translation does not; a headline that ends on a conjunction or a
comma. Misses: a translation that stops early and still sets a full stop (the
length ratio may see it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.schema import FindingKind, Severity

from .fault import Fault, Pair

#: The end of a sentence: its mark, then whatever closes around it.
_END = re.compile(r"[.!?…:;][\"'»«“”’)\]\s*]*\Z")
_DANGLING = re.compile(
    r"(?:[,(«—–-]|\b(?:и|а|но|или|что|чтобы|как|в|во|на|с|со|к|ко|о|об|от|до|из|за|у|по|для|при|без"
    r"|под|над|между|через|который|которая|которые|которое))\s*\Z",
    re.IGNORECASE,
)
_TAIL = 40  # characters quoted, and looked at


def check(pair: Pair) -> Iterator[Fault]:
    """At most one fault, at the end of the translation."""
    end = len(pair.ru.rstrip())
    tail = pair.ru[max(0, end - _TAIL) : end]
    if pair.truncated:
        severity, message = Severity.ERROR, "The model stopped at its length bound."
    elif not tail:
        return
    elif not pair.headline and ends_like_a_sentence(pair.en) and not ends_like_a_sentence(tail):
        severity, message = Severity.WARNING, "The text does not end like a sentence."
    elif _DANGLING.search(tail) and not _DANGLING.search(pair.en[-_TAIL:]):
        severity, message = Severity.WARNING, "The text breaks off."
    else:
        return
    yield Fault(FindingKind.TRUNCATED, severity, end - len(tail), end, tail, message)


def ends_like_a_sentence(text: str) -> bool:
    """Whether ``text`` ends with a full stop or its like, quotation marks aside."""
    return _END.search(text[-_TAIL:]) is not None
