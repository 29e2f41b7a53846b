"""What there is, how it comes here, and whether it is sound; no network is touched."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

import models
from models import ModelError, inventory, lock, presets
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
        inventory.verify("some/model", cache=tmp_path)


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


@pytest.mark.parametrize(
    ("model", "role"), [("marian", "translator"), ("bart", "summarizer"), ("bert", "summarizer")]
)
def test_a_sound_folder_passes_and_says_what_it_is(model, role, folder, tmp_path):
    (report,) = inventory.verify(str(folder(model)), cache=tmp_path, threads=1)
    assert (report.role, report.family) == (role, model)
    assert report.memory == 4 * report.parameters > 0
    assert report.tokens_per_second > 0
    assert any("without svodka.lock.json" in line for line in report.warnings)


def test_verify_warns_of_what_the_owner_should_know(folder, tmp_path):
    import torch
    from transformers import AutoModelForSeq2SeqLM

    place = shutil.copytree(folder("t5"), tmp_path / "place")
    network = AutoModelForSeq2SeqLM.from_pretrained(place)
    (place / "model.safetensors").unlink()
    torch.save(network.state_dict(), place / "pytorch_model.bin")
    (place / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    (report,) = inventory.verify(str(place), cache=tmp_path, threads=1)
    assert any(".bin" in line for line in report.warnings)
    assert any("forbids commercial use" in line for line in report.warnings)


def test_verify_compares_hashes(folder, tmp_path):
    place = shutil.copytree(folder("marian"), tmp_path / "place")
    lock.write(place, "mine", "r1")
    assert inventory.verify(str(place), cache=tmp_path)[0].revision == "r1"
    weights = bytearray((place / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (place / "model.safetensors").write_bytes(weights)
    with pytest.raises(ModelError, match="not the file that was locked"):
        inventory.verify(str(place), cache=tmp_path)


def test_verify_says_why_a_folder_is_no_model_for_us(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "resnet"}')
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match="does not know"):
        inventory.verify(str(tmp_path), cache=tmp_path)
