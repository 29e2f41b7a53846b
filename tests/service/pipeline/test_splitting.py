"""Whatever its length, a text reaches the model whole."""

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


@given(st.lists(ONE_LINE.filter(bool), max_size=30), LIMITS)
def test_windows_hold_every_sentence_in_order(sentences: list[str], limit: int) -> None:
    inputs = windows(sentences, encode, limit)
    assert all(len(ids) <= limit for ids in inputs)
    everything = "".join(decode(ids) for ids in inputs)
    assert everything.replace(" ", "") == "".join(sentences).replace(" ", "")


def test_windows_are_of_similar_length() -> None:
    inputs = windows(["A sentence of some words."] * 20, encode, 300)
    lengths = [len(ids) for ids in inputs]
    assert max(lengths) - min(lengths) <= 2 * len("A sentence of some words. ")
