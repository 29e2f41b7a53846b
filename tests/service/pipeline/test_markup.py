"""A page comes back as it was, but for its text; tags go where their words went."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.pipeline.alignment import align, fragments
from service.pipeline.markup import Translated, passages, put_back
from service.pipeline.tags import Kind, tokens
from service.sentences import sentence_offsets


def translated(
    page: str, russian: Callable[[str], str], alone: Mapping[str, str] | None = None
) -> str:
    """The page with each sentence replaced; ``alone`` says how parts of it are translated."""
    written = []
    for passage in passages(page):
        spans = list(sentence_offsets(passage.text.replace("\n", " ")))
        sentences = []
        for (start, end), places in zip(spans, passage.places(spans), strict=True):
            en = passage.text[start:end]
            line = " ".join(en.split())
            ru = russian(line)
            ru = en if ru == line else ru
            windows = align(en, ru, places, alone or {})
            sentences.append(Translated(start, end, ru, windows))
        written.append(sentences)
    return put_back(page, written)


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>One <b>two</b> three.</p>", "<p>ONE <b>TWO</b> THREE.</p>"),
        ('<p class="x" id=y>One</p>', '<p class="x" id=y>ONE</p>'),
        ("a &lt; b &amp; c", "A &lt; B &amp; C"),
        ("<p>One</p>\n\n<p> two </p> tail", "<p>ONE</p>\n\n<p> TWO </p> TAIL"),
        ("<p>One<br>two</p>", "<p>ONE<br>TWO</p>"),
        ("<ul>\n <li>One\n <li>two\n</ul>", "<ul>\n <li>ONE\n <li>TWO\n</ul>"),
        (
            "<script>var one;</script><style>p{}</style>One",
            "<script>var one;</script><style>p{}</style>ONE",
        ),
        ("<pre>one\n  two</pre>One", "<pre>one\n  two</pre>ONE"),
        ("One <!-- two --> three", "ONE <!-- two --> THREE"),
        ('One <img alt="two" src=x> three', 'ONE <img alt="two" src=x> THREE'),
        (
            "<!DOCTYPE html>\n<html><head><title>One</title></head><body>two</body></html>",
            "<!DOCTYPE html>\n<html><head><title>ONE</title></head><body>TWO</body></html>",
        ),
        ("<b>One <i>two</b> three</i>", "<b>ONE <i>TWO</b> THREE</i>"),
        ("</div>One", "</div>ONE"),
        ("<p translate=no>one</p>Two", "<p translate=no>one</p>TWO"),
        ("<p>12 &mdash; 13</p>", "<p>12 &mdash; 13</p>"),
        ("One &copy;.&nbsp; Two", "ONE ©.&nbsp; TWO"),
        ("One <b>two.</b> <i>Three</i> four", "ONE <b>TWO.</b> <i>THREE</i> FOUR"),
        ("", ""),
    ],
)
def test_only_the_text_changes(page: str, expected: str) -> None:
    assert translated(page, str.upper) == expected


@pytest.mark.parametrize(
    ("page", "ru", "expected"),
    [
        (
            "The <b>minister</b> arrived in <a href='/p'>Paris</a> on Monday.",
            "В понедельник министр прибыл в Париж.",
            "В понедельник <b>министр</b> прибыл в <a href='/p'>Париж</a>.",
        ),
        (
            "He saw the <a href=x>big red <i>house</i></a> and the <em>new bridge</em>.",
            "Новый мост и большой красный дом он увидел.",
            "<em>Новый мост</em> и <a href=x>большой красный <i>дом</i></a> он увидел.",
        ),
        (
            "<a href=x><b>He</b> said so</a>.",
            "Это сказал он.",
            "<a href=x>Это сказал <b>он</b></a>.",
        ),
        (
            "Run <code>make <i>all</i></code> now.",
            "Сейчас запустите make all.",
            "Сейчас запустите <code>make <i>all</i></code>.",
        ),
        ("Water is H<sub>2</sub>O.", "Вода — это H2O.", "Вода — это H<sub>2</sub>O."),
        ("He has <b>two</b> of <b>2,500</b>.", "У него 2500.", None),
        ("See <span class=notranslate>Deep Thought</span>.", "См. думателя.", None),
        (
            "They said <b>“no”</b> to it.",
            "Они сказали «нет» этому.",
            "Они сказали <b>«нет»</b> этому.",
        ),
    ],
)
def test_tags_follow_their_words(page: str, ru: str, expected: str | None) -> None:
    alone = {
        "big red house": "Большой красный дом",
        "house": "дома",
        "new bridge": "Новый мост",
        "He": "Он",
        "“no”": "«Нет»",
    }
    written = translated(page, lambda _: ru, alone)
    if expected is not None:
        assert written == expected
    assert markup(written) == markup(page)
    assert balanced(written)


def markup(page: str) -> Counter[str]:
    return Counter(token.raw for token in tokens(page) if token.kind is not Kind.TEXT)


def balanced(page: str) -> bool:
    """Whether each end tag closes the start tag that was opened last."""
    opened: list[str] = []
    for token in tokens(page):
        if token.kind is Kind.OPEN:
            opened.append(token.name)
        if token.kind is Kind.CLOSE and (not opened or opened.pop() != token.name):
            return False
    return not opened


INLINE = ["b", "i", "a", "span", "em"]


@st.composite
def nested(draw: st.DrawFn, depth: int = 3) -> str:
    """Well-formed HTML of words, inline elements and paragraphs."""
    parts = []
    for _ in range(draw(st.integers(0, 4))):
        words = draw(st.sampled_from(["one ", "Two. ", "three, ", "12 ", " ", "Four &amp; five"]))
        if depth and draw(st.booleans()):
            name = draw(st.sampled_from([*INLINE, "p", "code"]))
            words = f"{words}<{name}>{draw(nested(depth - 1))}</{name}>"
        parts.append(words)
    return "".join(parts)


RUSSIAN = st.sampled_from(["", "Да.", "Раз два три четыре пять", "Один, два: Three 12."])


@given(nested(), st.lists(RUSSIAN, min_size=1, max_size=5))
def test_tags_stay_balanced_whatever_the_russian(page: str, russian: list[str]) -> None:
    answers = iter(russian * 100)
    written = translated(page, lambda _: next(answers))
    assert balanced(page)
    assert balanced(written)
    assert markup(written) == markup(page)


PIECES = [
    *["<b>", "</b>", "<i", "</i>", "<p>", "</p>", "<a href='x>y'>", "</a>", "<br/>", "<!-- x -->"],
    *["<!--", "<script>", "</script>", "<pre>", "</pre>", "<code>", "</code>", "one ", "Two. "],
    *["&amp;", "&lt;b&gt;", "<", ">", '"', " ", "\n", "=", "/", "<img translate=no>", "Три "],
]
PAGES = st.text() | st.lists(st.sampled_from(PIECES), max_size=20).map("".join)


@given(PAGES, RUSSIAN)
def test_no_tag_of_any_page_is_lost_or_made(page: str, russian: str) -> None:
    assert markup(translated(page, lambda _: russian)) == markup(page)


@given(PAGES)
def test_pieces_join_to_the_page(page: str) -> None:
    assert "".join(token.raw for token in tokens(page)) == page


@given(PAGES)
def test_a_page_that_is_not_changed_comes_back_as_it_was(page: str) -> None:
    again = translated(page, str)
    assert readable(again) == readable(page)
    assert markup(again) == markup(page)


def readable(page: str) -> str:
    """The page with its entities resolved, as far as that leaves its tags."""
    from html import unescape

    return unescape(page)


@pytest.mark.parametrize(
    "piece", ["<a ", "<a =", "<!--", "<![CDATA[>", "</", "<a='", "<b>x", "</i>"]
)
def test_work_grows_with_the_page_and_no_faster(piece: str) -> None:
    short, long = (_searched(piece * n) for n in (500, 2000))
    assert long <= 6 * short + 100


def _searched(page: str) -> int:
    """How many lines of Python it takes to read a page: work, measured without a clock."""
    import sys

    count = 0

    def trace(*_: object) -> object:
        nonlocal count
        count += 1
        return trace

    sys.settrace(trace)  # pyright: ignore[reportArgumentType]
    try:
        passages(page)
    finally:
        sys.settrace(None)
    return count


def test_only_parts_with_words_of_their_own_are_asked_for() -> None:
    (passage,) = passages("<b>The <i>minister</i></b> said <code>x</code> <b>12</b>.")
    spans = [(0, len(passage.text))]
    assert list(fragments(passage.text, passage.places(spans)[0])) == ["The minister", "minister"]


def test_attributes_are_given_back_to_the_letter() -> None:
    page = "<p><a HREF = 'x?a=1&b=2' onclick=\"go('>')\">The port</a> is open.</p>"
    written = translated(page, lambda _: "Порт открыт.", {"The port": "Порт"})
    assert (
        re.findall(r"<a.*?'\)\">|</?\w>", written)[1:3]
        == re.findall(r"<a.*?'\)\">|</?\w>", page)[1:3]
    )
    assert ">Порт</a> открыт.</p>" in written


@pytest.mark.parametrize("depth", [1, 3, 12])
@pytest.mark.parametrize("words", [10, 60, 90, 140, 600])
def test_dense_markup_costs_by_its_length(words: int, depth: int) -> None:
    names = [f"{a}{b}{c}en" for a in "bdfgklmnprst" for b in "aeiou" for c in "bdfgklmnprst"]
    tags = [f"x{n}" for n in range(depth)]
    around = "".join(f"<{tag}>" for tag in tags), "".join(f"</{tag}>" for tag in tags[::-1])
    page = f"<p>{' '.join(around[0] + name + around[1] for name in names[:words])}."
    russian = " ".join(f"{name[::-1]}ф" for name in names[:words])
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        translated(page, lambda _: russian)
    finally:
        sys.setprofile(None)
    assert calls < 400 * len(page)
