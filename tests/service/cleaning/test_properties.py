"""What holds for every text and every page, however odd."""

import importlib.util
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.cleaning import clean_html, clean_text, keep_all
from service.schema import Range, SpanKind

_FUZZ = Path(__file__).parents[3] / "bench" / "fuzz_cleaning.py"
_spec = importlib.util.spec_from_file_location("fuzz_cleaning", _FUZZ)
assert _spec
assert _spec.loader
fuzz = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fuzz)

SENTENCES = st.lists(
    st.sampled_from(fuzz.PIECES) | st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    max_size=12,
)
TEXTS = st.builds(
    "".join, st.lists(st.sampled_from(["\n", "\n\n", " "]) | SENTENCES.map("\n".join))
)


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_spans_partition_any_text_and_kept_text_is_stable(text: str) -> None:
    fuzz.check(clean_text, text, clean_text(text))


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), max_size=4))
def test_excluded_ranges_are_excluded_to_the_character(
    text: str, pairs: list[tuple[int, int]]
) -> None:
    ranges = [Range(min(pair), max(pair)) for pair in pairs]
    for cleaned in (clean_text(text, excluded=ranges), keep_all(text, excluded=ranges)):
        inside = {at for piece in ranges for at in range(piece.start, piece.end)}
        for span in cleaned.spans():
            if span.kind is SpanKind.EXCLUDED:
                assert inside.issuperset(range(span.start, span.end))
            elif span.kind is not SpanKind.NOT_NEEDED:
                assert inside.isdisjoint(range(span.start, span.end))


@pytest.mark.parametrize("seed", range(10))
def test_nothing_thrown_at_it_breaks_it(seed: int) -> None:
    for number in range(50):
        dice = random.Random(f"tests/{seed}/{number}")
        clean, make = (clean_html, fuzz.a_page) if number % 2 else (clean_text, fuzz.a_text)
        source = make(dice)
        fuzz.check(clean, source, clean(source))


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "\n" * 50_000,
        "\n".join(f"Item {number}" for number in range(5_000)),
        "😀" * 20_000,
        "\0" * 50_000,
        "(" * 100_000,
        '"' * 100_000,
        "By " + "Aa " * 30_000,
        "\n".join("photo " * 36 for _ in range(100)),
        "\n".join("a." * 100 for _ in range(100)),
        "".join(chr(c) for c in range(0, 0x110000, 61) if not 0xD800 <= c < 0xE000),
        "The law will change. " * 250_000,
        "\n" * 1_000_000,
        "|\t" * 100_000,
        "\n".join("AB 1.2 -" * 25 for _ in range(200)),
        "\n".join("add a b c d e f " * 13 for _ in range(200)),
    ],
    ids=[
        "one word", "newlines", "short paragraphs", "emoji", "nul", "brackets", "quotes",
        "capitals", "photos", "dots", "every plane", "one line of 5 MB", "a million blank lines",
        "columns", "prices", "baskets",
    ],
)  # fmt: skip
def test_adversarial_texts_come_back(text: str) -> None:
    fuzz.check(clean_text, text, clean_text(text))


@pytest.mark.parametrize(
    "html",
    [
        "<p " + " ".join(f"a{number}='v'" for number in range(100_000)) + ">Read me.</p>",
        "<div>" * 20_000 + "Read me.",
        "<a href=x>" * 10_000 + "Read me.",
        "<!--" * 100_000 + "--><p>Read me.",
        "<pre>" + "\n" + " " * 200_000 + "Read me.</pre>",
        "<script type='application/ld+json'>" + "[" * 100_000 + "</script><p>Read me.",
    ],
    ids=["attributes", "depth", "open links", "comments", "blanks", "data"],
)
def test_adversarial_pages_come_back(html: str) -> None:
    cleaned = clean_html(html)
    fuzz.check(clean_html, html, cleaned)
    assert "Read me." in cleaned.flat
