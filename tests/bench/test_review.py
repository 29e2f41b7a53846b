"""The page to judge digests by: nothing of an article or an answer breaks out of its place."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from lxml import html  # pyright: ignore[reportAttributeAccessIssue]

from service.errors import EmptyArticle, Violation
from service.schema import (
    Coverage,
    Digest,
    DigestSentence,
    Evidence,
    Finding,
    FindingKind,
    Metadata,
    Severity,
    Usage,
)

# `bench` is installed nowhere, so it is loaded by its place.
_SPEC = importlib.util.spec_from_file_location(
    "bench_review", Path(__file__).parents[2] / "bench" / "review.py"
)
assert _SPEC
assert _SPEC.loader
review = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(review)

ARTICLE = "Rain <b>fell</b> & fell. The river rose. Nobody was hurt."
DIGEST = Digest(
    id="",
    headline_en="Rain & floods",
    headline_ru="Дождь",
    summary_en="The river rose.",
    summary_ru="Река поднялась.",
    sentences=(DigestSentence("The river rose.", "Река поднялась.", (Evidence(25, 40, 1.0),)),),
    body_ru="",
    body=(),
    findings=(Finding(FindingKind.NAMES, Severity.WARNING, "summary_ru", "a <name> is lost."),),
    coverage=Coverage("", ()),
    metadata=Metadata(),
    usage=Usage(),
    models=(),
)


def tree(*replies):
    return html.document_fromstring(
        review.page("2 digests", "tiny + tiny", [ARTICLE] * len(replies), replies)
    )


def test_the_article_is_whole_and_what_the_summary_rests_on_is_marked() -> None:
    (source,) = tree(DIGEST).find_class("source")
    assert source.text_content() == ARTICLE
    assert [mark.text for mark in source.iter("mark")] == ["The river rose."]


def test_findings_and_questions_stand_beside_each_digest() -> None:
    page = tree(DIGEST, EmptyArticle(Violation("article.text", "holds no <article>")))
    assert "a <name> is lost." in page.find_class("WARNING")[0].text_content()
    questions = [field.get("name") for field in page.iter("input")]
    assert questions == ["1-story", "1-facts", "1-russian", "1-worst"]
    assert "holds no <article>" in page.find_class("ERROR")[0].text_content()


def test_marks_may_touch_and_repeat() -> None:
    places = [review.Range(0, 4), review.Range(4, 6), review.Range(0, 2)]
    assert review._marked("abcdefgh", places) == "<mark>abcdef</mark>gh"
    assert review._marked("", []) == ""
