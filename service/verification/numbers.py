"""Numbers, dates, times, percentages and money of the source, in the translation.

Catches: a number in digits that the other text has neither in digits nor in
words; a date with another month; a wrong scale (млн for billion); five in the
morning for five in the afternoon; an amount whose percent sign or currency was changed
or lost. Both ways of writing are the
same: 1,234.5 and 1 234,5; $2.8bn and 2,8 млрд долларов; 5 p.m. and 17:00; 1990s
and 90-е; 19th and XIX; miles given in kilometres.

Misses: numbers in words on both sides; a number that came to stand with the
wrong thing; one of two equal numbers lost; two numbers exchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from service.schema import FindingKind, Severity

from .english_numbers import ENGLISH
from .fault import Fault, Pair
from .placeholders import blanked
from .quantities import Quantity, Reading, Value, read
from .russian_numbers import RUSSIAN

#: (unit in English, unit in Russian): factor and offset. Translators convert.
_CONVERSIONS = {
    ("mile", "km"): (1.609, 0.0),
    ("mile", "m"): (1609.0, 0.0),
    ("foot", "m"): (0.3048, 0.0),
    ("foot", "cm"): (30.48, 0.0),
    ("inch", "cm"): (2.54, 0.0),
    ("inch", "mm"): (25.4, 0.0),
    ("yard", "m"): (0.9144, 0.0),
    ("pound", "kg"): (0.4536, 0.0),
    ("ounce", "g"): (28.35, 0.0),
    ("acre", "ha"): (0.4047, 0.0),
    ("gallon", "l"): (3.785, 0.0),
    ("mph", "kmh"): (1.609, 0.0),
    ("mph", "ms"): (0.447, 0.0),
    ("degree", "degree"): (1 / 1.8, -32 / 1.8),
    ("hour", "day"): (1 / 24, 0.0),
    ("day", "hour"): (24.0, 0.0),
    ("week", "day"): (7.0, 0.0),
    ("day", "week"): (1 / 7, 0.0),
    ("month", "year"): (1 / 12, 0.0),
    ("year", "month"): (12.0, 0.0),
}
_MEASURES = frozenset(unit for units in _CONVERSIONS for unit in units)
_MOST = 100  # quantities that are compared one by one; no sentence has as many
_DIGIT = re.compile(r"[0-9]")
_CONVERTED_WITHIN = 0.06  # of the value, or one half: "20 feet" is "6 метров"
_HALVES = frozenset({"am", "pm"})  # of the day
_BINDING = {  # units that no translation may drop, and how Russian says them
    "percent": re.compile(r"%|процент|п\.\s?п\.", re.IGNORECASE),
    "usd": re.compile(r"\$|долл|usd|бакс", re.IGNORECASE),
    "gbp": re.compile(r"£|фунт|gbp", re.IGNORECASE),
    "eur": re.compile(r"€|евро|eur", re.IGNORECASE),
}


def check(pair: Pair) -> Iterator[Fault]:
    """One fault per number that has no counterpart, the Russian ones first."""
    if pair.en.strip() == pair.ru.strip() or not _DIGIT.search(pair.en + pair.ru):
        return
    source = read(blanked(pair.en, pair.keep), ENGLISH)
    target = read(blanked(pair.ru, pair.keep), RUSSIAN)
    measured = _measured(source), _measured(target)
    lost = [q for q in _unexplained(source, target) if not _converted(q, measured[1])]
    extra = [q for q in _unexplained(target, source) if not _is_conversion(q, measured[0])]
    wanted = ", ".join(pair.en[q.start : q.end] for q in lost)
    for quantity in extra:
        number = pair.ru[quantity.start : quantity.end]
        if lost:
            message = f"The source says {wanted} where the translation says {number}."
        else:
            message = f"The source does not say {number}."
        severity = Severity.ERROR if lost else Severity.WARNING
        yield _fault(severity, quantity.start, quantity.end, wanted or number, message)
    if lost and not extra:
        yield _fault(Severity.WARNING, 0, 0, wanted, f"The translation lacks {wanted}.")
    yield from _units(source, target, pair)
    yield from _halves(source, target, pair)


def missing(text: str, reference: Sequence[Quantity]) -> Iterator[Quantity]:
    """English quantities of ``text`` that another English text does not have."""
    yield from _unexplained(read(text, ENGLISH), reference)


def _unexplained(quantities: Iterable[Quantity], others: Sequence[Quantity]) -> Iterator[Quantity]:
    whole: set[Reading] = set()
    values: set[Value] = set()
    for other in others:
        whole |= other.readings
        single = any(len(reading) == 1 for reading in other.readings)
        for reading in other.readings:
            if len(reading) != 2 or not single:  # 2.8 is no 2 and no 8, but 3:2 is
                values.update(reading)
    for quantity in quantities:
        if quantity.written and not any(
            reading in whole or values.issuperset(reading) for reading in quantity.readings
        ):
            yield quantity


def _measured(quantities: Iterable[Quantity]) -> list[Quantity]:
    return [q for q in quantities if q.unit in _MEASURES][:_MOST]


def _converted(source: Quantity, targets: Sequence[Quantity]) -> bool:
    return any(_same_measure(source, target) for target in targets)


def _is_conversion(target: Quantity, sources: Sequence[Quantity]) -> bool:
    return any(_same_measure(source, target) for source in sources)


def _same_measure(source: Quantity, target: Quantity) -> bool:
    conversion = _CONVERSIONS.get((source.unit, target.unit))
    if conversion is None:
        return False
    factor, offset = conversion
    for (a,) in (r for r in source.readings if len(r) == 1):
        for (b,) in (r for r in target.readings if len(r) == 1):
            if isinstance(a, str) or isinstance(b, str):
                continue
            exact = a * factor + offset
            if abs(exact - b) <= max(_CONVERTED_WITHIN * abs(exact), 0.5):
                return True
    return False


def _halves(source: Sequence[Quantity], target: Sequence[Quantity], pair: Pair) -> Iterator[Fault]:
    """Five in the afternoon, and five in the morning."""
    for quantity in source:
        if quantity.unit not in _HALVES:
            continue
        twins = [q for q in target[:_MOST] if q.readings & quantity.readings]
        if twins and all(q.unit in _HALVES and q.unit != quantity.unit for q in twins):
            wanted = pair.en[quantity.start : quantity.end]
            found = pair.ru[twins[0].start : twins[0].end]
            message = f"The source says {wanted} where the translation says {found}."
            yield _fault(Severity.ERROR, twins[0].start, twins[0].end, wanted, message)


def _units(source: Sequence[Quantity], target: Sequence[Quantity], pair: Pair) -> Iterator[Fault]:
    """An amount that is there, but of something else."""
    for quantity in source:
        said = _BINDING.get(quantity.unit)
        if not (said and quantity.written):
            continue
        twins = [q for q in target[:_MOST] if q.readings & quantity.readings]
        if not twins:
            continue
        others = [q for q in twins if q.unit in _BINDING and q.unit != quantity.unit]
        wanted = pair.en[max(0, quantity.start - 1) : quantity.end + 8].strip()
        if len(others) == len(twins):
            place = others[0]
            found = pair.ru[place.start : place.end]
            message = f"The unit of {found} is not that of the source: {wanted}"
            yield _fault(Severity.ERROR, place.start, place.end, wanted, message)
        elif not said.search(pair.ru):
            place = twins[0]
            message = f"The unit of {wanted} is not in the translation."
            yield _fault(Severity.WARNING, place.start, place.end, wanted, message)


def _fault(severity: Severity, start: int, end: int, evidence: str, message: str) -> Fault:
    return Fault(FindingKind.NUMBERS, severity, start, end, evidence[:200], message)
