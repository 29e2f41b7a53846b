"""The summaries of windows become one, in which nothing is told twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.pipeline.joining import join
from service.verification.evidence import content

RESIGNED = "The president resigned on Monday."
IN_FULL = "The president resigned on Monday after months of protests, the ministry said."
RAIN = "Heavy rain closed two roads near the coast."


def test_what_two_windows_tell_is_told_once() -> None:
    assert join([[RESIGNED, RAIN], [RAIN]]) == [RESIGNED, RAIN]


def test_the_fuller_sentence_stays_in_the_place_of_the_first() -> None:
    assert join([[RESIGNED, RAIN], [IN_FULL]]) == [IN_FULL, RAIN]
    assert join([[IN_FULL, RAIN], [RESIGNED]]) == [IN_FULL, RAIN]


def test_endings_and_function_words_make_no_difference() -> None:
    assert join([[IN_FULL], ["On Monday, the president has resigned."]]) == [IN_FULL]


def test_another_number_name_or_negation_is_another_fact() -> None:
    for first, second in (
        ("Three people died in Tuesday's attack.", "Five people died in Tuesday's attack."),
        ("Prices rose 3.5 percent in May.", "Prices rose 3.6 percent in May."),
        ("Austrian police arrested two men.", "Australian police arrested two men."),
        ("The minister will resign on Monday.", "The minister will not resign on Monday."),
        ("Shares in Acme rose on Monday.", "Shares in Acme fell on Monday."),
    ):
        assert join([[first], [second]]) == [first, second]


def test_one_summary_is_left_as_it_is_for_the_checks_to_judge() -> None:
    assert join([[RAIN, RAIN]]) == [RAIN, RAIN]


WORDS = st.lists(
    st.sampled_from(["rain", "road", "coast", "bank", "price", "3.5", "Geneva", "the", "on", "not"])
)
SENTENCES = WORDS.map(" ".join)


@given(st.lists(st.lists(SENTENCES, max_size=4), max_size=5))
def test_nothing_repeats_another_part_and_nothing_is_lost(parts: list[list[str]]) -> None:
    kept = join(parts)
    given_words = set().union(*(content(text) for part in parts for text in part))
    assert set().union(*map(content, kept)) == given_words
    assert len(kept) <= sum(map(len, parts))
    homes = {text: {n for n, part in enumerate(parts) if text in part} for text in kept}
    for text in kept:
        if content(text) and kept.count(text) > 1:
            assert any(part.count(text) > 1 for part in parts)
        assert homes[text]
