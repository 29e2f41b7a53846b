"""What is refused before anything is read, and in what words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidRequest, TooLarge
from service.schema import (
    Article,
    DigestRequest,
    GlossaryEntry,
    Limits,
    Range,
    SummarizeRequest,
    SummaryOptions,
    TranslateRequest,
    TranslationOptions,
)
from service.validation import MAX_ID_CHARS, MAX_TERM_CHARS, MAX_URL_CHARS, validate

LIMITS = Limits(max_article_chars=100, max_sentences=10, max_terms=3)
TEXT = Article(text="Ten words are not needed to say this.")


def terms(*glossary: tuple[str, str], keep: tuple[str, ...] = ()) -> DigestRequest:
    entries = tuple(GlossaryEntry(source, target) for source, target in glossary)
    return DigestRequest(TEXT, translation=TranslationOptions(entries, keep))


@pytest.mark.parametrize(
    ("request_", "kind", "fields"),
    [
        (DigestRequest(), InvalidRequest, ["article"]),
        (SummarizeRequest(), InvalidRequest, ["article"]),
        (TranslateRequest(), InvalidRequest, ["text"]),
        (DigestRequest(Article(text="a", html="b")), InvalidRequest, ["article"]),
        (TranslateRequest(text="a", html="b"), InvalidRequest, ["text"]),
        (DigestRequest(Article(text="a" * 101)), TooLarge, ["article.text"]),
        (DigestRequest(Article(html="ж" * 101)), TooLarge, ["article.html"]),
        (TranslateRequest(text="a" * 101), TooLarge, ["text"]),
        (TranslateRequest(html="a" * 101), TooLarge, ["html"]),
        (DigestRequest(Article("i" * (MAX_ID_CHARS + 1), text="")), TooLarge, ["article.id"]),
        (DigestRequest(Article(text="", headline="h" * 2001)), TooLarge, ["article.headline"]),
        (
            SummarizeRequest(Article(text="", url="u" * (MAX_URL_CHARS + 1))),
            TooLarge,
            ["article.url"],
        ),
        (DigestRequest(TEXT, request_id="r" * 201), TooLarge, ["request_id"]),
        (TranslateRequest(text="", request_id="r" * 201), TooLarge, ["request_id"]),
        (DigestRequest(TEXT, excluded=(Range(0, 1),) * 4), TooLarge, ["excluded"]),
        (terms(*[(str(i), "б") for i in range(4)]), TooLarge, ["translation.glossary"]),
        (terms(keep=("a",) * 4), TooLarge, ["translation.keep"]),
        (
            terms(("a" * (MAX_TERM_CHARS + 1), "б" * (MAX_TERM_CHARS + 1))),
            TooLarge,
            ["translation.glossary[0].source", "translation.glossary[0].target"],
        ),
        (terms(keep=("ok", "k" * (MAX_TERM_CHARS + 1))), TooLarge, ["translation.keep[1]"]),
        (
            terms(("", "б"), ("b", " ")),
            InvalidRequest,
            ["translation.glossary[0].source", "translation.glossary[1].target"],
        ),
        (
            terms(("a", "б"), ("a", "в")),
            InvalidRequest,
            ["translation.glossary[1].source"],
        ),
        (terms(keep=("\n",)), InvalidRequest, ["translation.keep[0]"]),
        (
            TranslateRequest(text="a", translation=TranslationOptions(keep=("",))),
            InvalidRequest,
            ["translation.keep[0]"],
        ),
        (
            DigestRequest(TEXT, SummaryOptions(-1, -1)),
            InvalidRequest,
            ["summary.max_sentences", "summary.max_words"],
        ),
        (
            SummarizeRequest(TEXT, SummaryOptions(max_sentences=11)),
            InvalidRequest,
            ["summary.max_sentences"],
        ),
        (DigestRequest(TEXT, timeout=-0.001), InvalidRequest, ["timeout"]),
        (TranslateRequest(text="a", timeout=-5), InvalidRequest, ["timeout"]),
    ],
)
def test_each_violation_names_its_field(request_, kind, fields):
    with pytest.raises(InvalidRequest) as refusal:
        validate(request_, LIMITS)
    assert type(refusal.value) is kind
    assert [violation.field for violation in refusal.value.violations] == fields
    assert all(violation.description for violation in refusal.value.violations)


def test_all_violations_come_at_once_and_a_size_names_the_cause():
    request = DigestRequest(
        Article(text="a" * 101),
        SummaryOptions(max_words=-1),
        timeout=-1,
        excluded=(Range(3, 2),),
    )
    with pytest.raises(TooLarge) as refusal:
        validate(request, LIMITS)
    fields = [violation.field for violation in refusal.value.violations]
    assert fields == ["article.text", "summary.max_words", "excluded[0]", "timeout"]


@given(st.integers(-5, 50), st.integers(-5, 50))
def test_excluded_ranges_lie_within_the_text(start, end):
    text = "0123456789" * 3
    request = DigestRequest(Article(text=text), excluded=(Range(start, end),))
    if 0 <= start < end <= len(text):
        validate(request, LIMITS)
    else:
        with pytest.raises(InvalidRequest, match=r"excluded\[0\]"):
            validate(request, LIMITS)


def test_excluded_ranges_of_a_page_refer_to_a_text_not_known_yet():
    validate(DigestRequest(Article(html="<p>a"), excluded=(Range(50, 60),)), LIMITS)


@pytest.mark.parametrize(
    "request_",
    [
        DigestRequest(Article(text="a" * 100)),
        DigestRequest(Article(text="")),  # empty is for the pipeline to say: EMPTY_ARTICLE
        DigestRequest(Article(text="nul \x00 and \x1b escape")),
        DigestRequest(TEXT, SummaryOptions(10, 1_000_000), timeout=0),
        DigestRequest(TEXT, timeout=1e9),  # the server's maximum shortens it
        TranslateRequest(html="<p>ok</p>"),
        terms(("a", "б"), ("a", "б"), ("A", "в"), keep=("%s", "{x}")),
    ],
)
def test_what_is_unusual_but_sound_passes(request_):
    validate(request_, LIMITS)


def test_no_complaint_quotes_the_text():
    secret = "confidential" * 20
    request = DigestRequest(
        Article(text=secret, headline=secret * 20, id=secret),
        translation=TranslationOptions((GlossaryEntry(secret, ""),), (secret,)),
    )
    with pytest.raises(TooLarge) as refusal:
        validate(request, LIMITS)
    assert "confidential" not in str(refusal.value)
