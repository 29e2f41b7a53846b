"""A unit out of nowhere and another order of magnitude are found, and nothing else is."""

import pytest

from service.schema import FindingKind, Severity
from service.verification import check_sentence
from service.verification.fault import Pair
from service.verification.measures import check


@pytest.mark.parametrize(
    ("en", "ru", "says"),
    [
        ("Half a second before.", "За 0,5-метра до этого.", "no measure like 0,5-метра."),
        ("He waited in 5 shops.", "Он ждал 5 миль.", "no measure like 5 миль."),
        ("It has 30 rooms.", "В нём 30 тонн.", "no measure like 30 тонн."),
        ("Tens of thousands came.", "Пришли сотни тысяч.", "became сотни тысяч."),
        ("Thousands came.", "Пришли миллионы.", "Thousands became миллионы."),
        ("Dozens were hurt.", "Пострадали сотни людей.", "Dozens became сотни."),
    ],
)
def test_what_is_measured_otherwise_is_found(en: str, ru: str, says: str) -> None:
    (fault,) = check(Pair(en, ru))
    assert (fault.kind, fault.severity) == (FindingKind.NUMBERS, Severity.ERROR)
    assert says in fault.message
    assert ru[fault.start : fault.end] == fault.evidence
    assert fault in check_sentence(en, ru)


@pytest.mark.parametrize(
    ("en", "ru"),
    [
        ("It is 5 miles away.", "До него 8 километров."),
        ("The 6'2\" striker", "Нападающий ростом 188 см"),
        ("The storm had winds of 50 knots.", "Скорость ветра 93 км в час."),
        ("A 10k run", "Забег на 10 километров"),
        ("It weighs 5lbs.", "Он весит 2,3 кг."),
        ("In the third minute", "На 3-й минуте"),
        ("Tens of thousands came.", "Пришли десятки тысяч."),
        ("Dozens were hurt.", "Пострадали десятки людей."),
        ("Hundreds of people", "Сотни людей"),
        ("Thousands marched, hundreds were held.", "Прошли тысячи, задержаны тысячи."),
        ("Many came.", "Пришли сотни."),
        ("The network has 5 stations.", "В сети 5 станций."),
    ],
)
def test_the_same_measure_is_not(en: str, ru: str) -> None:
    assert list(check(Pair(en, ru))) == []
