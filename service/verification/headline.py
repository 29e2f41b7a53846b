"""A headline that is no headline any more.

Catches: a headline that the translator made into several lines or sentences,
or ended with a full stop its source does not have. Misses: bad style.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.schema import FindingKind, Severity

from .fault import Fault, Pair

_BREAK = re.compile(r"\n|[.!?…][\"»”)]*\s+(?=[\"«“(]?[A-ZА-ЯЁ])")
_FULL_STOP = re.compile(r"(?<!\.)\.[\"»”)]*\s*\Z")


def check(pair: Pair) -> Iterator[Fault]:
    """At most one fault; none for anything but a headline."""
    if not pair.headline:
        return
    breaks = list(_BREAK.finditer(pair.ru.strip()))
    if len(breaks) > len(_BREAK.findall(pair.en.strip())):
        message = "The headline became several sentences."
        start, end, severity = breaks[-1].start(), len(pair.ru), Severity.WARNING
    elif _FULL_STOP.search(pair.ru) and not _FULL_STOP.search(pair.en):
        message = "The headline ends with a full stop that its source does not have."
        start, end, severity = pair.ru.rindex("."), len(pair.ru), Severity.INFO
    else:
        return
    yield Fault(FindingKind.LENGTH_RATIO, severity, start, end, pair.ru[start:end][:200], message)
