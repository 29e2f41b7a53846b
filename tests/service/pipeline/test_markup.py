"""A page comes back as it was, but for its text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.pipeline.markup import replace_text_nodes, text_nodes


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>One <b>two</b> three.</p>", "<p>ONE <b>TWO</b> THREE.</p>"),
        ('<p class="x" id=y>One</p>', '<p class="x" id="y">ONE</p>'),
        ("a &lt; b &amp; c", "A &lt; B &amp; C"),
        ("<p>One</p>\n\n<p>two</p> tail", "<p>ONE</p>\n\n<p>TWO</p> TAIL"),
        ("<p>One<br>two</p>", "<p>ONE<br>TWO</p>"),
        (
            "<script>var one;</script><style>p{}</style>One",
            "<script>var one;</script><style>p{}</style>ONE",
        ),
        ("<p>Run <code>make all</code> now</p>", "<p>RUN <code>make all</code> NOW</p>"),
        ("One <!-- two --> three", "ONE <!-- two --> THREE"),
        (
            "<!DOCTYPE html>\n<html><head><title>One</title></head><body>two</body></html>",
            "<!DOCTYPE html>\n<html><head><title>ONE</title></head><body>TWO</body></html>",
        ),
        ("</div>One", "ONE"),
        ("", ""),
    ],
)
def test_only_the_text_changes(page: str, expected: str) -> None:
    assert replace_text_nodes(page, [text.upper() for text in text_nodes(page)]) == expected


@given(st.text())
def test_any_text_survives_as_a_page(page: str) -> None:
    nodes = text_nodes(page)
    again = replace_text_nodes(page, nodes)
    assert text_nodes(again) == nodes
