"""Is it measured in the same kind of unit, and of the same order of magnitude?

Catches: a length or a weight in digits where the source speaks of none ("half a
second", «0,5 метра»); hundreds of thousands for tens of thousands, and other
numbers said by their order alone. Misses: one unit for another of its kind (the
numbers may tell), time for something else, and an order where the source or its
translation names several.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.schema import FindingKind, Severity

from .fault import Fault, Pair

# By kind: the words for its units, in Russian behind a number, in English anywhere. Inches are
# not told by "in", nor stones by "st".
_LENGTHS = (
    r"(?:кило|санти|милли)?метр\w{0,3}|мил[яьеи]\w{0,2}|фут\w{0,3}|дюйм\w{0,3}|ярд\w{0,3}|км|см",
    (
        r"(?:kilo|centi|milli)?met(?:er|re)s?|km|cm|mm|m|k|miles?|mi|foot|feet|ft|inch(?:es)?|"
        r"yards?|yds?|fathoms?|lengths?|mph|km?ph|kmh|knots?|acres?|hectares?|\d['’]\d*"
    ),
)
_WEIGHTS = (
    r"(?:кило)?грамм\w{0,3}|тонн\w{0,3}|унци\w{1,3}|кг",
    r"(?:kilo)?grams?|kilos?|kgs?|g|tonn?es?|tons?|ounces?|oz|pounds?|lbs?|stones?|carats?",
)
_UNITS = tuple(
    (
        re.compile(rf"[0-9][0-9.,]*+[ \u00a0-]?(?:{russian})\b", re.IGNORECASE),
        re.compile(rf"(?<![^\W\d_])(?:{english})(?!\w)", re.IGNORECASE),
    )
    for russian, english in (_LENGTHS, _WEIGHTS)
)

# Orders of magnitude as a power of ten: "tens of thousands" is 4, as "десятки тысяч".
_ENGLISH_ORDERS = {"dozen": 1, "ten": 1, "score": 1, "hundred": 2, "thousand": 3}
_ENGLISH_ORDERS |= {"million": 6, "billion": 9, "trillion": 12}
_RUSSIAN_ORDERS = {"десятк": 1, "сот": 2, "тысяч": 3, "миллион": 6, "миллиард": 9, "триллион": 12}
_ENGLISH = re.compile(
    r"\b(?P<first>dozen|ten|score|hundred|thousand|million|billion|trillion)s"
    r"(?: of (?P<second>thousand|million|billion|trillion)s)?\b",
    re.IGNORECASE,
)
_RUSSIAN = re.compile(
    r"\b(?P<first>десятк|сот|тысяч|миллион|миллиард|триллион)(?:и|ни|нями|ням|нях|ам|ами|ах|ов|ен|а|ы)?"
    r"(?:[ \u00a0](?P<second>тысяч|миллион|миллиард|триллион)(?:ов)?)?\b",
    re.IGNORECASE,
)


def check(pair: Pair) -> Iterator[Fault]:
    """Tell a unit out of nowhere, and an order of magnitude that became another."""
    for russian, english in _UNITS:
        match = russian.search(pair.ru)
        if match and not english.search(pair.en):
            message = f"The source has no measure like {match[0]}."
            yield Fault(FindingKind.NUMBERS, Severity.ERROR, *match.span(), match[0], message)
    said, told = list(_ENGLISH.finditer(pair.en)), list(_RUSSIAN.finditer(pair.ru))
    if len(said) == len(told) == 1:
        source, answer = said[0], told[0]
        if _order(source, _ENGLISH_ORDERS) != _order(answer, _RUSSIAN_ORDERS):
            message = f"{source[0]} became {answer[0]}."
            yield Fault(FindingKind.NUMBERS, Severity.ERROR, *answer.span(), answer[0], message)


def _order(match: re.Match[str], orders: dict[str, int]) -> int:
    return sum(orders[part.casefold()] for part in match.groups() if part)
