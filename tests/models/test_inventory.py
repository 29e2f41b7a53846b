"""What there is and how it comes here; no network is touched."""

from __future__ import annotations

from pathlib import Path

from models import inventory, lock
from models.starter import build


def test_fetching_the_starter_builds_it(monkeypatch, tmp_path):
    def made(source, result):
        result.mkdir()
        (result / "config.json").write_text("{}")
        lock.write(result, build.NAME, build.revision())

    monkeypatch.setattr(build, "_run", made)
    said = []
    _, place = inventory.fetch("starter", cache=tmp_path, announce=said.append)
    assert place == build.built(tmp_path)
    assert any("once" in line for line in said)


def test_the_list_has_every_half_and_only_paths_that_exist(tmp_path):
    rows = inventory.describe(tmp_path)
    assert {row.preset for row in rows} == {"starter", "fast", "news", "quality"}
    assert all(row.role in ("summarizer", "translator") and row.licence for row in rows)
    starter = [row for row in rows if row.preset == "starter"]
    assert Path(starter[0].path).is_dir()
    assert starter[1].path == ""
    assert starter[1].revision == build.revision()
