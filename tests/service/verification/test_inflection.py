"""A term takes the form its place asks for."""

import pytest

from service.verification import fitting, in_place_of


@pytest.mark.parametrize(
    ("term", "before", "expected"),
    [
        ("облачные вычисления", "", "облачные вычисления"),
        ("облачные вычисления", "речь об ", "облачных вычислениях"),
        ("Верховный суд", "решение ", "Верховного суда"),
        ("Верховный суд", "в новом ", "Верховном суде"),
        ("Верховный суд США", "иск к ", "Верховному суду США"),
        ("министр обороны", "видит ", "министра обороны"),
        ("изменение климата", "борьба с ", "изменением климата"),
        ("чат-бот", "с ", "чат-ботом"),
        ("Нью-Йорк", "от ", "Нью-Йорка"),
        ("ИИ", "для ", "ИИ"),
        ("Acme Corp", "для ", "Acme Corp"),
        ("суд", "в, ", "суд"),
    ],
)
def test_fitting(term: str, before: str, expected: str) -> None:
    assert fitting(term, before) == expected


def test_plural() -> None:
    assert fitting("чат-бот", "для ", plural=True) == "чат-ботов"
    assert fitting("министр обороны", "", plural=True) == "министры обороны"


@pytest.mark.parametrize(
    ("words", "before", "expected"),
    [
        ("вычислениями в облаке", "пользуется ", "облачными вычислениями"),
        ("облаке", "работает в ", "облачных вычислениях"),
        ("Google", "работает с ", "облачными вычислениями"),
    ],
)
def test_case_of_the_words_that_are_replaced(words: str, before: str, expected: str) -> None:
    assert in_place_of(words, "облачные вычисления", before) == expected
