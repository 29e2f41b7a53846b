"""Extractive selection: what comes out of made-up articles whose best sentences are known."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.extractive import SAME, Choice, select_sentences


def unit(*rows: tuple[float, ...]) -> np.ndarray:
    """Rows scaled to length 1."""
    matrix = np.array(rows, dtype=np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def indices(choices: list[Choice]) -> list[int]:
    return [choice.index for choice in choices]


FLOOD = "The river broke its banks near Kazan on Monday."
RESCUE = "Rescue teams moved two hundred families to schools."
COST = "Officials put the damage at nine million roubles."
SENTENCES: tuple[str, ...] = (
    "Ministers met in Geneva on Monday to discuss grain.",
    "They agreed to meet again within a month.",
    "Do ministers ever agree on anything at all?",
    "Watch: ministers arrive in Geneva for the talks.",
    'The minister said: "We are close to a text.',
    "Talks.",
    "Grain prices rose by four percent in Chicago after the meeting ended.",
)


@st.composite
def articles(draw: st.DrawFn) -> tuple[np.ndarray, list[str]]:
    size = draw(st.integers(1, 12))
    raw = draw(
        hnp.arrays(
            np.float32, (size, 4), elements=st.floats(-1, 1, width=32, allow_subnormal=False)
        )
    )
    raw[:, 0] += 2  # no row of zeros
    sentences = draw(st.lists(st.sampled_from(SENTENCES), min_size=size, max_size=size))
    return raw / np.linalg.norm(raw, axis=1, keepdims=True), sentences


@given(articles(), st.integers(0, 14), st.integers(0, 60))
def test_bounds_hold_and_the_order_is_the_articles(article, max_sentences, max_words) -> None:
    embeddings, sentences = article
    chosen = select_sentences(
        embeddings, sentences, max_sentences=max_sentences, max_words=max_words
    )
    places = indices(chosen)
    assert places == sorted(set(places))
    assert set(places) <= set(range(len(sentences)))
    assert len(places) <= max_sentences
    if max_words:
        assert sum(len(sentences[i].split()) for i in places) <= max_words
    assert all(np.isfinite(choice.score) for choice in chosen)


@given(articles(), st.integers(1, 14))
def test_something_is_always_chosen_when_nothing_forbids_it(article, max_sentences) -> None:
    assert select_sentences(*article, max_sentences=max_sentences)


@given(articles(), st.integers(1, 14), st.integers(0, 60))
def test_nothing_said_twice(article, max_sentences, max_words) -> None:
    embeddings, sentences = article
    places = indices(
        select_sentences(embeddings, sentences, max_sentences=max_sentences, max_words=max_words)
    )
    similarity = embeddings[places] @ embeddings[places].T
    assert (similarity - 2 * np.eye(len(places)) <= SAME + 1e-6).all()


@given(articles(), st.integers(0, 14), st.integers(0, 60))
def test_same_input_same_choice_and_only_similarities_count(article, count, words) -> None:
    embeddings, sentences = article
    first = select_sentences(embeddings, sentences, max_sentences=count, max_words=words)
    assert first == select_sentences(embeddings, sentences, max_sentences=count, max_words=words)
    # Similarities are all that counts: the mirrored space has the same ones.
    turned = select_sentences(-embeddings, sentences, max_sentences=count, max_words=words)
    assert [(c.index, pytest.approx(c.score, abs=1e-6)) for c in first] == [
        (c.index, c.score) for c in turned
    ]


@given(articles(), st.integers(1, 5))
def test_a_larger_summary_holds_the_smaller_one(article, count) -> None:
    smaller = select_sentences(*article, max_sentences=count)
    larger = select_sentences(*article, max_sentences=count + 1)
    assert set(indices(smaller)) <= set(indices(larger))


def test_the_lead_and_the_topic_are_kept_and_the_aside_is_not() -> None:
    embeddings = unit((1, 0.8, 0), (1, -0.2, 0.3), (0, 0, 1), (1, -0.9, 0))
    sentences = [FLOOD, RESCUE, "Our chess column returns on Saturday with a puzzle.", COST]
    assert indices(select_sentences(embeddings, sentences, max_sentences=3)) == [0, 1, 3]


def test_a_repeated_sentence_is_kept_once() -> None:
    embeddings = unit((1, 0), (1, 0.01), (0.6, 0.8))
    chosen = select_sentences(embeddings, [FLOOD, FLOOD, COST], max_sentences=3)
    assert indices(chosen) == [0, 2]


def test_of_equals_the_earlier_wins() -> None:
    # Far down, the lead's bonus is the same to the last digit of float64.
    count = 600
    embeddings = np.tile(np.array([1, 0], np.float32), (count, 1))
    embeddings[:500] = np.array([0, 1], np.float32)
    sentences = ["Do not choose me?"] * 500 + [FLOOD] * 100
    assert indices(select_sentences(embeddings, sentences, max_sentences=1)) == [500]


def test_a_sentence_that_leans_is_worth_more_beside_the_one_it_leans_on() -> None:
    leaning = "He said the dam had not been inspected since 2009."

    def worth_after(predecessor: str) -> float:
        chosen = select_sentences(np.eye(2), [predecessor, leaning], max_sentences=2)
        return chosen[-1].score

    assert worth_after(FLOOD) > worth_after("Tuesday.")


def test_scraps_questions_and_credits_are_left_out_though_there_is_room() -> None:
    sentences = [
        FLOOD,
        "Could it happen again next spring?",
        "Tuesday.",
        "CNN's Ada Jones contributed to this report.",
        'The mayor said: "We will rebuild every house.',
        COST,
    ]
    embeddings = np.eye(6, dtype=np.float32)
    assert indices(select_sentences(embeddings, sentences, max_sentences=6)) == [0, 5]


def test_where_nothing_is_fit_something_is_still_said() -> None:
    chosen = select_sentences(np.eye(2, dtype=np.float32), ["Rain.", "Wind?"], max_sentences=1)
    assert len(chosen) == 1


def test_a_sentence_that_does_not_fit_gives_way_to_one_that_does() -> None:
    embeddings = np.eye(3, dtype=np.float32)
    long = FLOOD[:-1] + " and " + "very " * 30 + "slowly."
    chosen = select_sentences(embeddings, [long, RESCUE, COST], max_sentences=3, max_words=8)
    assert indices(chosen) == [1]


def test_nothing_fits() -> None:
    assert select_sentences(np.eye(1), [FLOOD], max_sentences=3, max_words=3) == []


def test_no_sentences() -> None:
    assert select_sentences(np.zeros((0, 3)), [], max_sentences=3) == []


def test_lengths_and_bounds_are_checked() -> None:
    with pytest.raises(ValueError, match="2 embeddings for 1 sentences"):
        select_sentences(np.eye(2), [FLOOD], max_sentences=1)
    with pytest.raises(ValueError, match="negative"):
        select_sentences(np.eye(1), [FLOOD], max_sentences=-1)


def test_memory_grows_with_the_sentences_not_with_their_square() -> None:
    count = 5_000
    embeddings = np.random.default_rng(0).normal(size=(count, 16)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    sentences = [FLOOD] * count
    tracemalloc.start()
    chosen = select_sentences(embeddings, sentences, max_sentences=5)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(chosen) == 5
    assert peak < 1000 * count  # a float64 matrix of all pairs takes 40,000 bytes a sentence
