"""A translation much shorter or much longer than its source.

Catches: half a sentence dropped, a sentence dropped from several, an answer
that rambles on. Misses: anything left out that is shorter than the spread of
good translations, about a quarter of the sentence.

Russian news sentences hold 1.08 times as many characters as their English
source in the median (WMT 2019 test set, first half: 1,000 human translations).
Of those, one in two hundred lies below 0.74 (40 to 120 characters) or 0.77
(beyond). Upwards the 95th percentile is 1.5; beyond 2 lie sentences
translated twice over. Short texts vary more, so a few characters are granted to
either side whatever the ratio.
"""

from __future__ import annotations

from collections.abc import Iterator

from service.schema import FindingKind, Severity

from .fault import Fault, Pair

_SHORTEST = 0.74
_LONGEST = 1.9
_GRANTED = 12  # characters; "Yes, we can!" may become "Мы можем!" or grow by as much
_HOPELESS = 0.5, 3.0  # past these the translation is another text


def check(pair: Pair) -> Iterator[Fault]:
    """At most one fault, over the whole translation."""
    en, ru = len(pair.en.strip()), len(pair.ru.strip())
    if not en:
        return
    ratio = ru / en
    if ru < _SHORTEST * en - (_GRANTED if en < 60 else 0):
        message = f"The translation has only {ratio:.2f} times the characters of its source."
    elif ru > _LONGEST * en + _GRANTED:
        message = f"The translation has {ratio:.2f} times the characters of its source."
    else:
        return
    hopeless = en >= 40 and not _HOPELESS[0] <= ratio <= _HOPELESS[1]
    severity = Severity.ERROR if hopeless or not ru else Severity.WARNING
    yield Fault(FindingKind.LENGTH_RATIO, severity, 0, len(pair.ru), f"{ratio:.2f}", message)
