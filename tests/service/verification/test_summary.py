"""A summary against its article: evidence, support, numbers, names, form."""

import pytest

from service.schema import FindingKind as Kind
from service.verification import check_summary, evidence

SENTENCES = [
    "A shark attacked a 13-year-old boy on Saturday while he was diving for lobster in California.",
    "Lifeguard Captain Larry Giles said the boy was flown to a hospital in San Diego.",
    "The beach in Encinitas will stay closed for 48 hours, officials of the United States said.",
    "Swimmers had been warned the week before.",
]
ARTICLE = " ".join(SENTENCES)


def kinds(*summary: str, truncated: bool = False) -> list[tuple[int, Kind]]:
    findings = check_summary(summary, ARTICLE, truncated=truncated)
    assert all(f.field == "summary_en" and f.message for f in findings)
    assert all(0 <= f.start <= f.end <= len(summary[f.sentence_index]) for f in findings)
    return [(f.sentence_index, f.kind) for f in findings]


def test_verbatim_sentence_is_its_own_evidence() -> None:
    (piece, *_) = evidence(SENTENCES[1], ARTICLE)
    assert ARTICLE[piece.start : piece.end] == SENTENCES[1]
    assert piece.score == 1
    assert kinds(*SENTENCES) == []


def test_fused_sentence_has_both_sources_strongest_first() -> None:
    fused = (
        "A shark attacked a boy diving for lobster, and the beach in Encinitas will stay closed."
    )
    pieces = evidence(fused, ARTICLE)
    assert {ARTICLE[p.start : p.end] for p in pieces} == {SENTENCES[0], SENTENCES[2]}
    assert [p.score for p in pieces] == sorted((p.score for p in pieces), reverse=True)
    assert all(0 < p.score < 1 for p in pieces)
    assert kinds(fused) == []


def test_given_sentence_borders_are_used() -> None:
    borders = [(0, len(SENTENCES[0])), (len(SENTENCES[0]) + 1, len(ARTICLE))]
    (piece, *_) = evidence(SENTENCES[2], ARTICLE, borders)
    assert (piece.start, piece.end) == borders[1]


@pytest.mark.parametrize("sentence", ["", "...", "Zebras quickly vanish."])
def test_sentence_without_support_has_no_evidence(sentence: str) -> None:
    assert evidence(sentence, ARTICLE) == ()
    assert evidence(sentence, "") == ()


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("Quarterly profits of carmakers doubled after tariffs fell.", Kind.SUPPORT),
        ("A shark attacked a 15-year-old boy diving for lobster in California.", Kind.NUMBERS),
        ("A shark attacked a boy diving for lobster in Florida.", Kind.NAMES),
        ("A shark attacked a boy diving for lobster in", Kind.TRUNCATED),
        ('A shark attacked a "boy diving for lobster.', Kind.QUOTES),
        ("A shark attacked a boy diving diving diving for lobster in California.", Kind.REPETITION),
    ],
)
def test_unfaithful_sentence_is_found(sentence: str, kind: Kind) -> None:
    assert (0, kind) in kinds(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "A shark attacked a thirteen-year-old boy in California.",
        "The beach will stay closed for two days, U.S. officials said, 48 hours in all.",
        "Giles said that the boy was flown to hospital.",
    ],
)
def test_faithful_paraphrase_is_no_fault(sentence: str) -> None:
    assert kinds(sentence) == []


def test_sentence_said_twice_is_found_the_second_time() -> None:
    assert kinds(SENTENCES[0], SENTENCES[0]) == [(1, Kind.REPETITION)]


def test_only_the_last_sentence_of_a_cut_summary_is_cut() -> None:
    assert kinds(SENTENCES[0], SENTENCES[1], truncated=True) == [(1, Kind.TRUNCATED)]
