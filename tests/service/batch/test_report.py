"""The report in a real browser, without a window: what it shows, finds, and filters."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from service.batch.job import Job, Paths
from service.batch.report import Mark, _marked, report
from service.schema import (
    Coverage,
    Digest,
    DigestSentence,
    Finding,
    FindingKind,
    Severity,
    Span,
    SpanKind,
)
from service.wire import to_json

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)  # fmt: skip
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no chromium here: apt install chromium")

TEXT = "It rained <b>5</b> metres.\n\nSubscribe now!"


def digest(n: int, *findings: Finding) -> Digest:
    spans = (
        Span(0, 26, SpanKind.USED, "story"),
        Span(26, 28, SpanKind.NOT_NEEDED, "white space"),
        Span(28, len(TEXT), SpanKind.BOILERPLATE, "appeal"),
    )
    return Digest(
        id=f"article {n}", headline_en=f"Rain, day-{n}-", headline_ru=f"Дождь, день {n}",
        sentences=(DigestSentence("It rained 5 metres.", "Выпало 6 метров."),),
        findings=findings, coverage=Coverage(spans=spans),
    )  # fmt: skip


@pytest.fixture
def page(tmp_path: Path, dump):
    """Write a report of so many articles, every tenth with a finding, and one failure."""

    def written(count: int) -> Path:
        path = dump(*({"text": TEXT} for _ in range(count)))
        paths = Paths.of(tmp_path / "out.jsonl")
        wrong = Finding(FindingKind.NUMBERS, Severity.ERROR, "summary_ru", "5 became 6", 0, 7, 8)
        with paths.output.open("w") as file:
            for n in range(count):
                answer = to_json(digest(n, *([wrong] if n % 10 == 3 else [])))
                file.write(json.dumps({"input": f"{path}:{n + 1}", **answer}) + "\n")
        failure = {"input": f"{path}:999999", "id": "x", "code": "INTERNAL", "reason": "NOT_ENGLISH", "message": "<is German>"}  # fmt: skip
        paths.errors.write_text(json.dumps(failure) + "\n")
        target = tmp_path / "report.html"
        report(Job((str(path),), paths), {"articles": f"{count}"}, target)
        return target

    return written


def rendered(page: Path, state: str = "") -> str:
    """The page as the browser has it after its script ran."""
    assert BROWSER
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom"]  # fmt: skip
    done = subprocess.run([*command, f"{page.as_uri()}{state}"], capture_output=True, text=True, timeout=120)  # fmt: skip
    return done.stdout


def shown(dom: str) -> list[str]:
    articles = re.findall(r"<article[^>]*>", dom)
    return [article for article in articles if "hidden" not in article]


@needs_browser
def test_a_thousand_articles_are_searched_and_filtered(page) -> None:
    path = page(1000)
    dom = rendered(path)
    assert len(shown(dom)) == 1001
    assert 'id="count">1001 of 1001</output>' in dom
    assert '<mark class="ERROR" title="5 became 6">6</mark>' in dom
    assert '<s class="BOILERPLATE" title="boilerplate: appeal">Subscribe now!</s>' in dom
    assert "It rained &lt;b&gt;5&lt;/b&gt; metres." in dom
    assert '<option value="NUMBERS">numbers (100)</option>' in dom
    assert len(shown(rendered(path, "#show=findings"))) == 100
    assert len(shown(rendered(path, "#show=FAILED"))) == 1
    assert len(shown(rendered(path, "#q=RAIN+day-977-"))) == 1
    found = rendered(path, "#q=day-13&kind=NUMBERS")
    assert len(shown(found)) == 2  # 13, and 133: every tenth from the third has one
    assert "Дождь, день 133" in found


def test_the_page_is_whole_without_a_browser(page) -> None:
    text = page(3).read_text("utf-8")
    assert text.count("<article") == 4
    assert "&lt;is German&gt;" in text
    assert not re.search(r'(src|href)="http', text)
    assert "<!-- " not in text.replace("<!-- articles -->", "")


def test_marks_that_overlap_keep_the_text() -> None:
    marks = [Mark(0, 5, "INFO", "a"), Mark(3, 8, "ERROR", "b"), Mark(0, 0, "WARNING", "whole")]
    marked = _marked("a < b & c", marks)
    assert re.sub(r"<[^>]*>", "", marked) == "a &lt; b &amp; c"
    assert '<mark class="ERROR" title="a; b; whole">' in marked
