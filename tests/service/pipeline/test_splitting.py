"""Whatever its length, a text reaches the model whole."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from service.pipeline.splitting import Piece, fit, windows


def encode(text: str) -> tuple[int, ...]:
    """One token a character between two specials: easy to read back."""
    return (0, *map(ord, text), 1)


def decode(ids: tuple[int, ...]) -> str:
    return "".join(map(chr, ids[1:-1]))


def joined(pieces: list[Piece]) -> str:
    return "".join(
        decode(p.ids) + (p.glue if n < len(pieces) else "") for n, p in enumerate(pieces, start=1)
    )


ONE_LINE = st.text().map(lambda text: " ".join(text.split()))
LIMITS = st.integers(min_value=4, max_value=40)


@given(ONE_LINE, LIMITS)
def test_pieces_fit_and_join_to_the_whole(text: str, limit: int) -> None:
    pieces = fit(text, encode, limit)
    assert all(len(piece.ids) <= limit for piece in pieces)
    assert joined(pieces).replace(" ", "") == text.replace(" ", "")
    if len(text) + 2 <= limit:
        assert len(pieces) == 1


def test_a_sentence_breaks_at_its_clauses() -> None:
    text = "The minister resigned on Monday; the president accepted it at once"
    assert [decode(p.ids) for p in fit(text, encode, 40)] == [
        "The minister resigned on Monday;",
        "the president accepted it at once",
    ]


def test_a_word_of_any_length_is_broken_without_adding_spaces() -> None:
    word = "x" * 100_000
    pieces = fit(word, encode, 128)
    assert joined(pieces) == word
    assert max(len(p.ids) for p in pieces) <= 128


WORD = st.text(st.characters(categories=["L"]), min_size=1, max_size=12)
SENTENCES = st.lists(st.lists(WORD, min_size=1, max_size=6).map(" ".join), max_size=40)


@given(SENTENCES, st.integers(min_value=8, max_value=200))
def test_windows_hold_every_sentence_in_order_and_overlap_a_little(
    words: list[str], limit: int
) -> None:
    sentences = [f"{n}:{sentence}." for n, sentence in enumerate(words)]
    inputs = windows(sentences, encode, limit)
    assert all(len(ids) <= limit for ids in inputs)
    texts = [decode(ids) for ids in inputs]
    # Without what a window repeats of the one before, they are the whole, in order.
    rest = " ".join(sentences)
    told = ""
    for text in texts:
        lead = next(
            n for n in range(len(text) + 1)
            if rest.replace(" ", "").startswith(text[n:].replace(" ", ""))
        )  # fmt: skip
        assert lead <= limit // 10 + 1
        assert told.replace(" ", "").endswith(text[:lead].replace(" ", ""))
        told += text[lead:]
        rest = "".join(sentences).replace(" ", "")[len(told.replace(" ", "")) :]
    assert rest == ""


def test_a_window_begins_with_the_end_of_the_one_before() -> None:
    sentences = [f"Sentence number {n}." for n in range(40)]
    texts = [decode(ids) for ids in windows(sentences, encode, 250)]
    for earlier, later in pairwise(texts):
        shared = [sentence for sentence in sentences if sentence in earlier and sentence in later]
        assert shared
        assert sum(map(len, shared)) <= 25
        assert later.startswith(shared[0])
        assert earlier.endswith(shared[-1])


def test_what_fits_one_window_is_one() -> None:
    sentences = ["A sentence of some words."] * 9
    (ids,) = windows(sentences, encode, len(encode(" ".join(sentences))))
    assert decode(ids) == " ".join(sentences)


def test_an_enormous_sentence_is_broken_and_its_neighbours_stay_whole() -> None:
    sentences = ["Before.", "x, " * 200 + "x.", "After."]
    texts = [decode(ids) for ids in windows(sentences, encode, 60)]
    assert texts[0].startswith("Before.")
    assert texts[-1].endswith("After.")
    assert "".join(texts).count("x") == 201


def test_windows_are_of_similar_length() -> None:
    inputs = windows(["A sentence of some words."] * 20, encode, 300)
    lengths = [len(ids) for ids in inputs]
    assert max(lengths) - min(lengths) <= 3 * len("A sentence of some words. ")
