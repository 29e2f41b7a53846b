"""What there is and how it comes here; no network is touched."""

from __future__ import annotations

from pathlib import Path

from models import inventory, licences, lock, making, presets
from models.starter import build


def test_fetching_the_starter_builds_it(monkeypatch, tmp_path):
    def made(command, doing, needs):
        result = Path(command[-1])
        result.mkdir()
        (result / "config.json").write_text("{}")
        lock.write(result, build.NAME, build.revision())

    monkeypatch.setattr(making, "_run", made)
    said = []
    _, place = inventory.fetch("starter", cache=tmp_path, announce=said.append)
    assert place == build.built(tmp_path)
    assert any("once" in line for line in said)


def test_the_list_has_every_half_and_only_paths_that_exist(tmp_path):
    rows = inventory.describe(tmp_path)
    assert [(row.preset, row.role) for row in rows] == [
        (preset, role) for preset in presets.NAMES for role in ("summarizer", "translator")
    ]
    assert {"starter", "fast", "news", "quality", "gemma", "open"} <= {*presets.NAMES}
    assert all(row.role in ("summarizer", "translator") and row.licence for row in rows)
    starter = [row for row in rows if row.preset == "starter"]
    assert Path(starter[0].path).is_dir()
    assert starter[1].path == ""
    assert starter[1].revision == build.revision()


def test_a_user_can_choose_by_the_list(tmp_path):
    """What is known is plausible; what is not is said to be unknown, not zero."""
    for row in inventory.describe(tmp_path):
        assert row.languages
        assert row.parameters
        assert row.memory == {
            "float32": 4 * row.parameters,
            "bfloat16": 2 * row.parameters,
            "int8": row.parameters,
        }
        # Weights are published in two or four bytes a number.
        assert row.size is None or row.parameters < row.size < 5 * row.parameters
        assert row.gated == ("Gemma" in row.licence and row.source.startswith("hub"))


def test_no_preset_forbids_commerce_and_pins_are_commits():
    for row in presets.PRESETS:
        assert not licences.forbids_commerce(row.licence)
        if isinstance(row.source, presets.Hub) and row.source.revision:
            assert len(bytes.fromhex(row.source.revision)) == 20
