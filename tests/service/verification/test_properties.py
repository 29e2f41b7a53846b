"""What holds for any text: no crash, offsets within bounds, no fault in sameness, linear work."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.schema import FindingKind, GlossaryEntry
from service.verification import check_consistency, check_sentence, check_summary, evidence

PIECES = [
    *[
        "{",
        "}",
        "<",
        ">",
        "%s",
        "@a",
        "#b",
        "http://",
        "www.",
        "a@b.c",
        "&amp;",
        "«",
        "»",
        '"',
        "(",
        "“",
    ],
    *[
        "1",
        "1,234",
        "5 p.m.",
        "17:00",
        "½",
        "1990s",
        "90-х",
        "млн",
        "billion",
        "$",
        "%",
        "Oct. ",
        "октября",
    ],
    *[
        "not ",
        "не ",
        "Trump ",
        "Трамп ",
        "and ",
        "и ",
        "two hundred ",
        "двести ",
        "XIX",
        ".",
        ", ",
        "-",
        " ",
    ],
]
texts = st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


@settings(max_examples=300, deadline=None)
@given(en=texts, ru=texts, kept=texts, truncated=st.booleans(), headline=st.booleans())
def test_any_text_is_checked_and_every_fault_has_a_place(
    en: str, ru: str, kept: str, truncated: bool, headline: bool
) -> None:
    faults = check_sentence(
        en,
        ru,
        keep=(kept,),
        glossary=(GlossaryEntry(kept, ru[:5]),),
        truncated=truncated,
        headline=headline,
    )
    for fault in faults:
        assert 0 <= fault.start <= fault.end <= len(ru)
        assert fault.message
    assert check_sentence(en, ru, keep=(kept,), truncated=truncated) == check_sentence(
        en, ru, keep=(kept,), truncated=truncated
    )


@settings(max_examples=150, deadline=None)
@given(text=texts)
def test_same_text_has_the_same_numbers_and_placeholders(text: str) -> None:
    found = {fault.kind for fault in check_sentence(text, text)}
    assert not found & {FindingKind.NUMBERS, FindingKind.PLACEHOLDERS, FindingKind.QUOTES}


@settings(max_examples=150, deadline=None)
@given(sentences=st.lists(texts, max_size=3), article=texts)
def test_any_summary_is_checked(sentences: list[str], article: str) -> None:
    for finding in check_summary(sentences, article):
        assert 0 <= finding.start <= finding.end <= len(sentences[finding.sentence_index])
    for sentence in sentences:
        pieces = evidence(sentence, article)
        assert len(pieces) <= 3
        assert all(0 <= p.start < p.end <= len(article) and 0 < p.score <= 1 for p in pieces)


@settings(max_examples=100, deadline=None)
@given(pairs=st.lists(st.tuples(texts, texts), max_size=3))
def test_any_answer_is_checked_for_consistency(pairs: list[tuple[str, str]]) -> None:
    for index, fault in check_consistency(pairs):
        assert 0 <= fault.start < fault.end <= len(pairs[index][1])


def _lines(en: str, ru: str) -> int:
    """How many lines of Python a check runs: work, measured without a clock."""
    count = 0

    def trace(*_: object) -> object:
        nonlocal count
        count += 1
        return trace

    check_sentence(en, ru)  # caches and dictionaries
    sys.settrace(trace)  # pyright: ignore[reportArgumentType]
    try:
        check_sentence(en, ru)
    finally:
        sys.settrace(None)
    return count


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "слово ",
        "1",
        "1,",
        "1 234 ",
        "{",
        "<a",
        "«",
        "не ",
        "two hundred ",
        "http://a ",
        "#a ",
        "the ",
    ],
)
def test_work_grows_with_the_text_and_no_faster(piece: str) -> None:
    short, long = piece * 200, piece * 800
    assert _lines(long, long + ".") <= 6 * _lines(short, short + ".")
