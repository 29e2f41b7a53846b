"""How English writes quantities: a :class:`Language` for ``quantities``."""

from __future__ import annotations

import re
from functools import lru_cache

from .quantities import Language, Numeral, Reading

# Value, then the words that say it.
_CARDINALS = """
    0 zero nil nought
    1 one once first single sole solo
    2 two both couple pair double doubled doubling twice twin second secondly duo fortnight
    3 three triple tripled thrice trio triplets threefold
    4 four quadruple quadrupled quartet fourth
    5 five fifth
    6 six
    7 seven
    8 eight eigh
    9 nine ninth
    10 ten decade
    11 eleven
    12 twelve twelfth noon midday
    13 thirteen
    14 fourteen
    15 fifteen
    16 sixteen
    17 seventeen
    18 eighteen
    19 nineteen
    20 twenty
    30 thirty
    40 forty
    50 fifty
    60 sixty
    70 seventy
    80 eighty
    90 ninety
    100 century centurie centenary
"""
_SCALES = """
    12 dozen
    20 score
    100 hundred
    1e3 thousand k
    1e6 million mn mln m
    1e9 billion bn b
    1e12 trillion tn
"""
_SPECIAL: dict[str, tuple[Reading, ...]] = {
    "half": ((0.5,), (50.0,), (30.0,), (1.0, 2.0)),
    "halves": ((0.5,), (2.0,)),
    "quarter": ((0.25,), (25.0,), (15.0,), (4.0,), (3.0,)),
    "quarters": ((0.25,), (4.0,), (75.0,)),
    "third": ((3.0,), (1.0, 3.0)),
    "thirds": ((3.0,),),
    "midnight": ((0.0,), (24.0,), (12.0,)),
}
_MONTH_LIST = "jan feb mar apr may jun jul aug sep oct nov dec"
_MONTHS = {name: f"m{number}" for number, name in enumerate(_MONTH_LIST.split(), start=1)}
_MONTH = re.compile(
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)",
    re.IGNORECASE,
)


def _table(text: str, *, scale: bool = False) -> dict[str, Numeral]:
    rows = (line.split() for line in text.strip().splitlines())
    return {word: Numeral(float(row[0]), scale) for row in rows for word in row[1:]}


_NUMERALS = {
    **_table(_CARDINALS),
    **_table(_SCALES, scale=True),
    **{word: Numeral(0.0, readings=readings) for word, readings in _SPECIAL.items()},
}


@lru_cache(maxsize=4096)
def _numeral(word: str) -> Numeral | None:
    plain = word.removesuffix("s")
    forms = (word, plain, plain.removesuffix("th"), re.sub(r"ieth\Z", "y", plain))
    return next((_NUMERALS[form] for form in forms if form in _NUMERALS), None)


def _month(word: str) -> str | None:
    if not word[0].isupper() or not _MONTH.fullmatch(word):
        return None
    return _MONTHS[word[:3].casefold()]


ENGLISH = Language(
    pattern=re.compile(
        r"""
          (?P<time>(?<![0-9.,:])
            (?P<hour>[0-9]{1,2})(?=:[0-9][0-9](?![0-9])|(?:[.:][0-9][0-9])?[ \u00a0]?[ap]\.?m\b)
            (?:[:.](?P<minute>[0-9][0-9]))?(?:[ \u00a0]?(?P<half>[ap]\.?m\b))?)
        | (?P<decade>(?<![0-9.,])(?:[0-9]{3}0|[0-9]0)['’]?s\b)
        | (?P<amount>
            (?P<digits>
              (?<![0-9])[0-9]{1,3}(?:[ \u00a0\u202f\u2009'][0-9]{3})+(?![0-9])(?:[.,][0-9]+)?
              |[0-9]+(?:[.,][0-9]+)*
              |(?<!\S)\.[0-9]+)
            (?P<scale>[ \u00a0-]?(?:hundred|thousand|[mb]illion|trillion|dozen|bn|mn|mln|tn)s?\b
              |[kmb]\b)?)
        | (?P<vulgar>[½¼¾⅓⅔⅛])
        | (?-i:(?P<roman>\b(?:[IVXLC]{2,6}|[VX])\b))
        | (?P<word>[a-z]+)
        """,
        re.VERBOSE | re.IGNORECASE,
    ),
    numeral=_numeral,
    month=_month,
    afternoon=re.compile(r"p", re.IGNORECASE),
    before=re.compile(r"(?:(?P<usd>\$)|(?P<gbp>£)|(?P<eur>€)|(?P<jpy>¥)|(?P<rub>₽))\s?\Z"),
    after=re.compile(
        r"""[\s-]?(?:
          (?P<percent>%|per\s?cent) | (?P<usd>dollars?\b|usd\b) | (?P<eur>euros?\b|eur\b|€)
        | (?P<gbp>pounds?\ sterling|gbp\b) | (?P<rub>roubles?\b|rubles?\b) | (?P<jpy>yen\b)
        | (?P<mph>mph\b|miles?\ (?:per|an)\ hour) | (?P<mile>miles?\b)
        | (?P<foot>feet\b|foot\b|ft\b) | (?P<inch>inch(?:es)?\b) | (?P<yard>yards?\b)
        | (?P<pound>pounds?\b|lbs?\b)
        | (?P<acre>acres?\b) | (?P<degree>degrees?\b|°|[CF]\b) | (?P<gallon>gallons?\b)
        | (?P<ounce>ounces?\b|oz\b) | (?P<hour>hours?\b) | (?P<day>days?\b) | (?P<week>weeks?\b)
        | (?P<month>months?\b) | (?P<year>years?\b)
        )""",
        re.VERBOSE | re.IGNORECASE,
    ),
    joint=re.compile(r"\s?[-–—/]\s?[$£€]?|\s(?:to|and|or)\s[$£€]?|%?\s?[-–—]\s?"),
)
