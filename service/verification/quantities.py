"""Numbers as they are said: in digits, in words, as dates, times, ranges and money.

:func:`read` finds the quantities of a text in a :class:`Language`. A quantity
may be understood in several ways ("1,234" is 1234 or, in Russian, 1.234; 5 p.m.
is 5 or 17), so it has *readings*; each is a tuple of values that together say
it ("3:2" is 3 and 2). Months are values too, as ``"m10"``.

It is not a parser of language: it knows only what is needed to tell whether two
texts speak of the same quantities.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeGuard

Value = float | str
Reading = tuple[Value, ...]

_MAX_DIGITS = 18  # of one group; longer strings of digits are identifiers
_VULGAR = {"½": (1, 2), "¼": (1, 4), "¾": (3, 4), "⅓": (1, 3), "⅔": (2, 3), "⅛": (1, 8)}
_CURRENCIES = frozenset("$£€¥₽")
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


@dataclass(frozen=True)
class Numeral:
    """A word that says a number. ``scale`` multiplies what stands before it;
    ``readings`` replace ``value`` where the word says no plain cardinal.
    """

    value: float
    scale: bool = False
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True)
class Language:
    """How a language writes its quantities.

    ``pattern`` has one named group per form: ``time`` (with ``hour``, ``minute``,
    ``half``), ``decade``, ``amount`` (with ``digits``, ``scale``), ``roman``,
    ``vulgar``, ``word``. ``afternoon`` matches the ``half`` of a time after noon.
    ``before`` and ``after`` match a unit at either side, one group per unit.
    """

    pattern: re.Pattern[str]
    numeral: Callable[[str], Numeral | None]
    month: Callable[[str], str | None]
    afternoon: re.Pattern[str]
    before: re.Pattern[str]
    after: re.Pattern[str]
    joint: re.Pattern[str]  # what may stand between the ends of a range


@dataclass(frozen=True)
class Quantity:
    """One quantity of a text. ``written`` says that it stands in digits (or is the
    month of a date that does) and so has to have a counterpart; ``unit`` is a
    name such as ``percent`` or ``usd``, or empty.
    """

    start: int
    end: int
    readings: frozenset[Reading]
    unit: str = ""
    written: bool = True
    scale: float = 1.0


def read(text: str, language: Language) -> tuple[Quantity, ...]:
    """All quantities of ``text``, in order."""
    found = list(_merged(_scan(text, language), text))
    found = [_with_unit(quantity, text, language) for quantity in found]
    return tuple(_dated(list(_ranges(found, text, language)), text))


def digit_readings(digits: str) -> frozenset[Reading]:
    """What a string of digits and separators may mean, in either language.

    >>> sorted(digit_readings("1,234.5"))
    [(1234.5,)]
    """
    digits = digits if digits[0].isdecimal() else "0" + digits  # .5
    groups = re.split(r"[^0-9]", digits)
    separators = re.findall(r"[^0-9]", digits)
    if any(len(group) > _MAX_DIGITS for group in groups):
        return frozenset({(digits,)})
    values = tuple(float(group) for group in groups)
    if not separators:
        return frozenset({values})
    readings: set[Reading] = set()
    last = separators[-1]
    thousands = all(len(group) == 3 for group in groups[1:]) and 1 <= len(groups[0]) <= 3
    if thousands and len(set(separators)) == 1 and groups[0].strip("0"):
        readings.add((float("".join(groups)),))
    if last in ".," and separators.count(last) == 1:
        whole = groups[:-1]
        if len(whole) == 1 or all(len(group) == 3 for group in whole[1:]):
            readings.add((float(f"{''.join(whole)}.{groups[-1]}"),))
    if len(set(separators)) == 1 and not (thousands and last == ","):
        readings.add(values)  # a date, a time, a score, two numbers side by side
    return frozenset(readings or {values})


def _scan(text: str, language: Language) -> Iterator[Quantity]:
    for match in language.pattern.finditer(text):
        quantity = _FORMS[match.lastgroup or "word"](match, language)
        if quantity is not None:
            yield quantity


def _amount(match: re.Match[str], language: Language) -> Quantity:
    readings = digit_readings(match["digits"])
    word = match["scale"]
    if not word:
        if (
            len(match["digits"]) == 2
            and match.string[max(0, match.start() - 1) : match.start()].isalpha()
        ):
            readings |= {(2000 + float(match["digits"]),)}  # SS19, the season of 2019
        return Quantity(*match.span(), readings)
    word = word.strip(" \u00a0\u202f-.").casefold()
    numeral = language.numeral(word)
    scale = numeral.value if numeral else 1.0
    scaled = frozenset((rounded(r[0] * scale),) for r in readings if _is_number(r))
    priced = match.string[max(0, match.start() - 1) : match.start()] in _CURRENCIES
    if word in "mbk" and not priced:  # metres as well as millions; and 26b, the second part of 26
        scaled |= readings
    return Quantity(*match.span(), scaled or readings, scale=scale)


def _time(match: re.Match[str], language: Language) -> Quantity:
    hour, minute = float(match["hour"]), float(match["minute"] or 0)
    half = match["half"] or ""
    hours = {hour}
    if half and hour <= 12:
        hours.add(hour % 12 + (12 if language.afternoon.search(half) else 0))
        hours |= {24.0} & {h + 24 for h in hours}  # midnight
    readings = {(h, minute) if minute else (h,) for h in hours}
    if not half and match["minute"]:
        separator = match.string[match.end("hour")]
        readings |= digit_readings(f"{match['hour']}{separator}{match['minute']}")
    unit = ""
    if half:
        late = language.afternoon.search(half) or (half == "ночи" and 9 <= hour < 12)
        unit = "pm" if late else "am"
    return Quantity(*match.span(), frozenset(readings), unit)


def _decade(match: re.Match[str], _: Language) -> Quantity:
    year = float(re.sub(r"[^0-9]", "", match["decade"]))
    other = {1900 + year} if year < 100 else {year - 1900} if 1900 <= year < 2000 else set()
    return Quantity(*match.span(), frozenset((value,) for value in {year} | other))


def _vulgar(match: re.Match[str], _: Language) -> Quantity:
    over, under = _VULGAR[match[0]]
    readings = frozenset({(over / under,), (float(over), float(under))})
    return Quantity(*match.span(), readings, written=False)


def _roman(match: re.Match[str], _: Language) -> Quantity:
    values = [_ROMAN[letter] for letter in match[0]]
    following = [*values[1:], 0]
    total = sum(-a if a < b else a for a, b in zip(values, following, strict=True))
    return Quantity(*match.span(), frozenset({(float(total),)}), written=False)


def _word(match: re.Match[str], language: Language) -> Quantity | None:
    word = match[0].casefold()
    numeral = language.numeral(word) if len(word) > 1 else None  # "100 m" are no millions
    if numeral is not None:
        readings = frozenset(numeral.readings or {(numeral.value,)})
        scale = numeral.value if numeral.scale else 1.0
        return Quantity(*match.span(), readings, written=False, scale=scale)
    month = language.month(match[0])
    if month is not None:
        readings = frozenset({(month,), (float(month[1:]),)})
        return Quantity(*match.span(), readings, written=False)
    return None


_FORMS: Mapping[str, Callable[[re.Match[str], Language], Quantity | None]] = {
    "amount": _amount,
    "time": _time,
    "decade": _decade,
    "vulgar": _vulgar,
    "roman": _roman,
    "word": _word,
}


def _merged(quantities: Iterator[Quantity], text: str) -> Iterator[Quantity]:
    """Numbers of several words, or of digits and several scales, as one:
    "twenty-five thousand", "2 миллиона 300 тысяч".
    """
    pending: Quantity | None = None
    for quantity in quantities:
        joined = _joined(pending, quantity, text) if pending else None
        if joined is None and pending:
            yield pending
        pending = joined or quantity
    if pending:
        yield pending


def _joined(left: Quantity, right: Quantity, text: str) -> Quantity | None:
    if text[left.end : right.start].casefold() not in _WORD_JOINTS:
        return None
    heads, tails = _singles(left), _singles(right)
    if not heads or len(tails) != 1:
        return None
    written = left.written or right.written
    joined = replace(right, start=left.start, written=written)
    tail = tails[0]
    if tail == right.scale > 1 and not right.written:  # "twenty thousand", "half a million"
        values = {rounded(_scaled(head, left.scale, right.scale)) for head in heads}
        return replace(joined, readings=frozenset((value,) for value in values))
    if len(heads) > 1 or tail >= _granularity(heads[0], left):
        return None
    if written and (left.scale <= 1 or left.written != right.written):
        return None  # "5 6" are two numbers, and so is "1.7 million four years ago"
    return replace(joined, readings=frozenset({(rounded(heads[0] + tail),), (heads[0], tail)}))


def _scaled(head: float, head_scale: float, scale: float) -> float:
    """The scale applies to what follows the last greater one: 2,000,300 thousand
    is two million three hundred thousand.
    """
    if head_scale < scale and head >= 1000:
        whole, rest = divmod(head, 1000)
        return whole * 1000 + rest * scale
    return head * scale


_WORD_JOINTS = frozenset({" ", "-", "\u00a0", " and ", " a "})


def _granularity(value: float, quantity: Quantity) -> float:
    """The least that may no longer be added to a number: 10 after twenty."""
    if quantity.scale > 1:
        return quantity.scale
    for power in (100, 10):
        if value >= power and value % power == 0 and value != 10:
            return power
    return 0


def _singles(quantity: Quantity) -> list[float]:
    return [r[0] for r in quantity.readings if _is_number(r)]


def _ranges(quantities: list[Quantity], text: str, language: Language) -> Iterator[Quantity]:
    """What the end of a range says of its start: "1-2 million", "1950-53"."""
    for i, quantity in enumerate(quantities):
        left = quantities[i - 1] if i else None
        right = quantities[i + 1] if i + 1 < len(quantities) else None
        readings = set(quantity.readings)
        if right and right.scale > quantity.scale == 1 and _touch(quantity, right, text, language):
            readings |= {(rounded(r[0] * right.scale),) for r in readings if _is_number(r)}
        if left and _touch(left, quantity, text, language):
            years = [r[0] for r in left.readings if _is_number(r) and 1000 <= r[0] <= 2100]
            readings |= {
                (year // 100 * 100 + r[0],)
                for year in years
                for r in quantity.readings
                if _is_number(r) and r[0] < 100
            }
        unit = quantity.unit or (
            right.unit if right and _touch(quantity, right, text, language) else ""
        )
        yield replace(quantity, readings=frozenset(readings), unit=unit)


def _touch(left: Quantity, right: Quantity, text: str, language: Language) -> bool:
    return language.joint.fullmatch(text, left.end, right.start) is not None


def _dated(quantities: list[Quantity], text: str) -> Iterator[Quantity]:
    """A month beside a number in digits is part of a date, and as binding."""
    for i, quantity in enumerate(quantities):
        if any(isinstance(r[0], str) and r[0].startswith("m") for r in quantity.readings):
            near = quantities[max(0, i - 1) : i] + quantities[i + 1 : i + 2]
            dated = any(
                other.written and not text[min(a, b) : max(a, b)].strip(" \u00a0.,-–")
                for other in near
                for a, b in [(other.end, quantity.start), (quantity.end, other.start)]
                if 0 <= b - a <= 2
            )
            quantity = replace(quantity, written=dated)
        yield quantity


def _with_unit(quantity: Quantity, text: str, language: Language) -> Quantity:
    """The sign before the number or the word after it, whichever there is."""
    before = language.before.search(text, max(0, quantity.start - 6), quantity.start)
    after = language.after.match(text, quantity.end)
    unit = (before and before.lastgroup) or (after and after.lastgroup)
    return replace(quantity, unit=unit or quantity.unit)


def rounded(value: float) -> float:
    """Nine digits: what is left once 5.69 million has been multiplied out."""
    return float(f"{value:.9g}")


def _is_number(reading: Reading) -> TypeGuard[tuple[float]]:
    return len(reading) == 1 and isinstance(reading[0], float)
