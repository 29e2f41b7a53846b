"""A day of the week that became another one is found, and nothing else is."""

import pytest

from service.schema import FindingKind, Severity
from service.verification import check_sentence
from service.verification.fault import Pair
from service.verification.weekdays import check


@pytest.mark.parametrize(
    ("en", "ru", "says"),
    [
        ("He spoke on Tuesday.", "Он выступил в среду.", "Tuesday became среду."),
        ("It ends Friday night.", "Это кончится в субботу вечером.", "Friday became субботу."),
        ("He spoke on Tuesday.", "Он выступил во вторник в среду.", "среду was added."),
        ("He spoke.", "Он выступил в понедельник.", "понедельник was added."),
    ],
)
def test_another_day_is_found(en: str, ru: str, says: str) -> None:
    (fault,) = check(Pair(en, ru))
    assert (fault.kind, fault.severity) == (FindingKind.NUMBERS, Severity.ERROR)
    assert fault.message == says
    assert ru[fault.start : fault.end] == fault.evidence
    assert fault in check_sentence(en, ru)


@pytest.mark.parametrize(
    ("en", "ru"),
    [
        ("He spoke on Tuesday.", "Он выступил во вторник."),
        ("Open on Sundays and Mondays.", "Открыто по воскресеньям и понедельникам."),
        ("After Friday's quake", "После пятничного землетрясения"),
        ("Tuesday\u2019s vote", "Голосование вторника"),
        ("He spoke on Tuesday.", "Он выступил вчера."),
        ("They protect the environment.", "Они защищают окружающую среду."),
        ("It was in the middle of May.", "Это было в середине мая."),
    ],
)
def test_the_same_day_is_not(en: str, ru: str) -> None:
    assert list(check(Pair(en, ru))) == []


def test_the_environment_is_no_wednesday_beside_another_day() -> None:
    en = "The Environment Agency said so on Sunday."
    assert not check_sentence(en, "Так сказало в воскресенье агентство по охране окружающей среды.")
