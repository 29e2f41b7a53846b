"""Is it still the same day of the week?

Catches: a weekday in the Russian that the English does not name. Misses: a day
that is left out, which good translators do where the date is plain without it,
and two days that changed places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.schema import FindingKind, Severity

from .fault import Fault, Pair

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ENGLISH = re.compile(rf"\b({'|'.join(_DAYS)})(?:s|['’]s)?\b", re.IGNORECASE)
# All cases and both numbers, and nothing else: "середина" is no day.
_RUSSIAN = tuple(
    re.compile(rf"\b{pattern}\b", re.IGNORECASE)
    for pattern in (
        "понедельник(?:а|у|ом|е|и|ов|ам|ами|ах)?",
        "вторник(?:а|у|ом|е|и|ов|ам|ами|ах)?",
        "сред(?:а|ы|у|е|ой|ам|ами|ах)",
        "четверг(?:а|у|ом|е|и|ов|ам|ами|ах)?",
        "пятниц(?:а|ы|у|е|ей|ам|ами|ах)?",
        "суббот(?:а|ы|у|е|ой|ам|ами|ах)?",
        "воскресень(?:е|я|ю|ем|и|ям|ями|ях)|воскресений",
    )
)
_ENVIRONMENT = re.compile(r"\b(?:среда|среды|среду|среде|средой)\b", re.IGNORECASE)

_SURROUNDINGS = re.compile(r"\bокружающ\w{2,3} сред\w{1,3}\b", re.IGNORECASE)


def check(pair: Pair) -> Iterator[Fault]:
    """Tell a day that was changed or added."""
    named = {_DAYS.index(match[1].lower()) for match in _ENGLISH.finditer(pair.en)}
    ru = _SURROUNDINGS.sub(lambda match: " " * len(match[0]), pair.ru)
    said = {day: match for day, form in enumerate(_RUSSIAN) if (match := form.search(ru))}
    lost = " or ".join(_DAYS[day].capitalize() for day in sorted(named - said.keys()))
    for day, match in said.items():
        # Where the English names no day at all, "среда" is the environment.
        if day in named or (not named and _ENVIRONMENT.fullmatch(match[0])):
            continue
        message = f"{lost} became {match[0]}." if lost else f"{match[0]} was added."
        yield Fault(FindingKind.NUMBERS, Severity.ERROR, *match.span(), match[0], message)
