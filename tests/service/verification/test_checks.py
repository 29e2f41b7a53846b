"""Every check of a translated sentence, in both directions: faults found, good Russian left."""

import pytest

from service.schema import FindingKind as Kind
from service.schema import GlossaryEntry, Severity
from service.verification import Fault, check_sentence, cost, worse

EN = "The minister said on Monday that the new bridge would not be ready before the summer."
RU = "Министр сообщил в понедельник, что новый мост не будет готов до лета."


def kinds(en: str, ru: str, **options: object) -> set[Kind]:
    return {fault.kind for fault in check_sentence(en, ru, **options)}  # pyright: ignore[reportArgumentType]


def test_good_translation_has_no_fault() -> None:
    assert check_sentence(EN, RU) == []


@pytest.mark.parametrize(
    "ru",
    [
        "Министр сообщил, что мост, мост, мост, мост не будет готов до лета этого года.",
        "Министр сообщил, что новый мост не не будет готов до лета и до осени.",
        "Министр сообщил, что новый мост не будет готов, что новый мост не будет готов до лета.",
        "Министр сообщил, что он, министр сообщил, что мы, министр сообщил, что вы не готовы.",
        RU + " " + RU,
        "Министр сообщил в понедельник, что новый мооооооооооост не будет готов до лета.",
        "Министр сообщил в понедельник, что новый мост не хахахахахахахаха до лета.",
        "Министр сообщил - - - - - - в понедельник, что новый мост не будет готов до лета.",
    ],
)
def test_loop_is_found(ru: str) -> None:
    assert Kind.REPETITION in kinds(EN, ru)


@pytest.mark.parametrize(
    ("en", "ru"),
    [
        ("Lies, lies, lies and more lies!", "Ложь, ложь, ложь и снова ложь!"),
        ("Because something has gone wrong.", "Потому что что-то пошло не так."),
        ("He waited a bit.", "Он чуть-чуть подождал."),
        ("They stayed at the Roa Roa Hotel.", "Они жили в отеле «Роа Роа»."),
        ("The score was 6 6 6.", "Счёт был 6 6 6."),
    ],
)
def test_repetition_of_the_source_or_the_language_is_no_loop(en: str, ru: str) -> None:
    assert Kind.REPETITION not in kinds(en, ru)


@pytest.mark.parametrize(
    "ru",
    [
        "Министр сообщил, что мост.",
        "",
        RU + " А потом он сказал, что лето будет жарким. Мост построят другие. " + RU[:60],
    ],
)
def test_wrong_length_is_found(ru: str) -> None:
    assert Kind.LENGTH_RATIO in kinds(EN, ru)


@pytest.mark.parametrize(
    ("en", "ru"), [("Yes!", "Да!"), ("It depends.", "Зависит от обстоятельств.")]
)
def test_short_texts_may_differ_in_length(en: str, ru: str) -> None:
    assert Kind.LENGTH_RATIO not in kinds(en, ru)


@pytest.mark.parametrize(
    ("en", "ru"),
    [
        (EN, EN),
        (EN, "Министр said on Monday, что новый мост не будет готов до лета."),
        (EN, "Министр сообщил в понедельник, что новый bridge не будет готов до лета."),
        (EN, "Министр сообщил в понедельник, що новий міст не будет готов до лета."),
        (EN, "Министр сообщил в понедельник, что новый 桥 не будет готов до лета."),
        (EN, "Министр сообщил в пoнедельник, что новый мост не будет готов до лета."),  # Latin o
    ],
)
def test_text_that_is_not_russian_is_found(en: str, ru: str) -> None:
    assert Kind.SCRIPT in kinds(en, ru)


@pytest.mark.parametrize(
    ("en", "ru"),
    [
        ("The New York Times sued OpenAI.", "The New York Times подала в суд на OpenAI."),
        ("He left Marks and Spencer.", "Он ушёл из Marks and Spencer."),
        ("She starred in Once Upon a Time.", "Она сыграла в «Once Upon a Time»."),
        ("Buy an iPhone or an e-mail client.", "Купите iPhone или клиент e-mail."),
        ("Write to us at info@example.org now.", "Пишите нам на info@example.org сейчас."),
        ("IBM, BMW", "IBM, BMW"),
        ("The letter w is silent.", "Буква w не читается."),
    ],
)
def test_latin_that_russian_keeps_is_no_residue(en: str, ru: str) -> None:
    assert Kind.SCRIPT not in kinds(en, ru)


PLACEHOLDERS = [
    "https://example.org/a?b=1&c=2",
    "www.example.com/path",
    "news.example.org",
    "press.office@example.co.uk",
    "@news_desk",
    "#MeToo",
    "{0}",
    "{{ name }}",
    "${name}",
    "%s",
    "%(name)s",
    "<b>",
    "</a>",
    "&nbsp;",
]


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_placeholder_has_to_come_back_as_it_was(text: str) -> None:
    en = f"The minister said on Monday that {text} would be ready."
    assert kinds(en, f"Министр сообщил в понедельник, что {text} будет готов.") == set()
    for place in range(len(text)):
        broken = text[:place] + "ъ" + text[place + 1 :]
        ru = f"Министр сообщил в понедельник, что {broken} будет готов."
        assert Kind.PLACEHOLDERS in kinds(en, ru), broken
    assert Kind.PLACEHOLDERS in kinds(en, "Министр сообщил в понедельник, что это будет готово.")


def test_sentence_punctuation_is_no_part_of_an_address() -> None:
    assert kinds("See https://example.org.", "См. https://example.org!") == set()


def test_placeholder_out_of_nowhere_is_found() -> None:
    assert Kind.PLACEHOLDERS in kinds("Press the button.", "Нажмите кнопку {0}.")


def test_kept_string_is_verbatim_as_often_as_in_the_source() -> None:
    en, keep = "Ask Deep Thought what Deep Thought is.", ("Deep Thought",)
    good = "Спросите Deep Thought, что такое Deep Thought."
    assert kinds(en, good, keep=keep) == set()
    bad = "Спросите Deep Thought, что такое «Думатель»."
    (fault,) = [f for f in check_sentence(en, bad, keep=keep) if f.kind is Kind.PLACEHOLDERS]
    assert fault.severity is Severity.ERROR
    assert fault.evidence == "Deep Thought"


@pytest.mark.parametrize(
    ("en", "ru", "truncated", "found"),
    [
        (EN, RU, True, True),
        (EN, RU.rstrip("."), False, True),
        (EN, "Министр сообщил в понедельник, что новый мост не будет готов до", False, True),
        ("Bridge not ready", "Мост не готов и", False, True),
        ("Bridge not ready", "Мост не готов", False, False),
        ('"It is not ready," he said.', "«Он не готов», — сказал он.", False, False),
        ('He said: "It is not ready."', "Он сказал: «Он не готов».", False, False),
        ("Is it ready?", "Он готов?", False, False),
        ("What is it waiting for?", "Чего же он ждёт?..", False, False),
    ],
)
def test_cut_end(en: str, ru: str, truncated: bool, found: bool) -> None:
    assert (Kind.TRUNCATED in kinds(en, ru, truncated=truncated)) is found


@pytest.mark.parametrize(
    ("ru", "found"),
    [
        ("Он сказал: «Мост не готов».", False),
        ("Он сказал: «Мост не готов.", True),
        ("Он сказал: Мост не готов».", True),
        ("Он сказал: „Мост не готов“.", False),
        ('Он сказал: "Мост не готов.', True),
        ('"Когда я спросил, он ответил: «Мост не готов»", — сказал он.', False),
        ("«Когда я спросил, он ответил: «Мост не готов».", False),
        ("Он сказал (мост не готов.", True),
    ],
)
def test_quotation_marks_close(ru: str, found: bool) -> None:
    assert (Kind.QUOTES in kinds('He said: "The bridge is not ready."', ru)) is found


def test_open_quotation_of_the_source_may_stay_open() -> None:
    assert Kind.QUOTES not in kinds('"The bridge is old. ', '"Мост старый.')


@pytest.mark.parametrize(
    ("en", "ru", "found"),
    [
        (EN, RU.replace("не ", ""), True),
        ("She never came.", "Она никогда приходила.", True),
        ("She never came.", "Она никогда не приходила.", False),
        ("It isn't possible.", "Это возможно.", True),
        ("It isn't possible.", "Это невозможно.", False),
        ("They are no longer friends.", "Они перестали быть друзьями.", False),
        ("There was no information.", "Информация отсутствовала.", False),
        ("He came without a coat.", "Он пришёл без пальто.", False),
        ("He was no. 1 there.", "Он был там первым.", False),
        ("The unknown man was not there.", "Неизвестного мужчины там было.", True),
    ],
)
def test_negation(en: str, ru: str, found: bool) -> None:
    assert (Kind.NEGATION in kinds(en, ru)) is found


@pytest.mark.parametrize(
    ("ru", "found"),
    [
        ("Он пользуется облачными вычислениями.", False),
        ("Он пользуется вычислениями в облаке.", True),
    ],
)
def test_glossary_term_in_any_inflection(ru: str, found: bool) -> None:
    glossary = (GlossaryEntry("cloud computing", "облачные вычисления"),)
    assert (Kind.GLOSSARY in kinds("He uses Cloud Computing.", ru, glossary=glossary)) is found
    assert Kind.GLOSSARY not in kinds("He uses clouds.", ru, glossary=glossary)


def test_a_term_within_a_longer_one_is_none_of_its_own() -> None:
    glossary = (GlossaryEntry("police", "правоохранители"), GlossaryEntry("police officer", "коп"))
    assert kinds("A police officer came.", "Пришёл коп.", glossary=glossary) == set()
    assert Kind.GLOSSARY in kinds("Police said so.", "Так сказал коп.", glossary=glossary)


def test_glossary_takes_plurals_names_and_latin() -> None:
    glossary = (GlossaryEntry("chatbot", "чат-бот"), GlossaryEntry("Acme", "Acme Corp"))
    assert kinds("Chatbots at Acme.", "Чат-боты в Acme Corp.", glossary=glossary) == set()
    assert Kind.GLOSSARY in kinds("Chatbots at Acme.", "Чат-боты в Акме.", glossary=glossary)


@pytest.mark.parametrize(
    ("ru", "found"),
    [
        ("Мост будет готов летом", False),
        ("Мост будет готов летом.", True),
        ("Мост. Он будет готов летом", True),
        ("Мост будет\nготов летом", True),
    ],
)
def test_headline_stays_one(ru: str, found: bool) -> None:
    faults = check_sentence("Bridge ready by summer", ru, headline=True)
    assert bool(faults) is found


def test_fault_becomes_a_finding() -> None:
    fault = Fault(Kind.NUMBERS, Severity.ERROR, 3, 5, "12", "Wrong.")
    finding = fault.finding("summary_ru", 2)
    assert (finding.field, finding.sentence_index, finding.start, finding.end) == (
        "summary_ru",
        2,
        3,
        5,
    )
    assert (finding.kind, finding.severity, finding.evidence) == (fault.kind, fault.severity, "12")


def test_worse_attempt_is_the_one_with_graver_faults() -> None:
    loop = check_sentence(EN, RU + " до лета, до лета, до лета, до лета.")
    cut = check_sentence(EN, RU.rstrip("."))
    assert worse(loop, cut)
    assert not worse(cut, loop)
    assert not worse(cut, cut)
    assert cost([]) == 0


def test_a_kept_name_said_twice_is_a_remark() -> None:
    ru = "Партия Buhari, Buhari сказал."
    faults = check_sentence("Buhari's party said so.", ru, keep=["Buhari"])
    (fault,) = [fault for fault in faults if fault.kind is Kind.PLACEHOLDERS]
    assert fault.severity is Severity.INFO
    assert (fault.start, ru[fault.start : fault.end]) == (15, "Buhari")
