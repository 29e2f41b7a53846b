"""Names by sound and by table."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.schema import FindingKind
from service.verification import check_consistency, check_sentence, transliteration
from service.verification.transliteration import distance

SAME = [
    ("Kavanaugh", "Кавано"),
    ("Willoughby", "Уиллоби"),
    ("Charles", "Чарльза"),
    ("George", "Джорджу"),
    ("Thorneycroft", "Торникрофта"),
    ("Shaqiri", "Шакири"),
    ("Hugo", "Гюго"),
    ("Guizhou", "Гуйчжоу"),
    ("Jinping", "Цзиньпином"),
    ("Zárate", "Сарате"),
    ("Knight", "Найт"),
    ("Matthew", "Мэтью"),
    ("London", "Лондонского"),
    ("Jens", "Йенс"),
    ("Whitaker", "Уитакера"),
]
OTHER = [
    ("Trump", "Клинтон"),
    ("May", "Мэри"),
    ("Jones", "Смит"),
    ("Boston", "Чикаго"),
    ("", "Анна"),
]


@pytest.mark.parametrize(("english", "russian"), SAME)
def test_same_name_sounds_alike(english: str, russian: str) -> None:
    assert distance(english, russian) <= 0.3


@pytest.mark.parametrize(("english", "russian"), OTHER)
def test_other_name_does_not(english: str, russian: str) -> None:
    assert distance(english, russian) > 0.3


# Of few letters words are often alike; J and W are answered by consonants and by vowels.
ENGLISH = st.text("abcdefghijklmnopqrstuvwxyz", max_size=12) | st.text("jwhens", max_size=5)
RUSSIAN = st.text("абвгдеёжзийклмнопрстуфхцчшщъыьэюя", max_size=12) | st.text(
    "йувхенсь", max_size=5
)


@given(
    ENGLISH | st.sampled_from([english for english, _ in SAME + OTHER]),
    RUSSIAN | st.sampled_from([russian for _, russian in SAME + OTHER]),
    st.floats(0, 1),
)
@example("Jens", "Йенс", 0.2)  # Й, a vowel, answers J
@example("Evans", "Эво", 0.5)  # the bound is all that their distance is, but for a rounding
def test_a_bound_changes_no_distance_within_it(english: str, russian: str, most: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transliteration, "_at_least", lambda *_: 0)  # everything is aligned
        far = distance(english, russian)
    assert distance(english, russian) == distance(english, russian, far) == far
    bounded = distance(english, russian, most)
    assert bounded == far if far <= most else bounded > most


def test_a_name_that_begins_with_a_vowel_in_russian_is_heard() -> None:
    english = "The chief, Jens Stoltenberg, spoke."
    assert not check_sentence(english, "Глава, Йенс Столтенберг, выступил.")


def name_faults(en: str, ru: str) -> list[str]:
    faults = check_sentence(en, ru)
    return [ru[f.start : f.end] for f in faults if f.kind is FindingKind.NAMES]


@pytest.mark.parametrize(
    ("en", "ru"),
    [
        ("Theresa May met Emmanuel Macron.", "Тереза Мэй встретилась с Эмманюэлем Макроном."),
        ("Chinese and Greek ships sailed.", "Суда Китая и Греции вышли в море."),
        ("The U.K. and Wales agreed.", "Великобритания и Уэльс договорились."),
        ("The Supreme Court met in New York.", "Верховный суд собрался в Нью-Йорке."),
        ("Rory McIlroy won.", "Победил Рори Макилрой."),
        ("Kim Jong-un spoke.", "Выступил Ким Чен Ын."),
        ("He went west in March.", "В марте он отправился на Запад."),
        ("The man said so.", "Роза ветров изменилась."),  # a word at the start is no name
    ],
)
def test_names_that_are_there_are_no_fault(en: str, ru: str) -> None:
    assert name_faults(en, ru) == []


@pytest.mark.parametrize(
    ("en", "ru", "found"),
    [
        ("Theresa May met Macron.", "Тереза Мэй встретилась с Трампом.", ["Трампом"]),
        ("Peter Jones left the show.", "Питер Смит ушёл с передачи.", ["Смит"]),
        ("They live in Paris.", "Они живут в Берлине.", ["Берлине"]),
        ("Trump told Clinton.", "Трамп сказал Клинтон и Обаме.", ["Обаме"]),
    ],
)
def test_swapped_name_is_found(en: str, ru: str, found: list[str]) -> None:
    assert name_faults(en, ru) == found


def test_name_written_in_two_ways_is_found_where_it_is_rarer() -> None:
    pairs = [
        ("Willoughby left ITV", "Уиллоби ушла с ITV"),
        ("Holly Willoughby left.", "Холли Виллоби ушла."),
        ("They met with Willoughby.", "Они встретились с Уиллоби."),
        ("Peter Jones stayed.", "Питер Джонс остался."),
        ("They praised Peter Jones.", "Они похвалили Питера Джонса."),
    ]
    ((index, fault),) = check_consistency(pairs)
    assert index == 1
    assert pairs[1][1][fault.start : fault.end] == "Виллоби"


@pytest.mark.parametrize(
    ("en", "ru", "alarms"),
    [
        ("A Tunisian man was held.", "Гражданин Танзании был задержан.", 1),
        ("A Tunisian man was held.", "Гражданин Туниса был задержан.", 0),
        ("Australia lost.", "Австрия проиграла.", 1),
        ("Slovenia won.", "Словакия победила.", 1),
        ("The Tanzanian leader", "Лидер Танзании", 0),
        ("Aleksandr spoke to Tunisians.", "Александр говорил с жителями Туниса.", 0),
    ],
)
def test_a_country_is_not_another_that_sounds_like_it(en: str, ru: str, alarms: int) -> None:
    found = [fault for fault in check_sentence(en, ru) if fault.kind is FindingKind.NAMES]
    assert len(found) == alarms


def test_names_that_only_the_table_connects_are_written_one_way() -> None:
    pairs = [
        ("Britain left in January.", "Великобритания вышла в январе."),
        ("Britain voted in June.", "В июне в Великобритании голосовали."),
        ("Britain has left.", "Англия вышла."),
    ]
    ((index, fault),) = check_consistency(pairs)
    assert (index, fault.evidence) == (2, "Англия, Великобритания")
