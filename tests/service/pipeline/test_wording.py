"""Drafts bring in what the caller or the source fixed, whatever a model makes of them."""

from __future__ import annotations

import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models import Generated
from service.pipeline.splitting import Piece
from service.pipeline.typography import typeset
from service.pipeline.wording import Around, Carried, Draft, InPlace, drafts_with, terms_of
from service.schema import GlossaryEntry, TranslationOptions

OPTIONS = TranslationOptions(
    (GlossaryEntry("cloud computing", "облачные вычисления"), GlossaryEntry("court", "суд")),
    ("Deep Thought",),
)


def encode(text: str) -> list[Piece]:
    return [Piece(tuple(map(ord, text)))]


def written(draft: Draft, model: dict[str, str]) -> str:
    """The draft's Russian by a model that knows some texts and repeats others."""
    texts = ["".join(map(chr, piece.ids)).strip() for piece in draft.pieces]
    return draft.written([Generated(model.get(text, text), 1, False) for text in texts]).ru


def drafts(en: str, ru: str) -> tuple[Draft, ...]:
    return tuple(drafts_with(en, ru, terms_of(en, OPTIONS), encode))


def test_a_stand_in_is_carried_and_the_term_inflected() -> None:
    (carried, *_) = drafts("He asked about cloud computing.", "Он спросил об облаке.")
    assert isinstance(carried, Carried)
    model = {"He asked about X1.": "Он спросил о X1."}
    assert written(carried, model) == "Он спросил об облачных вычислениях."


def test_a_term_takes_the_place_and_the_case_of_other_words_for_it() -> None:
    en, ru = "He asked the court and Deep Thought.", "Он спросил трибунал и Думателя."
    _, in_place, _ = drafts(en, ru)
    assert isinstance(in_place, InPlace)
    model = {"court": "трибунал", "Deep Thought": "Думатель"}
    assert written(in_place, model) == "Он спросил суд и Deep Thought."


def test_a_sentence_cut_at_its_terms_keeps_them() -> None:
    en = "Deep Thought knows, said the court, of cloud computing."
    *_, around = drafts(en, "")
    assert isinstance(around, Around)
    model = {"knows, said the": "Знает, сказал.", ", of": ", об"}
    assert written(around, model) == "Deep Thought знает, сказал суд, об облачных вычислениях."


WORDS = st.lists(
    st.sampled_from(["one", "two,", "(three)", "X1", "«four»", "5", "six."]), max_size=6
)
NOISE = st.text(max_size=30)
KEPT = st.text(min_size=1, max_size=12).filter(lambda k: k.strip() and len(k.splitlines()) == 1)


@given(kept=KEPT, before=WORDS, after=WORDS, noise=st.lists(NOISE, min_size=1))
def test_kept_text_survives_any_position_and_any_model(
    kept: str, before: list[str], after: list[str], noise: list[str]
) -> None:
    en = " ".join([*before, kept.strip(), *after])
    options = TranslationOptions(keep=(kept,))
    terms = terms_of(en, options)
    assume(any(term.target == kept.strip() for term in terms))
    *_, around = drafts_with(en, "", terms, encode)
    outputs = [Generated(noise[n % len(noise)], 1, False) for n in range(len(around.pieces))]
    ru = around.written(outputs).ru
    assert ru.count(kept.strip()) >= sum(term.target == kept.strip() for term in terms)


def test_terms_lie_apart_and_what_is_kept_goes_first() -> None:
    options = TranslationOptions((GlossaryEntry("deep thought", "дума"),), ("Thought Ltd",))
    (term,) = terms_of("Ask Deep Thought Ltd now.", options)
    assert (term.target, term.kept) == ("Thought Ltd", True)


@pytest.mark.parametrize(
    "piece", ["a ", "Deep Thought ", "court ", "{0} ", "«a ", "http://a ", "X1 "]
)
def test_work_grows_with_the_sentence_and_no_faster(piece: str) -> None:
    """Terms, drafts and typography: bounded, or linear in the text."""
    short, long = (_lines(piece * n) for n in (200, 800))
    assert long <= 6 * short + 1000


def _lines(text: str) -> int:
    """How many lines of Python it takes: work, measured without a clock."""
    count = 0

    def trace(*_: object) -> object:
        nonlocal count
        count += 1
        return trace

    def work() -> None:
        for draft in drafts(text, text):
            written(draft, {})
        typeset(text, OPTIONS.keep)

    work()  # caches and dictionaries
    sys.settrace(trace)  # pyright: ignore[reportArgumentType]
    try:
        work()
    finally:
        sys.settrace(None)
    return count
