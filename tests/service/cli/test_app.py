"""The commands: what they print where, and the codes they exit with."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from service.cli import app, backend
from service.errors import NotEnglish, SvodkaError, Violation
from service.schema import (
    Coverage,
    Digest,
    DigestRequest,
    Finding,
    FindingKind,
    GlossaryEntry,
    Range,
    Severity,
    Span,
    SpanKind,
    Summary,
    Translation,
)

FINDING = Finding(FindingKind.NUMBERS, Severity.WARNING, "summary_ru", "5 became 6", 0)


class Fake:
    """Answers without models; a text that says so fails."""

    def __init__(self) -> None:
        self.requests: list[Any] = []

    async def __call__(self, request: Any) -> Any:
        self.requests.append(request)
        body = request.article.text if hasattr(request, "article") else request.text
        if "refuse" in (body or ""):
            raise NotEnglish(Violation("article.text", "is not English"))
        if "break" in (body or ""):
            raise KeyError("defect")
        if isinstance(request, DigestRequest):
            coverage = Coverage(spans=(Span(0, 5, SpanKind.USED, "story"),))
            return Digest(
                headline_en="Head", headline_ru="Заголовок", summary_en="It rained.",
                summary_ru="Шёл дождь.", findings=(FINDING,), coverage=coverage,
            )  # fmt: skip
        if hasattr(request, "article"):
            return Summary(summary_en="It rained.")
        return Translation(text_ru="Шёл дождь.\n")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake()

    @asynccontextmanager
    async def opened(*_: object) -> AsyncIterator[Fake]:
        yield fake

    monkeypatch.setattr(backend, "_backend", opened)
    return fake


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "article.txt"
    path.write_text("It rained all day.")
    return path


def test_a_digest_for_people(fake: Fake, article: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["digest", str(article)]) == 0
    shown = capsys.readouterr()
    assert shown.out == "Head\n\nIt rained.\n\nЗаголовок\n\nШёл дождь.\n"
    assert "warning: summary_ru, sentence 1: 5 became 6" in shown.err
    assert "used 100 %" in shown.err


def test_a_digest_for_programs(
    fake: Fake, article: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.run(["digest", "--json", str(article), str(article)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["input"] for line in lines] == [str(article)] * 2
    assert lines[0]["summary_ru"] == "Шёл дождь."
    assert lines[0]["findings"][0]["kind"] == "NUMBERS"
    assert lines[0]["body_ru"] == ""
    assert lines[0]["coverage"]["spans"][0]["kind"] == "USED"


def test_every_option_reaches_the_request(fake: Fake, article: Path, tmp_path: Path) -> None:
    terms = tmp_path / "terms.tsv"
    terms.write_text("rain\tдождь\n\n")
    arguments = [
        "--headline", "Rain", "--url", "https://x.org", "--exclude", "0:3", "--keep", "all",
        "--glossary", str(terms), "--max-sentences", "2", "--max-words", "40",
        "--translate-body", "--skip-cleaning", "--no-cache", "--timeout", "9",
    ]  # fmt: skip
    assert app.run(["digest", str(article), *arguments]) == 0
    (request,) = fake.requests
    assert request.article.headline == "Rain"
    assert request.article.url == "https://x.org"
    assert request.article.id == str(article)
    assert request.excluded == (Range(0, 3),)
    assert request.translation.keep == ("all",)
    assert request.translation.glossary == (GlossaryEntry("rain", "дождь"),)
    assert (request.summary.max_sentences, request.summary.max_words) == (2, 40)
    assert request.translate_body
    assert request.skip_cleaning
    assert request.no_cache
    assert request.timeout == 9


def test_html_is_told_by_name_by_content_or_by_flag(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path / "page.HTML"
    named.write_text("<p>It rained.")
    assert app.run(["summarize", str(named)]) == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"<!DOCTYPE html><p>It rained.")))
    assert app.run(["summarize"]) == 0
    assert app.run(["translate", "--format", "text", str(named)]) == 0
    first, second, third = fake.requests
    assert first.article.html == "<p>It rained."
    assert second.article.html.startswith("<!DOCTYPE")
    assert second.article.id == "-"
    assert third.text == "<p>It rained."


def test_failures_are_counted_and_named(
    fake: Fake, article: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_text("refuse")
    defect = tmp_path / "defect.txt"
    defect.write_text("break")
    assert app.run(["digest", str(bad)]) == 1
    assert app.run(["digest", str(article), str(bad), str(defect), "/no/such"]) == 3
    shown = capsys.readouterr()
    assert f"svodka: {bad}: article.text: is not English" in shown.err
    assert f"svodka: {defect}: internal error (KeyError)" in shown.err
    assert "svodka: /no/such: cannot be read: No such file or directory" in shown.err
    assert shown.out.count("Шёл дождь.") == 1


def test_nothing_is_loaded_for_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def opened(*_: Any) -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr(backend, "_backend", opened)
    assert app.run(["digest", str(tmp_path / "missing")]) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["digest", "--exclude", "a:b"],
        ["digest", "--timeout", "0"],
        ["digest", "--glossary", "/no/such"],
        ["bogus"],
        ["digest", "--bogus"],
    ],
)
def test_wrong_usage_is_two(arguments: list[str]) -> None:
    assert app.run(arguments) == 2


def test_interruption_is_130(fake: Fake, article: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "read_document", interrupt)
    assert app.run(["digest", str(article)]) == 130


def test_an_error_of_ours_is_one_line(
    article: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @asynccontextmanager
    async def opened(*_: Any) -> AsyncIterator[None]:
        raise SvodkaError("no models here; run svodka models fetch news")
        yield

    monkeypatch.setattr(backend, "_backend", opened)
    assert app.run(["digest", str(article)]) == 1
    assert capsys.readouterr().err == "svodka: no models here; run svodka models fetch news\n"


def test_clean_shows_the_story_and_accounts_for_the_rest(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sample = Path(__file__).parents[3] / "samples" / "nato-2014.txt"
    assert app.run(["clean", str(sample)]) == 0
    assert capsys.readouterr().out.startswith("BRUSSELS\u00a0— Only a\u00a0strong")
    assert app.run(["clean", "--json", str(sample)]) == 0
    record = json.loads(capsys.readouterr().out)
    text = sample.read_text("utf-8")
    assert "".join(text[s["start"] : s["end"]] for s in record["spans"]) == text
    assert "flat" not in record
    page = tmp_path / "page.html"
    page.write_text("<p>It rained all day in the north of the country, the service said.</p>")
    assert app.run(["clean", "--json", "--skip-cleaning", str(page)]) == 0
    assert json.loads(capsys.readouterr().out)["flat"].startswith("It rained")


def test_help_loads_no_model_library() -> None:
    code = (
        "import sys; from service.cli.app import run; run(['--help']); run(['digest', '--help'])\n"
        "heavy = {'torch', 'transformers', 'grpc', 'trafilatura', 'numpy'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
