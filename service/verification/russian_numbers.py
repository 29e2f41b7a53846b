"""How Russian writes quantities: a :class:`Language` for ``quantities``.

Numerals are told by their stems: forms and compounds (двух, двое, второй,
двухлетний) share them. A word that only looks like one (семинар) makes a check
a little more lenient, never stricter, since words explain numbers and digits
alone have to be explained.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from .quantities import Language, Numeral, Reading

# Value, then what its words look like. The first line that fits the whole word wins.
_CARDINALS = r"""
    11 одиннадцат.*
    12 двенадцат.*
    13 тринадцат.*
    14 четырнадцат.*
    15 пятнадцат.*
    16 шестнадцат.*
    17 семнадцат.*
    18 восемнадцат.*
    19 девятнадцат.*
    20 двадцат.*
    30 тридцат.*
    40 сорока? сороков.* сорока.{4,}
    50 пят(?:ь|и|ью)десят.*
    60 шест(?:ь|и|ью)десят.*
    70 сем(?:ь|и|ью)десят.*
    80 вос[еь]м(?:ь|и|ью)десят.*
    90 девяност.*
    200 двест.* двухсот.* двумстам двумястами двухстах
    300 тр(?:и|[её]х|[её]м|емя)(?:ста|сот|стах|стам).*
    400 четыр(?:е|[её]х|[её]м|ьмя)(?:ста|сот|стах|стам).*
    500 пят(?:ьсот|исот|истам|истах|ьюстами).*
    600 шест(?:ьсот|исот|истам|истах|ьюстами).*
    700 сем(?:ьсот|исот|истам|истах|ьюстами).*
    800 вос[еь]м(?:ьсот|исот|истам|истах|ьюстами).*
    900 девят(?:ьсот|исот|истам|истах|ьюстами).*
    100 ст[оа] сотн.* сот(?:ен|ый|ая|ое|ого|ой|ую|ые|ых)? столет.* век(?:а|у|е|ом|ов|ам|ами|ах)?
    0 нол[ьяюе].{0,2} нул.*
    1 один одн(?:а|о|у|и|ого|ому|им|ом|ой|ою|их|ими) перв.* однажды единствен.* одно.{4,} раз
    2 дв(?:а|е|ух|ум|умя|ое|оих|оим|ойн.*|ажды) об(?:а|е|оих|еих|оим|еим) вдвое.* удво.*
    2 втор(?:ой|ая|ое|ого|ому|ым|ом|ую|ые|ых|ыми) пар(?:а|ы|у|е|ой|ами) дву[хск].{3,}
    3 тр(?:и|[её]х|[её]м|емя|ое|оих|ижды|ойн.*|ойк.*) трет(?:ий|ь(?:я|е|ю|его|ей|им|их))
    3 втрое.* тр[её]х.{3,}
    4 четыр.* четверо четверых четверт(?:ый|ая|ое|ого|ой|ому|ым|ом|ую|ые|ых) четв[её]рт.+ вчетверо.*
    5 пят(?:ь|и|ью|ый|ая|ое|ого|ому|ым|ом|ой|ую|ые|ых|[её]р.*) впятеро пяти.{3,}
    6 шест(?:ь|и|ью|ой|ая|ое|ого|ому|ым|ом|ую|ые|ых|[её]р.*) шести.{3,}
    7 сем(?:ь|и|ью|[её]рк.*|еро|ерых) седьм.* семи.{3,}
    8 восем(?:ь|ью) восьм.*
    9 девят(?:ь|и|ью|ый|ая|ое|ого|ому|ым|ом|ой|ую|ые|ых|[её]р.*) девяти.{3,}
    10 десят.*
    1.5 полтор.*
    5e5 полмиллиона
    5e8 полмиллиарда
"""
_SCALES = r"""
    12 дюжин.*
    1e3 тыс(?:яч.*)?
    1e6 миллион.* млн
    1e9 миллиард.* млрд
    1e12 триллион.* трлн
"""
_SPECIAL: dict[str, tuple[Reading, ...]] = {
    "пол|полови.*|полгода|получас.*|полчаса|наполовину": ((0.5,), (50.0,), (6.0,), (30.0,)),
    "полдень|полудн.*|полдня": ((12.0,),),
    "полноч.*|полуноч.*": ((0.0,), (24.0,), (12.0,)),
    "четверт(?:ь|и|ью|ей|ям|ях)|квартал.*": ((0.25,), (25.0,), (4.0,), (15.0,), (3.0,)),
    "трет(?:ь|и|ью|ей|ям|ях)": ((1.0, 3.0), (3.0,)),
    "сутки|суток": ((24.0,), (1.0,)),
}
_MONTHS = r"""
    m1 январ.+ янв
    m2 феврал.+ фев
    m3 март(?:а|у|е|ом|овск.+)?
    m4 апрел.+ апр
    m5 ма(?:й|я|ю|е|ем|йск.+)
    m6 июн.+
    m7 июл.+
    m8 август.* авг
    m9 сентябр.+ сент?
    m10 октябр.+ окт
    m11 ноябр.+ нояб?
    m12 декабр.+ дек
"""


def _table(text: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    for line in text.strip().splitlines():
        value, *patterns = line.split()
        yield value, re.compile("|".join(patterns))


_NUMERALS = (
    *((re.compile(form), Numeral(0.0, readings=readings)) for form, readings in _SPECIAL.items()),
    *((form, Numeral(float(value), scale=True)) for value, form in _table(_SCALES)),
    *((form, Numeral(float(value))) for value, form in _table(_CARDINALS)),
)
_TENS = re.compile(
    r"(?:двадцати|тридцати|сорока|пятидесяти|шестидесяти|семидесяти|восьмидесяти|девяносто)(?=.{4})"
)
_MONTH_FORMS = tuple(_table(_MONTHS))


@lru_cache(maxsize=16384)
def _numeral(word: str) -> Numeral | None:
    """Tens and units of a compound are added up: двадцатипятилетний."""
    found = next((numeral for form, numeral in _NUMERALS if form.fullmatch(word)), None)
    tens = _TENS.match(word)
    if found is None or tens is None:
        return found
    units = next((n for form, n in _NUMERALS if form.fullmatch(word, tens.end())), None)
    if units is None or units.readings or not 0 < units.value < 10:
        return found
    return Numeral(found.value + units.value)


@lru_cache(maxsize=4096)
def _month(word: str) -> str | None:
    word = word.casefold()
    return next((month for month, form in _MONTH_FORMS if form.fullmatch(word)), None)


RUSSIAN = Language(
    pattern=re.compile(
        r"""
          (?P<time>(?<![0-9.,:])
            (?P<hour>[0-9]{1,2})
            (?=:[0-9][0-9](?![0-9])|(?:[.:][0-9][0-9])?[ \u00a0]
              (?:час(?:а|ов)?[ \u00a0]дня
                |(?:час(?:а|ов)?[ \u00a0])?(?:утра|вечера|ночи|пополудни))\b)
            (?:[:.](?P<minute>[0-9][0-9]))?
            (?:[ \u00a0](?:час(?:а|ов)?[ \u00a0])?(?P<half>утра|дня|вечера|ночи|пополудни)\b)?)
        | (?P<decade>(?<![0-9.,])(?:[0-9]{3}0|[0-9]0)(?:-?(?:е|х|м|ми)\b|-?[ыо][ехм]\b))
        | (?P<amount>
            (?P<digits>
              (?<![0-9])[0-9]{1,3}(?:[ \u00a0\u202f\u2009'][0-9]{3})+(?![0-9])(?:[.,][0-9]+)?
              |[0-9]+(?:[.,][0-9]+)*
              |(?<!\S)[.,][0-9]+)
            (?P<scale>[ \u00a0\u202f-]?
              (?:тыс|млн|млрд|трлн|(?:тысяч|миллион|миллиард|триллион|дюжин)\w{0,8})\b\.?)?)
        | (?P<vulgar>[½¼¾⅓⅔⅛])
        | (?-i:(?P<roman>\b(?:[IVXLC]{1,6}|[ХIV]{2,6})\b))
        | (?P<word>[а-яё]+)
        """,
        re.VERBOSE | re.IGNORECASE,
    ),
    numeral=_numeral,
    month=_month,
    afternoon=re.compile(r"дня|вечера|пополудни", re.IGNORECASE),
    before=re.compile(r"(?:(?P<usd>\$)|(?P<gbp>£)|(?P<eur>€)|(?P<jpy>¥)|(?P<rub>₽))\s?\Z"),
    after=re.compile(
        r"""[\s-]?(?:
          (?P<percent>%|процент) | (?P<usd>доллар|долл|\$|usd\b) | (?P<eur>евро\b|€|eur\b)
        | (?P<gbp>фунт\w{0,3}\ стерлинг|£|gbp\b) | (?P<rub>руб|₽) | (?P<jpy>[йи]ен)
        | (?P<kmh>км/ч|км\ в\ час|километр\w{0,3}\ в\ час) | (?P<km>км\b|километр)
        | (?P<cm>см\b|сантиметр) | (?P<mm>мм\b|миллиметр) | (?P<ms>м/с|метр\w{0,3}\ в\ секунду)
        | (?P<m>м\b|метр) | (?P<kg>кг\b|килограмм) | (?P<ha>га\b|гектар) | (?P<degree>градус|°)
        | (?P<l>л\b|литр) | (?P<g>г\b|грамм) | (?P<pound>фунт) | (?P<hour>час)
        | (?P<day>д(?:ня|ней|ень)\b|сут)
        | (?P<week>недел) | (?P<month>месяц) | (?P<year>год|лет\b)
        )""",
        re.VERBOSE | re.IGNORECASE,
    ),
    joint=re.compile(r"\s?[-–—/]\s?[$£€]?|\s(?:до|и|или)\s[$£€]?|%?\s?[-–—]\s?"),
)
