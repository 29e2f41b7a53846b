"""Numbers: what is the same in both languages, and what is not."""

import pytest

from service.schema import FindingKind
from service.verification import Fault, check_sentence
from service.verification.english_numbers import ENGLISH
from service.verification.quantities import read


def number_faults(en: str, ru: str) -> list[Fault]:
    return [f for f in check_sentence(en, ru) if f.kind is FindingKind.NUMBERS]


@pytest.mark.parametrize(
    ("en", "ru"),
    [
        # digits and their separators
        ("It rose 1,234.5 points.", "Он вырос на 1234,5 пункта."),
        ("It rose 1,234.5 points.", "Он вырос на 1 234,5 пункта."),
        ("It rose 1,234.5 points.", "Он вырос на 1\u00a0234,5 пункта."),
        ("There were 300,000 people.", "Там было 300 тысяч человек."),
        ("There were 300,000 people.", "Там было триста тысяч человек, точнее, 300 тыс."),
        ("It is worth 2,000,000.", "Это стоит 2 000 000."),
        # scales
        ("Sales hit $2.8bn.", "Продажи достигли 2,8 млрд долларов."),
        ("Sales hit £11million.", "Продажи достигли 11 миллионов фунтов."),
        ("It cost 2.3 million.", "Это стоило 2 миллиона 300 тысяч."),
        ("It sold 1-2 million copies.", "Продано 1–2 миллиона экземпляров."),
        ("It lost half a million.", "Потеряно 500 тысяч."),
        ("From 1.7 million four years ago.", "С 1,7 миллиона четыре года назад."),
        ("It makes 5k a day.", "Выходит 5 тысяч в день."),
        ("A race of 100m.", "Забег на 100 м."),
        # words for digits, both ways
        ("Two men and 12 women came.", "Пришли двое мужчин и двенадцать женщин."),
        ("Twenty-five people came.", "Пришло 25 человек."),
        ("A dozen people came.", "Пришло 12 человек."),
        ("It was a decade ago.", "Это было 10 лет назад."),
        ("The 2-year-old slept.", "Двухлетний ребёнок спал."),
        ("The 25-year-old slept.", "Двадцатипятилетний спал."),
        ("The man, 37, left.", "37-летний мужчина ушёл."),
        ("The first-half goal counted.", "Гол в первом тайме засчитан."),
        # ordinals, decades, centuries
        ("In the 1990s it was so.", "В 1990-х так и было."),
        ("In the 1990s it was so.", "В 90-е так и было."),
        ("In the 2000s it was so.", "В 2000-х так и было."),
        ("In the 19th century it was so.", "В XIX веке так и было."),
        ("In the 19th century it was so.", "В девятнадцатом веке так и было."),
        ("He came 3rd.", "Он пришёл третьим."),
        ("From 1950-53 he fought.", "С 1950 по 1953 год он воевал."),
        # time and dates
        ("It starts at 5 p.m. today.", "Начало сегодня в 17:00."),
        ("It starts at 5 p.m. today.", "Начало сегодня в 5 часов вечера."),
        ("It starts at 7.55am today.", "Начало сегодня в 7:55."),
        ("It starts at 12:30 a.m. today.", "Начало сегодня в 0:30."),
        ("It starts at 19:30 today.", "Начало сегодня в 7:30 вечера."),
        ("It was Oct. 1, 2018.", "Это было 1 октября 2018 года."),
        ("It was October 1, 2018.", "Это было 01.10.2018."),
        ("It was 30th May.", "Это было 30 мая."),
        # scores, ranges, fractions, money, percent
        ("They won 3-2.", "Они выиграли 3:2."),
        ("It takes 2 to 4 weeks.", "Это займёт 2–4 недели."),
        ("It fell 5%.", "Оно упало на 5 %."),
        ("It fell 5 percent.", "Оно упало на 5 процентов."),
        ("It fell 0.5 per cent.", "Оно упало на 0,5%."),
        ("It fell ½ inch.", "Оно упало на 0,5 дюйма."),
        # converted units
        ("Waves of 20 feet came.", "Пришли волны в 6 метров."),
        ("It is 385 miles away.", "Это в 620 километрах."),
        ("It ran at 85 mph.", "Скорость была 137 км/ч."),
        ("It was 80 degrees.", "Было 27 градусов."),
        ("For 48 hours it ran.", "Оно работало 2 дня."),
        ("It starts at 12 a.m. today.", "Начало сегодня в 12 часов ночи."),
        ("It starts at 11 p.m. today.", "Начало сегодня в 11 часов ночи."),
        ("It won 24–17 in the final.", "Победа 24:17 в финале."),
        ("It ran 110 yd (100 m) runs.", "Забеги на 110 ярдов (100 м)."),
        # identifiers
        ("See verse 26b now.", "См. стих 26б."),
        ("Call 859-292-3680.", "Звоните 859-292-3680."),
        ("Call 0800 555 111.", "Звоните 0800 555 111."),
        ("An A320 landed.", "Приземлился A320."),
        ("See {0} and https://x.org/42.", "См. {0} и https://x.org/42."),
    ],
)
def test_same_quantities_are_no_fault(en: str, ru: str) -> None:
    assert number_faults(en, ru) == []


@pytest.mark.parametrize(
    ("en", "ru", "found"),
    [
        ("It rose 1,234.5 points.", "Он вырос на 1243,5 пункта.", "1243,5"),
        ("Sales hit $2.8bn.", "Продажи достигли 2,8 млн долларов.", "2,8 млн"),
        ("Sales hit $2.8bn.", "Продажи достигли 8,2 млрд долларов.", "8,2 млрд"),
        ("It was Oct. 1, 2018.", "Это было 1 ноября 2018 года.", "ноября"),
        ("It was Oct. 1, 2018.", "Это было 1 октября 2019 года.", "2019"),
        ("It starts at 5 p.m. today.", "Начало сегодня в 18:00.", "18:00"),
        ("It starts at 5 p.m. today.", "Начало сегодня в 5 часов утра.", "5 часов утра"),
        ("They won 3-2.", "Они выиграли 3:1.", "1"),
        ("In the 1990s it was so.", "В 1980-х так и было.", "1980-х"),
        ("It fell 5%.", "Оно упало на 15 %.", "15"),
        ("Two men came.", "Пришли 3 мужчин.", "3"),
        ("Waves of 20 feet came.", "Пришли волны в 9 метров.", "9"),
        ("An A320 landed.", "Приземлился A321.", "321"),
        ("Nobody came.", "Никто из 40 человек не пришёл.", "40"),
    ],
)
def test_changed_quantity_is_found_in_its_place(en: str, ru: str, found: str) -> None:
    faults = number_faults(en, ru)
    assert any(found in ru[f.start : f.end] or ru[f.start : f.end] in found for f in faults)
    assert all(f.start < f.end for f in faults)


def test_lost_number_is_quoted_from_the_source() -> None:
    (fault,) = number_faults("He paid $10 billion in 2018.", "Он заплатил в 2018 году.")
    assert fault.evidence == "10 billion"


@pytest.mark.parametrize(
    ("en", "ru"),
    [
        ("It fell 5%.", "Оно упало на 5 долларов."),
        ("It cost $5.", "Это стоило 5 евро."),
        ("It fell 5%.", "Оно упало на 5."),
    ],
)
def test_changed_or_lost_unit_is_found(en: str, ru: str) -> None:
    assert number_faults(en, ru)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("two hundred and five thousand", {(205_000.0,), (200_000.0, 5_000.0)}),
        ("two million three hundred thousand", {(2_300_000.0,)}),
        ("twentieth", {(20.0,)}),
        ("ninety-nine", {(99.0,)}),
    ],
)
def test_number_words_are_put_together(text: str, values: set[tuple[float, ...]]) -> None:
    (quantity,) = read(text, ENGLISH)
    assert quantity.readings & values
