"""Plain texts: what is kept whole, what is repeated, excluded or foreign."""

from itertools import pairwise

import pytest

from service.cleaning import clean_text, keep_all
from service.cleaning.blocks import paragraph_offsets
from service.schema import Range, SpanKind

STORY = (
    "The council voted on Monday to rebuild the old bridge, which was closed two years ago.",
    "Work will begin in April and last for eighteen months, the head of the building office said.",
    "Drivers will have to use the motorway until then, a detour of eleven kilometres.",
    "The bridge was built in 1911 and carried trams until the nineteen-sixties.",
)
RUSSIAN = "Городской совет решил восстановить старый мост, который закрыли два года назад."
GERMAN = "Der Stadtrat hat am Montag beschlossen, die alte Brücke wieder aufzubauen, hieß es."
TRANSLITERATED = (
    "Gorodskoy sovet reshil vosstanovit staryy most, kotoryy zakryli dva goda nazad, i eto ochen "
    "khorosho dlya vsekh, kto zhivet na tom beregu."
)

PROGRAM = """function add(a, b) { return a + b; }
const doubled = [1, 2, 3].map(y => y * 2);
console.log(doubled.filter(z => z > 2));
"""


def kinds(text: str) -> list[SpanKind]:
    return [paragraph.kind for paragraph in clean_text(text).paragraphs]


@pytest.mark.parametrize("joint", ["\n", "\n\n", " "])
def test_a_clean_story_is_kept_whole(joint: str) -> None:
    text = joint.join(STORY)
    assert clean_text(text).text == "\n\n".join(text.split("\n\n" if joint == "\n\n" else "\n"))


def test_a_story_flattened_into_one_line_is_kept_with_what_is_in_it() -> None:
    line = " ".join(["Read more: " + STORY[0], *STORY[1:] * 2, "Click here to read more stories."])
    assert clean_text(line).text == line
    assert clean_text(f"Share\n{line}\nNext article").text == line


def test_censored_words_are_no_program() -> None:
    quoted = '"What the h*** is that, you b******, you f****** b******," the minister shouted.'
    assert clean_text("\n".join([*STORY, quoted])).text.endswith(quoted)


def test_russian_in_latin_letters_is_told_from_english_despite_words_of_both() -> None:
    text = "On skazal, chto my no to do etogo ne dopuskaem nasiliya v nashikh tyurmakh."
    assert clean_text(text).language == "ru-Latn"
    names = "Zhukov, a U.S. citizen from Kharkiv, told the Novaya Gazeta that he was well."
    assert clean_text(names).language == "en"


def test_a_tables_lines_are_named_so() -> None:
    rows = ["City\tPeople\tArea", "Alder\t1,200\t34", "Combe\t800\t21"]
    cleaned = clean_text("\n".join([*STORY[:2], *rows, *STORY[2:]]))
    rest = [p for p in cleaned.paragraphs if cleaned.paragraph_text(p) in rows]
    assert all("table" in (p.role, p.reason) for p in rest)
    assert [cleaned.paragraph_text(p) for p in cleaned.story() if p.role == "body"] == [*STORY]


def test_a_given_headline_is_recognised_and_given_back() -> None:
    headline = "Old bridge to be rebuilt"
    cleaned = clean_text("\n".join([headline, *STORY]), headline)
    assert cleaned.headline == headline
    assert cleaned.paragraphs[0].role == "headline"
    assert cleaned.paragraphs[0].kind is SpanKind.CONTEXT
    assert clean_text("\n".join(STORY), "Something else").headline == "Something else"


def test_a_repeated_paragraph_is_used_once() -> None:
    found = kinds("\n".join([*STORY, STORY[1]]))
    assert found == [SpanKind.USED] * 4 + [SpanKind.REPEATED]


def test_an_exclusion_cuts_a_paragraph_at_its_borders() -> None:
    text = "\n".join(STORY)
    start = text.index("Monday")
    cleaned = clean_text(text, excluded=[Range(start, start + len("Monday"))])
    excluded = [p for p in cleaned.paragraphs if p.kind is SpanKind.EXCLUDED]
    assert [text[p.start : p.end] for p in excluded] == ["Monday"]
    assert "Monday" not in cleaned.text


def test_foreign_paragraphs_are_told_apart() -> None:
    cleaned = clean_text("\n".join([STORY[0], RUSSIAN, STORY[1], GERMAN, STORY[2], STORY[3]]))
    assert [p.kind for p in cleaned.paragraphs].count(SpanKind.OTHER_LANGUAGE) == 2
    assert [p.reason for p in cleaned.paragraphs][1] == "not English (ru)"
    assert [p.reason for p in cleaned.paragraphs][3] == "not English (de)"
    assert cleaned.language == "en"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("\n".join(STORY), "en"),
        ("\n".join([RUSSIAN] * 3), "ru"),
        (GERMAN, "de"),
        (TRANSLITERATED, "ru-Latn"),
        (PROGRAM, "zxx"),
        ("12 345 — 67 % !!!", "und"),
        ("", "und"),
        (" \n\n ", "und"),
    ],
)
def test_the_language_of_an_article(text: str, language: str) -> None:
    assert clean_text(text).language == language


def test_names_short_headings_and_numbers_are_not_foreign() -> None:
    lines = ["Jens Stoltenberg", "Aftermath", "Bayern München 2, Real Madrid 1", "1,204 / 33"]
    text = "\n".join([STORY[0], lines[0], STORY[1], lines[1], STORY[2], lines[2], lines[3]])
    assert SpanKind.OTHER_LANGUAGE not in kinds(text)


def test_a_program_in_a_story_is_no_running_text() -> None:
    cleaned = clean_text("\n".join([*STORY[:2], "total = sum(a[i] for i in range(n))", *STORY[2:]]))
    assert [p.role for p in cleaned.paragraphs][2] in ("code", "chrome")
    assert cleaned.text == "\n\n".join(STORY)


def test_keep_all_keeps_everything_in_its_place() -> None:
    text = "Subscribe now!\n\n" + "\n".join(STORY)
    cleaned = keep_all(text)
    assert [text[p.start : p.end] for p in cleaned.story()] == ["Subscribe now!", *STORY]


def test_keep_all_keeps_short_lines_apart_and_joins_wrapped_copy() -> None:
    listed = "update the cover images of all pages\nremove the old posts from last year"
    assert len(keep_all(listed).story()) == 2
    wrapped = (
        "Officials said on Monday that the river had risen again and that\n"
        "the town would be cleared before night falls over the whole valley\nof the Danube."
    )
    assert len(keep_all(wrapped).story()) == 1


def test_lines_of_all_lengths_are_not_joined() -> None:
    menu = "\n".join(["Home", "News", "sports and games", "about us", "weather in your area today"])
    assert len(paragraph_offsets(menu)) == 5


def test_wrapped_lines_are_joined_and_their_offsets_lie_on_the_input() -> None:
    wrapped = (
        "The council voted on Monday to rebuild the old\nbridge, which was closed two years "
        "ago after a\nship had hit one of its pillars at night.\n\nWork will begin in April and "
        "last for about\neighteen months, the building office said."
    )
    offsets = paragraph_offsets(wrapped)
    assert len(offsets) == 2
    assert all(before[1] <= after[0] for before, after in pairwise(offsets))
    assert wrapped[slice(*offsets[1])].startswith("Work will begin")


def test_a_short_answer_to_nothing() -> None:
    cleaned = clean_text("")
    assert cleaned.text == ""
    assert cleaned.spans() == ()


@pytest.mark.parametrize(
    "text", ["The minister arrived in Moscow on Tuesday.", "NATO met in Wales."]
)
def test_a_lone_sentence_is_a_story(text):
    assert clean_text(text).text == text


@pytest.mark.parametrize("text", ["Sign up for our newsletter.", "Subscribe now to read on."])
def test_a_lone_appeal_is_none(text):
    assert clean_text(text).text == ""
