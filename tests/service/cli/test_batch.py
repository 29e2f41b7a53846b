"""``svodka batch``: what its options make of a job, and what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from echo_batch import Echo
from service.batch import computing
from service.cli import app
from service.settings import EngineSettings


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> Echo:
    echo = Echo()
    monkeypatch.setattr(computing, "InProcess", lambda _: echo)
    return echo


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    path = tmp_path / "dump.jsonl"
    records = [{"key": n, "title": "T", "article": f"Story {n}."} for n in range(30)]
    path.write_text("".join(json.dumps(r) + "\n" for r in records) + "{broken\n")
    return path


def test_options_reach_the_requests_and_people_are_told(
    echo: Echo, dump: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, page = tmp_path / "out.jsonl", tmp_path / "report.html"
    options = ["--id-field", "key", "--max-sentences", "2", "--keep", "NATO", "--translate-body"]
    assert app.run(["batch", str(dump), "-o", str(out), *options, "--report", str(page)]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert "text from 'article', headline from 'title', id from 'key'" in said.err
    assert "articles         30" in said.err
    assert "failed            1" in said.err
    request = echo.requests[0]
    assert request.summary.max_sentences == 2
    assert request.translation.keep == ("NATO",)
    assert request.translate_body
    assert {r.article.id for r in echo.requests} == {str(n) for n in range(30)}
    assert page.read_text("utf-8").count("<article") == 31


def test_a_dry_run_counts_and_estimates_and_writes_nothing(
    echo: Echo, dump: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = set(tmp_path.iterdir())
    assert app.run(["batch", str(dump), "-o", str(tmp_path / "out.jsonl"), "--dry-run"]) == 0
    said = capsys.readouterr().err
    assert "text from 'article'" in said
    assert "30 articles, 1 records that are none" in said
    assert f"{dump}:31: is not JSON" in said
    assert "for all, by 8 articles in" in said
    assert len(echo.requests) == 8
    assert set(tmp_path.iterdir()) == before


def test_a_dry_run_needs_no_output_and_any_other_does(
    echo: Echo, dump: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(dump.parent)
    dump.rename("out.jsonl")
    assert app.run(["batch", ".", "--dry-run"]) == 0
    assert "30 articles" in capsys.readouterr().err
    assert [path.name for path in dump.parent.iterdir()] == ["out.jsonl"]
    assert app.run(["batch", "."]) == 2
    assert "--output" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "seconds"), [([], 30.0), (["--batch-seconds", "2"], 2.0), (["--config"], 3.0)]
)
def test_batches_may_take_longer_than_callers_of_a_server_would_wait(
    monkeypatch: pytest.MonkeyPatch, dump: Path, tmp_path: Path, flags: list[str], seconds: float
) -> None:
    taken: list[EngineSettings] = []
    monkeypatch.setattr(computing, "InProcess", lambda s: taken.append(s) or Echo())
    if flags == ["--config"]:
        flags = ["--config", str(tmp_path / "svodka.toml")]
        Path(flags[1]).write_text("batch_seconds = 3.0\n")
    assert app.run(["batch", str(dump), "-o", str(tmp_path / "out.jsonl"), *flags]) == 3
    assert taken[0].batch_seconds == seconds


@pytest.mark.parametrize(
    "options",
    [
        ["--report", "r.html", "-"],
        ["--index-boilerplate", "-"],
        ["--runner", "ray", "x.jsonl"],
        ["--engine", "ray", "--ordered", "x.jsonl"],
        ["--engine", "ray", "--compute-once", "x.jsonl"],
    ],
)
def test_what_does_not_go_together_is_usage(options: list[str], tmp_path: Path) -> None:
    assert app.run(["batch", "-o", str(tmp_path / "out.jsonl"), *options]) == 2
