"""The phrases the tiny models know: news sentences in English with their Russian.

Templates times fillers, with the Russian cases and genders written out by hand, so every pair is
right and none was taken from anywhere. Lengths run from two words to over forty, so that batches
need padding. This is a word list for tests, not a corpus to learn translation from.

    python tests/data/phrases.py

writes tiny-marian-en-ru/phrases.tsv (English TAB Russian), always the same bytes.
"""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PHRASES = Path(__file__).parent / "tiny-marian-en-ru" / "phrases.tsv"


@dataclass(frozen=True)
class City:
    en: str
    to: str  # accusative
    at: str  # prepositional


@dataclass(frozen=True)
class Country:
    en: str
    ru: str
    of: str  # genitive
    by: str  # instrumental
    to: str  # with its preposition
    at: str  # with its preposition


@dataclass(frozen=True)
class Subject:  # officials, bodies, people
    en: str
    ru: str
    of: str = ""  # genitive
    by: str = ""  # instrumental
    a: str = ""  # ending of its verb in the past: masculine none, feminine "а", neuter "о"

    @property
    def capital(self) -> str:
        return self.ru[0].upper() + self.ru[1:]

    @property
    def sya(self) -> str:
        """Ending of its reflexive verb in the past."""
        return self.a + "сь" if self.a else "ся"


@dataclass(frozen=True)
class Plain:
    en: str
    ru: str

    @property
    def capital(self) -> str:
        return self.ru[0].upper() + self.ru[1:]


@dataclass(frozen=True)
class Number:
    en: str

    @property
    def percent(self) -> str:
        return self._with("процент", "процента", "процентов")

    @property
    def people(self) -> str:
        return self._with("человек", "человека", "человек")

    def _with(self, one: str, few: str, many: str) -> str:
        if "." in self.en:
            return f"{self.en.replace('.', ',')} {few}"
        number = int(self.en)
        if number % 10 == 1 and number % 100 != 11:
            return f"{number} {one}"
        if number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14):
            return f"{number} {few}"
        return f"{number} {many}"


FILLERS: dict[str, Sequence[object]] = {
    "city": [
        City("Moscow", "Москву", "Москве"),
        City("Berlin", "Берлин", "Берлине"),
        City("Paris", "Париж", "Париже"),
        City("London", "Лондон", "Лондоне"),
        City("Warsaw", "Варшаву", "Варшаве"),
        City("Tokyo", "Токио", "Токио"),
        City("Rome", "Рим", "Риме"),
        City("Vienna", "Вену", "Вене"),
        City("Ottawa", "Оттаву", "Оттаве"),
        City("Cairo", "Каир", "Каире"),
        City("Brussels", "Брюссель", "Брюсселе"),
        City("Helsinki", "Хельсинки", "Хельсинки"),
    ],
    "country": [
        Country("France", "Франция", "Франции", "Францией", "во Францию", "во Франции"),
        Country("Germany", "Германия", "Германии", "Германией", "в Германию", "в Германии"),
        Country("Poland", "Польша", "Польши", "Польшей", "в Польшу", "в Польше"),
        Country("Canada", "Канада", "Канады", "Канадой", "в Канаду", "в Канаде"),
        Country("Japan", "Япония", "Японии", "Японией", "в Японию", "в Японии"),
        Country("Egypt", "Египет", "Египта", "Египтом", "в Египет", "в Египте"),
        Country("Italy", "Италия", "Италии", "Италией", "в Италию", "в Италии"),
        Country("Norway", "Норвегия", "Норвегии", "Норвегией", "в Норвегию", "в Норвегии"),
        Country("Turkey", "Турция", "Турции", "Турцией", "в Турцию", "в Турции"),
        Country("Spain", "Испания", "Испании", "Испанией", "в Испанию", "в Испании"),
    ],
    "who": [
        Subject("minister", "министр", "министра"),
        Subject("president", "президент", "президента"),
        Subject("mayor", "мэр", "мэра"),
        Subject("ambassador", "посол", "посла"),
        Subject("prime minister", "премьер-министр", "премьер-министра"),
        Subject("general", "генерал", "генерала"),
        Subject("delegation", "делегация", "делегации", a="а"),
        Subject("queen", "королева", "королевы", a="а"),
    ],
    "speaker": [  # of these, each can say something
        Subject("minister", "министр", "министра"),
        Subject("president", "президент", "президента"),
        Subject("mayor", "мэр", "мэра"),
        Subject("ambassador", "посол", "посла"),
        Subject("teacher", "учительница", "учительницы", a="а"),
        Subject("queen", "королева", "королевы", a="а"),
    ],
    "body": [
        Subject("court", "суд", "суда"),
        Subject("parliament", "парламент", "парламента"),
        Subject("government", "правительство", "правительства", a="о"),
        Subject("commission", "комиссия", "комиссии", a="а"),
        Subject("company", "компания", "компании", a="а"),
    ],
    "paper": [
        Plain("plan", "план"),
        Plain("budget", "бюджет"),
        Plain("proposal", "предложение"),
        Plain("request", "запрос"),
    ],
    "person": [
        Subject("Anna Petrova", "Анна Петрова", by="Анной Петровой", a="а"),
        Subject("John Miller", "Джон Миллер", by="Джоном Миллером"),
        Subject("Maria Rossi", "Мария Росси", by="Марией Росси", a="а"),
        Subject("Peter Novak", "Петер Новак", by="Петером Новаком"),
        Subject("Emma Clark", "Эмма Кларк", by="Эммой Кларк", a="а"),
        Subject("Thomas Weber", "Томас Вебер", by="Томасом Вебером"),
    ],
    "day": [
        Plain("Monday", "в понедельник"),
        Plain("Tuesday", "во вторник"),
        Plain("Wednesday", "в среду"),
        Plain("Thursday", "в четверг"),
        Plain("Friday", "в пятницу"),
        Plain("Saturday", "в субботу"),
        Plain("Sunday", "в воскресенье"),
    ],
    "month": [
        Plain("March", "марте"),
        Plain("April", "апреле"),
        Plain("June", "июне"),
        Plain("September", "сентябре"),
        Plain("October", "октябре"),
        Plain("December", "декабре"),
    ],
    "year": [Number(str(year)) for year in (2009, 2014, 2019, 2023, 2027, 2030)],
    "rate": [Number(rate) for rate in ("2", "3.5", "4", "7", "1.8", "12", "21", "30")],
    "crowd": [Number(str(count)) for count in (3, 14, 22, 32, 45, 60, 180, 250)],
    # What stands before a plain genitive plural: nothing here ends in 1 to 4.
    "many": [Number(str(count)) for count in (5, 12, 18, 20, 37, 40, 100, 500)],
    "cold": [Number(str(count)) for count in (5, 8, 12, 18, 20, 25, 30)],  # degrees
    "goals": [Number(str(count)) for count in (2, 3, 4, 5)],
    "fewer": [Number(str(count)) for count in (0, 1)],
}

# (how many phrases, English, Russian)
TEMPLATES: Sequence[tuple[int, str, str]] = [
    (1, "Talks failed.", "Переговоры провалились."),
    (1, "Schools closed.", "Школы закрылись."),
    (1, "Trains stopped.", "Поезда остановились."),
    (1, "Voting ended.", "Голосование завершилось."),
    (1, "Markets fell.", "Рынки упали."),
    (1, "Fighting resumed.", "Бои возобновились."),
    (1, "Nobody was hurt.", "Никто не пострадал."),
    (1, "The airport is open again.", "Аэропорт снова открыт."),
    (6, "The {who.en} agreed.", "{who.capital} согласил{who.sya}."),
    (
        30,
        "The {who.en} arrived in {city.en} on {day.en}.",
        "{who.capital} прибыл{who.a} в {city.to} {day.ru}.",
    ),
    (
        16,
        "The {who.en} left {city.en} on {day.en}.",
        "{who.capital} покинул{who.a} {city.to} {day.ru}.",
    ),
    (
        12,
        "It snowed in {city.en} and {city2.en} on {day.en}.",
        "{day.capital} в {city.at} и {city2.at} шёл снег.",
    ),
    (
        20,
        "{country.en} and {country2.en} signed a trade agreement in {city.en}.",
        "{country.ru} и {country2.ru} подписали торговое соглашение в {city.at}.",
    ),
    (
        16,
        "Talks between {country.en} and {country2.en} will continue in {city.en} on {day.en}.",
        "Переговоры между {country.by} и {country2.by} продолжатся в {city.at} {day.ru}.",
    ),
    (
        20,
        "Prices in {country.en} rose by {rate.en} percent in {month.en}.",
        "Цены {country.at} выросли на {rate.percent} в {month.ru}.",
    ),
    (
        16,
        "The storm injured {crowd.en} people in {city.en}.",
        "Во время бури в {city.at} пострадали {crowd.people}.",
    ),
    (
        14,
        "Police in {city.en} detained {many.en} people on {day.en}.",
        "Полиция в {city.at} задержала {many.en} человек {day.ru}.",
    ),
    (
        12,
        "The temperature in {city.en} fell to minus {cold.en} degrees.",
        "Температура в {city.at} опустилась до минус {cold.en} градусов.",
    ),
    (
        12,
        "{country.en} beat {country2.en} {goals.en}-{fewer.en} in {city.en}.",
        (
            "Сборная {country.of} обыграла сборную {country2.of} "
            "со счётом {goals.en}:{fewer.en} в {city.at}."
        ),
    ),
    (
        12,
        "{person.en} won the election in {country.en}.",
        "{person.ru} победил{person.a} на выборах {country.at}.",
    ),
    (
        16,
        "{person.en} met {person2.en} in {city.en} on {day.en}.",
        "{person.ru} встретил{person.sya} с {person2.by} в {city.at} {day.ru}.",
    ),
    (
        14,
        "The {body.en} rejected the {paper.en} on {day.en}.",
        "{body.capital} отклонил{body.a} {paper.ru} {day.ru}.",
    ),
    (
        14,
        "The parliament of {country.en} approved the {paper.en} on {day.en} after a long debate.",
        "Парламент {country.of} одобрил {paper.ru} {day.ru} после долгих дебатов.",
    ),
    (
        12,
        "The company will build {many.en} schools in {country.en} by {year.en}.",
        "Компания построит {many.en} школ {country.at} к {year.en} году.",
    ),
    (
        14,
        '"We will not leave {city.en}," the {speaker.en} said on {day.en}.',
        "«Мы не покинем {city.to}», — сказал{speaker.a} {speaker.ru} {day.ru}.",
    ),
    (
        10,
        (
            '"The bridge in {city.en} will open in {month.en}, and it will cost {many.en} million '
            'dollars," the {speaker.en} said.'
        ),
        (
            "«Мост в {city.at} откроется в {month.ru} и обойдётся в {many.en} миллионов "
            "долларов», — сказал{speaker.a} {speaker.ru}."
        ),
    ),
    (
        18,
        (
            "According to the {speaker.en}, more than {many.en} workers lost their jobs when the "
            "factory in {city.en} closed in {year.en}."
        ),
        (
            "По словам {speaker.of}, более {many.en} рабочих потеряли работу, когда в "
            "{year.en} году закрылся завод в {city.at}."
        ),
    ),
    (
        18,
        (
            "The {speaker.en} told reporters in {city.en} on {day.en} that {country.en} would send "
            "{many.en} doctors to {country2.en}, where {crowd.en} people were injured and "
            "{many2.en} houses were destroyed by a flood."
        ),
        (
            "{speaker.capital} сообщил{speaker.a} журналистам в {city.at} {day.ru}, что "
            "{country.ru} отправит {many.en} врачей {country2.to}, где из-за наводнения пострадали "
            "{crowd.people} и было разрушено {many2.en} домов."
        ),
    ),
]


def phrases(seed: int = 1) -> list[tuple[str, str]]:
    """Return all pairs (English, Russian), each English once, in the templates' order."""
    chance = random.Random(seed)
    pairs: dict[str, str] = {}
    for count, english, russian in TEMPLATES:
        slots = {slot.split(".")[0] for _, slot, _, _ in string.Formatter().parse(english) if slot}
        wanted = len(pairs) + count
        while len(pairs) < wanted:
            # One shuffle per kind, so that {city} and {city2} are never the same.
            shuffled = {
                kind: chance.sample(FILLERS[kind], 2)
                for kind in sorted({slot.rstrip("2") for slot in slots})
            }
            chosen = {slot: shuffled[slot.rstrip("2")][slot.endswith("2")] for slot in slots}
            pairs[english.format(**chosen)] = russian.format(**chosen)
    return list(pairs.items())


def load() -> list[tuple[str, str]]:
    """Read the committed pairs."""
    lines = PHRASES.read_text(encoding="utf-8").splitlines()
    return [(english, russian) for english, russian in (line.split("\t") for line in lines)]


if __name__ == "__main__":
    PHRASES.parent.mkdir(exist_ok=True)
    text = "".join(f"{english}\t{russian}\n" for english, russian in phrases())
    PHRASES.write_text(text, encoding="utf-8")
