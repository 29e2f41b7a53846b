"""A written summary is bounded in whole sentences, and never ends in the middle of one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Generated
from service.errors import InvalidRequest
from service.pipeline.condensing import review_summary, trim
from service.pipeline.reading import Paragraph, Sentence, Story
from service.schema import Coverage, FindingKind, Metadata, SummaryOptions

SENTENCES = (
    "The river broke its banks on Monday.",
    "Two hundred families were moved to schools in the town of Ely.",
    "Nobody was hurt.",
)
TEXT = " ".join(SENTENCES)


def story() -> Story:
    starts = [TEXT.index(sentence) for sentence in SENTENCES]
    sentences = tuple(
        Sentence(start, start + len(text), text)
        for start, text in zip(starts, SENTENCES, strict=True)
    )
    paragraphs = (Paragraph(0, len(TEXT), sentences),)
    return Story(TEXT, "", Metadata(), Coverage(), paragraphs, (), ())


def test_a_sentence_that_was_cut_off_gives_way_to_the_articles_own() -> None:
    cut = Generated("Two hundred families were moved to schools in", 10, truncated=True)
    chosen = trim(story(), [cut], SummaryOptions(max_sentences=3))
    assert [c.text for c in chosen] == [SENTENCES[1]]
    (finding,) = review_summary(story(), chosen)
    assert (finding.kind, finding.sentence_index) == (FindingKind.TRUNCATED, 0)


def test_a_cut_sentence_among_others_is_left_out() -> None:
    written = Generated(f"{SENTENCES[0]} Two hundred families were", 20, truncated=True)
    chosen = trim(story(), [written], SummaryOptions(max_sentences=3))
    assert [c.text for c in chosen] == [SENTENCES[0]]
    assert review_summary(story(), chosen) == []


def test_a_sentence_that_has_no_room_makes_way_for_one_that_has() -> None:
    written = Generated(TEXT, 30, truncated=False)
    chosen = trim(story(), [written], SummaryOptions(max_sentences=3, max_words=10))
    assert [c.text for c in chosen] == [SENTENCES[0], SENTENCES[2]]


def test_no_room_for_any_sentence_is_said_with_what_would_do() -> None:
    with pytest.raises(InvalidRequest, match="3 would hold one"):
        trim(story(), [Generated(TEXT, 30, False)], SummaryOptions(max_sentences=3, max_words=2))


@given(
    sentences=st.lists(st.sampled_from([*SENTENCES, "Two hundred families were"]), min_size=1),
    truncated=st.booleans(),
    most=st.integers(1, 5),
    words=st.integers(3, 40),
)
def test_bounds_hold_exactly(sentences: list[str], truncated: bool, most: int, words: int) -> None:
    written = Generated(" ".join(sentences), 30, truncated)
    try:
        chosen = trim(story(), [written], SummaryOptions(max_sentences=most, max_words=words))
    except InvalidRequest:
        return
    assert 1 <= len(chosen) <= most
    assert sum(len(c.text.split()) for c in chosen) <= words
