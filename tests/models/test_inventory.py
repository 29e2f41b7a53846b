"""What there is and how it comes here; no network is touched."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

import models
from models import ModelError, inventory, lock, presets, verification
from models.starter import build


class FakeHub:
    """A hub with one repository, and a record of what was asked of it."""

    def __init__(self, folder: Path, root: Path, licence: str | None = "apache-2.0") -> None:
        self.folder, self.root, self.licence = folder, root, licence
        self.sha = "a" * 40
        self.asked: dict = {}
        self.failure: Exception | None = None

    def model_info(self, id_, revision=None):
        if self.failure:
            raise self.failure
        names = [path.name for path in self.folder.iterdir()]
        names += ["tf_model.h5", "onnx/model.onnx", "onnx/config.json"]
        return SimpleNamespace(
            sha=revision or self.sha,
            card_data={"license": self.licence} if self.licence else None,
            siblings=[SimpleNamespace(rfilename=name) for name in names],
        )

    def snapshot_download(self, id_, *, revision=None, local_files_only=False, **more):
        place = (
            self.root / f"models--{id_.replace('/', '--')}" / "snapshots" / (revision or self.sha)
        )
        if not local_files_only:
            self.asked = {"id": id_, "revision": revision, **more}
            shutil.copytree(self.folder, place, dirs_exist_ok=True)
        elif not place.is_dir():
            raise FileNotFoundError(place)
        return str(place)


@pytest.fixture
def hub(folder, tmp_path, monkeypatch):
    fake = FakeHub(folder("nllb"), tmp_path / "hub")
    monkeypatch.setattr("huggingface_hub.HfApi", lambda: fake)
    monkeypatch.setattr("huggingface_hub.snapshot_download", fake.snapshot_download)
    return fake


def test_fetching_pins_the_newest_and_locks_it(hub, tmp_path):
    said = []
    (place,) = inventory.fetch("some/model", cache=tmp_path / "cache", announce=said.append)
    assert hub.asked["revision"] == hub.sha
    assert "model*.safetensors" in hub.asked["allow_patterns"]
    assert not any("bin" in pattern for pattern in hub.asked["allow_patterns"])
    locked = lock.check(place, thorough=True)
    assert (locked.name, locked.revision) == ("some/model", hub.sha)
    assert said == ["fetching some/model", str(place)]


def test_a_preset_brings_both_halves_at_their_pinned_commits(hub, tmp_path):
    places = inventory.fetch("fast", cache=tmp_path)
    assert [place.name for place in places] == [row.source.revision for row in presets.rows("fast")]


def test_a_bin_is_taken_only_where_there_is_nothing_safer(hub, tmp_path, folder):
    only = shutil.copytree(folder("marian"), tmp_path / "only")
    (only / "model.safetensors").rename(only / "pytorch_model.bin")
    hub.folder = only
    inventory.fetch("some/model", cache=tmp_path)
    assert "pytorch_model*.bin" in hub.asked["allow_patterns"]
    (only / "pytorch_model.bin").rename(only / "flax_model.msgpack")
    with pytest.raises(ModelError, match="no weights that svodka reads"):
        inventory.fetch("some/model", cache=tmp_path)


def test_a_non_commercial_model_is_fetched_with_consent_and_used_without_asking_again(
    hub, tmp_path, folder
):
    hub.licence = "cc-by-nc-4.0"
    with pytest.raises(ModelError, match="--accept-license"):
        inventory.fetch("facebook/nllb", cache=tmp_path)
    assert not hub.asked
    inventory.fetch("facebook/nllb", cache=tmp_path, accept_license=True)
    chosen = models.select(
        "news", summarizer=str(folder("bart")), translator="facebook/nllb", cache=tmp_path
    )
    assert chosen.translator.revision == hub.sha


@pytest.mark.parametrize(
    "failure", [OSError("no route to host"), RuntimeError("401: gated"), ConnectionError()]
)
def test_a_failed_download_says_what_to_check(failure, hub, tmp_path):
    hub.failure = failure
    with pytest.raises(ModelError, match=r"could not be fetched .* HF_TOKEN"):
        inventory.fetch("some/model", cache=tmp_path)


def test_a_lock_of_another_revision_is_refused(hub, tmp_path):
    (place,) = inventory.fetch("some/model", cache=tmp_path)
    lock.write(place, "some/model", "b" * 40)
    with pytest.raises(ModelError, match="locked as another revision"):
        verification.verify("some/model", cache=tmp_path)


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
