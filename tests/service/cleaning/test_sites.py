"""Short texts of many kinds of sites: all of the story is kept, none of the rest.

Each line of a file under tests/data/cleaning begins with what it is: S story,
C belongs to the article but is no running text, x chrome.
"""

from pathlib import Path

import pytest

from service.cleaning import clean_text
from service.schema import SpanKind

FILES = sorted((Path(__file__).parents[2] / "data" / "cleaning").glob("*.txt"))
SAMPLE = Path(__file__).parents[3] / "samples" / "nato-2014.txt"
EXPECTED = {"S": SpanKind.USED, "C": SpanKind.CONTEXT, "x": SpanKind.BOILERPLATE}


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_keeps_the_story_and_nothing_else(path: Path) -> None:
    marked = path.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line[2:] for line in marked)
    cleaned = clean_text(text)

    story = [line[2:] for line in marked if line.startswith("S")]
    assert squeezed(cleaned.text) == squeezed("".join(story))
    assert cleaned.language == "en"
    starts, at = {}, 0
    for line in marked:
        starts[at] = line[:1]
        at += len(line[2:]) + 1
    for paragraph in cleaned.paragraphs:
        assert paragraph.kind is EXPECTED[starts[paragraph.start]], text[paragraph.start :][:60]
        assert paragraph.reason


def test_hard_wrapped_copy_is_joined_into_paragraphs() -> None:
    marked = (FILES[0].parent / "wire_copy.txt").read_text(encoding="utf-8").splitlines()
    cleaned = clean_text("\n".join(line[2:] for line in marked))
    assert len(cleaned.story()) == 4
    assert "\n" not in cleaned.text.split("\n\n")[0]
    assert "the ferry company North Line" in cleaned.text


def test_the_sample_keeps_its_story_and_loses_the_site() -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    cleaned = clean_text(text)
    story = [text[p.start : p.end] for p in cleaned.story()]
    assert len(story) == 7
    assert story[0].startswith("BRUSSELS\N{NO-BREAK SPACE}—")
    assert story[-1].endswith('possible."')
    assert cleaned.headline == "NATO Must Be Strong to Deal With Russia, Says Chief"
    context = {
        p.role: text[p.start : p.end] for p in cleaned.paragraphs if p.kind is SpanKind.CONTEXT
    }
    assert context == {
        "headline": cleaned.headline,
        "caption": "NATO's Secretary General Jens Stoltenberg",
    }
    reasons = {text[p.start : p.end]: p.reason for p in cleaned.paragraphs}
    assert reasons["Support The Moscow Times!"] == "asks for donations"
    assert reasons["Sign up for our free weekly newsletter"] == "newsletter sign-up"
    assert reasons["Read more"] == "points to other articles"
