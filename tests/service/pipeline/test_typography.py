"""Russian is set by the customs of Russian typography, and nothing else about it changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.pipeline.typography import typeset


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"НАТО будет здесь", - сказал он.', "«НАТО будет здесь»,~— сказал он."),
        ('"НАТО будет здесь," - сказал он.', "«НАТО будет здесь»,~— сказал он."),
        ('Он сказал: "Мы "никогда" не уйдём."', "Он сказал: «Мы „никогда“ не уйдём»."),
        ('"Уйдём?" - сказал он.', "«Уйдём?»~— сказал он."),
        ("«Он назвал «Правду» газетой»", "«Он назвал „Правду“ газетой»"),
        ("- Да, - сказал он.", "—~Да,~— сказал он."),
        ("Он набрал 1 234 очка и 5 % голосов.", "Он набрал 1~234~очка и~5~% голосов."),
        ("Это было 1 октября в 17:00...", "Это было 1~октября в~17:00…"),
        ("А.С. Пушкин же был бы в Москве", "А.~С.~Пушкин~же был~бы в~Москве"),
        ('Экран 5" и "это"', 'Экран 5" и~«это»'),
        ("5 - 3 = 2", "5 - 3 = 2"),
        ("по-русски, Нью-Йорк", "по-русски, Нью-Йорк"),
        ("Ушёл.", "Ушёл."),
        ("", ""),
    ],
)
def test_typeset(text: str, expected: str) -> None:
    assert typeset(text).replace("\u00a0", "~") == expected


def test_what_is_kept_and_addresses_are_not_touched() -> None:
    text = 'В "Me - "you"" и на https://x.org/"a"--b...'
    assert '"Me - "you""' in typeset(text, ['"Me - "you""'])
    assert typeset('См. {"a" - 1} и %s', ()).endswith("%s")


PIECES = ['"', "«", "»", "„", "“", " - ", "--", "...", ",", ".", " ", "5", "В ", "слово", "А.", "№"]
TEXTS = st.text(max_size=40) | st.lists(st.sampled_from(PIECES), max_size=20).map("".join)


@given(TEXTS)
def test_twice_is_once_and_words_stay(text: str) -> None:
    once = typeset(text)
    assert typeset(once) == once
    assert [c for c in once if c.isalnum()] == [c for c in text if c.isalnum()]
