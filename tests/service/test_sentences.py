"""Sentences end where a reader would end them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.sentences import sentence_offsets


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_offsets(text)]


@pytest.mark.parametrize(
    "expected",
    [
        ["(CNN)Gov. Jerry Brown said no.", "He left."],
        ["Boston (CNN)Sen. Ted Cruz spoke.", "(Reuters)Dr. Smith did not."],
        ["He met Gov. Brown (and Mr. Hill).", "Then he left."],
        ["The U.S. (and its allies) agreed.", "f(X)Y is a function."],
    ],
)
def test_a_source_before_a_title_ends_no_sentence(expected: list[str]) -> None:
    assert sentences(" ".join(expected)) == expected


@pytest.mark.parametrize("space", ["\u00a0", "\u0085", "\u2028", "\u3000"])
def test_spaces_of_all_kinds_are_spaces(space: str) -> None:
    text = "Ask J . Then go. Now."
    assert list(sentence_offsets(text.replace(" ", space))) == list(sentence_offsets(text))


@given(st.text(st.sampled_from("(CNRAa)Gov. \n\u00a0\u2028é"), max_size=60))
def test_nothing_but_white_space_is_between_sentences(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
