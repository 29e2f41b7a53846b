"""Fetching from a real hub server, and from folders copied by hand; and what is left when it fails.

Everything goes through the command line in a process of its own, as a user's does: the hub library
reads its settings when it is imported.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import hub_server
import models
from models import ModelError, lock, presets

ID = "some/marian"
BLOCK = 10 << 20  # the hub library writes what it receives in blocks of 10 MB


@pytest.fixture
def hub():
    with hub_server.serving() as hub:
        yield hub


@pytest.fixture
def home(tmp_path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def published(folder, tmp_path) -> Path:
    """A model as it is published: with other frameworks' weights beside ours."""
    place = shutil.copytree(folder("marian"), tmp_path / "published")
    (place / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A model\n")
    (place / "tf_model.h5").write_bytes(b"other" * 100)
    for name in ("pytorch_model.bin", "tf_model.h5", "flax_model.msgpack"):
        shards = {"weight_map": {"a": f"{name}-00001-of-00002"}}
        (place / f"{name}.index.json").write_text(json.dumps(shards))
    (place / "onnx").mkdir()
    (place / "onnx" / "config.json").write_text("{}")
    return place


@pytest.fixture
def big(published) -> Path:
    """The same with weights of 30 MB, which take a while."""
    weights = {"w": np.arange(7_500_000, dtype=np.float32)}
    save_file(weights, published / "model.safetensors")
    return published


@pytest.fixture
def svodka(hub, home, tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line with a hub of ours as mirror and nothing of this machine's settings."""

    def run(*arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(arguments), env=environment(hub, home, **more), capture_output=True, text=True
        )

    return run


def command(arguments) -> list[str]:
    return [sys.executable, "-m", "service.cli", *map(str, arguments)]


def environment(hub, home, **more: str) -> dict[str, str]:
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "SVODKA_"))}
    mine = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "SVODKA_CACHE": str(home / "svodka")}
    return keep | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | mine | more


def fetched(done: subprocess.CompletedProcess[str]) -> Path:
    """Return the folder that a good fetch names last."""
    assert done.returncode == 0, done.stderr
    return Path(done.stderr.strip().splitlines()[-1].removeprefix("svodka: "))


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one sentence that a failed command ends with."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


@pytest.fixture
def usable(home, folder, tmp_path, monkeypatch) -> Callable[..., str]:
    """Choose a fetched model for translation; return "" or why it is refused."""

    def choose(model: str = ID, home: Path = home) -> str:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(home / "hub"))
        try:
            models.select(
                "news", summarizer=str(folder("bart")), translator=model, cache=tmp_path / "cache"
            )
        except ModelError as error:
            return str(error)
        return ""

    return choose


# --- downloading ---


def test_a_fetched_model_is_found_by_its_name_with_the_hub_away(
    hub, home, published, svodka, usable
):
    """What the hub library itself would say is incomplete: other frameworks' weights are missing."""
    hub.repositories[ID] = hub_server.Repository(published)
    place = fetched(svodka("models", "fetch", ID))
    assert place.name == "a" * 40
    assert not (place / "tf_model.h5").exists()
    assert not (place / "onnx").exists()
    assert lock.check(place, thorough=True).revision == "a" * 40
    hub.repositories.clear()
    assert usable() == ""


def test_shards_come_with_their_index(hub, published, svodka, usable):
    weights = published / "model.safetensors"
    weights.rename(published / "model-00001-of-00001.safetensors")
    shards = {"weight_map": {"a": "model-00001-of-00001.safetensors"}}
    (published / "model.safetensors.index.json").write_text(json.dumps(shards))
    hub.repositories[ID] = hub_server.Repository(published)
    place = fetched(svodka("models", "fetch", ID))
    assert [path.name for path in place.glob("*.index.json")] == ["model.safetensors.index.json"]
    assert usable() == ""


def test_fetching_again_downloads_nothing(hub, published, svodka):
    hub.repositories[ID] = hub_server.Repository(published)
    fetched(svodka("models", "fetch", ID))
    hub.asked.clear()
    fetched(svodka("models", "fetch", ID))
    assert [ask.path for ask in hub.asked] == [f"/api/models/{ID}"]


def test_a_newer_commit_is_fetched_beside_the_old_and_used_from_then_on(hub, published, svodka):
    hub.repositories[ID] = hub_server.Repository(published)
    old = fetched(svodka("models", "fetch", ID))
    (published / "README.md").write_text("---\nlicense: mit\n---\n# Newer\n")
    hub.repositories[ID].sha = "b" * 40
    new = fetched(svodka("models", "fetch", ID))
    assert (old.name, new.name) == ("a" * 40, "b" * 40)
    assert lock.check(old, thorough=True)
    assert (old.parents[1] / "refs" / "main").read_text() == new.name
    assert not hub.sent("content/" + "b" * 40 + "/model.safetensors")  # the same, so not again


def test_a_cut_connection_goes_on_where_it_broke(hub, big, svodka):
    hub.repositories[ID] = hub_server.Repository(big)
    hub.cut["model.safetensors"] = [BLOCK + 1000]
    place = fetched(svodka("models", "fetch", ID))
    assert lock.check(place, thorough=True)
    assert [ask.range for ask in hub.sent("model.safetensors") if "content" in ask.path] == [
        None,
        f"bytes={BLOCK}-",
    ]


def test_a_killed_fetch_is_no_model_and_the_next_goes_on_where_it_stopped(
    hub, home, big, svodka, usable
):
    hub.repositories[ID] = hub_server.Repository(big)
    hub.hold["model.safetensors"] = 2 * BLOCK + 1000
    process = subprocess.Popen(
        command(["models", "fetch", ID]),
        env=environment(hub, home),
        stderr=subprocess.DEVNULL,
    )
    parts = home / "hub" / "models--some--marian" / "blobs"
    try:
        assert hub.holding.wait(60)
        while sum(path.stat().st_size for path in parts.glob("*.incomplete")) < 2 * BLOCK:
            assert process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert "did not come to its end; run: svodka models fetch" in usable(ID + "@" + "a" * 40)  # fmt: skip
    assert "is not on this disk" in usable()
    hub.release.set()
    place = fetched(svodka("models", "fetch", ID))
    assert hub.sent("model.safetensors")[-1].range == f"bytes={2 * BLOCK}-"
    assert lock.check(place, thorough=True)
    assert usable() == ""
    assert not list(parts.glob("*.incomplete"))


def test_a_kill_between_two_files_leaves_no_model(hub, home, published, svodka, usable):
    """Weights and config are there, the tokenizer is not: only the mark tells."""
    hub.repositories[ID] = hub_server.Repository(published)
    hub.hold["vocab.json"] = 10
    process = subprocess.Popen(
        command(["models", "fetch", ID]), env=environment(hub, home), stderr=subprocess.DEVNULL
    )
    snapshot = home / "hub" / "models--some--marian" / "snapshots" / ("a" * 40)
    try:
        assert hub.holding.wait(60)
        while not (snapshot / "config.json").exists() or not (snapshot / "model.safetensors").exists():  # fmt: skip
            assert process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert "did not come to its end" in usable(ID + "@" + "a" * 40)
    hub.release.set()
    fetched(svodka("models", "fetch", ID))
    assert usable() == ""


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_what_is_not_as_published_is_never_used(name, hub, home, published, svodka, usable):
    """A bit that turned on the way: the size is right, so only the published hash tells."""
    hub.repositories[ID] = hub_server.Repository(published)
    content = bytearray((published / name).read_bytes())
    content[len(content) // 2] ^= 1
    hub.other[name] = bytes(content)
    assert f"{name} did not arrive as it was published" in refusal(svodka("models", "fetch", ID))
    assert usable()
    hub.other.clear()
    assert lock.check(fetched(svodka("models", "fetch", ID)), thorough=True)


def test_a_file_cut_short_later_is_refused_and_fetching_again_mends_it(
    hub, published, svodka, usable
):
    hub.repositories[ID] = hub_server.Repository(published)
    place = fetched(svodka("models", "fetch", ID))
    os.truncate((place / "vocab.json").resolve(), 20)
    assert "vocab.json is not the file that was locked" in usable()
    weights = (place / "model.safetensors").resolve()
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert lock.check(fetched(svodka("models", "fetch", ID)), thorough=True)
    assert usable() == ""


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_hub_is_asked_again(status, hub, published, svodka):
    hub.repositories[ID] = hub_server.Repository(published)
    hub.busy = [status]
    done = svodka("models", "fetch", ID)
    assert fetched(done)
    assert "trying again" in done.stderr


def test_a_gated_model_wants_the_token_of_who_agreed(hub, published, svodka):
    hub.repositories[ID] = hub_server.Repository(published, gated=True)
    for more in ({}, {"HF_TOKEN": "hf_stranger"}):
        said = refusal(svodka("models", "fetch", ID, **more))
        assert f"{ID} is gated: agree to its terms at {hub.url}/{ID}, and set HF_TOKEN" in said
    fetched(svodka("models", "fetch", ID, HF_TOKEN=hub_server.TOKEN))
    assert hub.sent("config.json")[-1].token == hub_server.TOKEN
    assert [ask.token for ask in hub.sent(f"content/{'a' * 40}/model.safetensors")] == [None]


def test_a_named_revision_is_fetched_and_used_under_its_name(hub, home, published, svodka, usable):
    hub.repositories[ID] = hub_server.Repository(published)
    fetched(svodka("models", "fetch", f"{ID}@v1"))
    assert usable(f"{ID}@v1") == ""
    assert "is not on this disk; run: svodka models fetch some/marian@v2" in usable(
        f"{ID}@v2",
    )


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (f"{ID}@{'c' * 40}", f"{ID} has no revision '{'c' * 40}'"),
        ("some/nothing", "or it is private; check the name, and HF_TOKEN"),
        ("nothing", "no hub id"),
    ],
)
def test_what_does_not_exist_is_one_clear_sentence(model, said, hub, published, svodka):
    hub.repositories[ID] = hub_server.Repository(published)
    assert said in refusal(svodka("models", "fetch", model))


def test_no_network_says_so(hub, svodka):
    said = refusal(svodka("models", "fetch", ID, HF_ENDPOINT="http://127.0.0.1:9"))
    assert "could not be fetched" in said
    assert "HF_ENDPOINT" in said
    assert "HF_HUB_OFFLINE is set" in refusal(svodka("models", "fetch", ID, HF_HUB_OFFLINE="1"))


@pytest.mark.parametrize("licence", ["cc-by-nc-4.0", ["mit", "cc-by-nc-sa-4.0"]])
def test_a_non_commercial_model_is_fetched_with_consent_only(
    licence, hub, published, svodka, usable
):
    hub.repositories[ID] = hub_server.Repository(published, licence=licence)
    assert "--accept-license" in refusal(svodka("models", "fetch", ID))
    assert not hub.sent("config.json")
    fetched(svodka("models", "fetch", ID, "--accept-license"))
    assert usable() == ""  # the consent is remembered


def test_a_preset_brings_both_halves_at_their_pinned_commits(hub, home, folder, svodka):
    rows = presets.rows("fast")
    for row, model in zip(rows, ("bart", "marian"), strict=True):
        hub.repositories[row.name] = hub_server.Repository(folder(model), sha=row.source.revision)
    done = svodka("models", "fetch", "fast")
    assert fetched(done).name == rows[1].source.revision
    for row in rows:
        place = home / "hub" / f"models--{row.name.replace('/', '--')}" / "snapshots"
        assert lock.check(place / row.source.revision, thorough=True).name == row.name


def test_a_lock_of_another_revision_is_refused(hub, published, svodka, usable):
    hub.repositories[ID] = hub_server.Repository(published)
    lock.write(fetched(svodka("models", "fetch", ID)), ID, "b" * 40)
    assert "locked as another revision" in usable()


def test_a_bin_is_taken_only_where_there_is_nothing_safer(hub, published, svodka):
    (published / "pytorch_model.bin").write_bytes(b"both")
    hub.repositories[ID] = hub_server.Repository(published)
    place = fetched(svodka("models", "fetch", ID))
    assert not (place / "pytorch_model.bin").exists()
    (published / "model.safetensors").unlink()
    (published / "pytorch_model.bin.index.json").unlink()
    hub.repositories["some/bin"] = hub_server.Repository(published)
    assert (fetched(svodka("models", "fetch", "some/bin")) / "pytorch_model.bin").exists()
    (published / "pytorch_model.bin").unlink()
    hub.repositories["some/none"] = hub_server.Repository(published)
    assert "no weights that svodka reads" in refusal(svodka("models", "fetch", "some/none"))


# --- a full disk ---


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 16 MB, for real."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting is not permitted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_said_and_leaves_no_model(hub, small_disk, big, svodka, usable):
    hub.repositories[ID] = hub_server.Repository(big)
    said = refusal(svodka("models", "fetch", ID, HF_HOME=str(small_disk)))
    assert f"No space is left for {ID} in {small_disk}" in said
    assert "30 MB are needed" in said
    assert not hub.sent("model.safetensors")  # known before the first byte
    assert usable(home=small_disk)


def test_a_disk_that_fills_while_fetching_is_said_too(hub, small_disk, big, svodka, usable):
    """The large file fits; the others do not."""
    save_file({"w": np.zeros(3_500_000, dtype=np.float32)}, big / "model.safetensors")
    (big / "tokenizer.json").write_text(json.dumps({"filler": "x" * (4 << 20)}))
    hub.repositories[ID] = hub_server.Repository(big)
    said = refusal(svodka("models", "fetch", ID, HF_HOME=str(small_disk)))
    assert "No space is left" in said
    assert usable(home=small_disk)


def test_a_full_disk_stops_an_import(hub, small_disk, big, svodka, usable):
    said = refusal(svodka("models", "fetch", ID, "--from", big, HF_HOME=str(small_disk)))
    assert "No space is left" in said
    assert not list((small_disk / "hub" / "models--some--marian").glob("*"))


# --- folders copied by hand ---


@pytest.fixture
def copied(hub, published, svodka, tmp_path) -> Path:
    """What a fetch brought on another machine, as `cp -RL` carries it."""
    hub.repositories[ID] = hub_server.Repository(published)
    place = fetched(svodka("models", "fetch", ID, HF_HOME=str(tmp_path / "elsewhere")))
    hub.repositories.clear()
    hub.asked.clear()
    return shutil.copytree(place, tmp_path / "stick" / "anything")


def test_a_copied_folder_is_checked_and_becomes_the_model(hub, home, copied, svodka, usable):
    place = fetched(svodka("models", "fetch", ID, "--from", copied.parent))
    assert place.name == "a" * 40
    assert not place.is_relative_to(copied)
    shutil.rmtree(copied)
    assert lock.check(place, thorough=True)
    assert usable() == ""
    assert hub.asked == []


def test_a_copy_that_was_killed_half_way_is_no_model_and_is_begun_again(
    home, copied, svodka, usable
):
    staging = home / "hub" / "models--some--marian" / "svodka.staging"
    shutil.copytree(copied, staging, ignore=shutil.ignore_patterns("vocab.json"))
    assert "is not on this disk" in usable()
    place = fetched(svodka("models", "fetch", ID, "--from", copied))
    assert lock.check(place, thorough=True)
    assert usable() == ""
    assert not staging.exists()


def test_a_copy_that_changed_on_the_way_is_refused(hub, home, copied, svodka, usable):
    weights = bytearray((copied / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copied / "model.safetensors").write_bytes(weights)
    assert "model.safetensors is not the file that was locked; copy it again" in refusal(
        svodka("models", "fetch", ID, "--from", copied)
    )
    (copied / "model.safetensors").unlink()
    assert "model.safetensors is missing" in refusal(
        svodka("models", "fetch", ID, "--from", copied)
    )
    assert usable()


def test_a_folder_of_another_model_is_refused(copied, svodka):
    said = refusal(svodka("models", "fetch", "some/other", "--from", copied))
    assert "holds no some/other" in said
    said = refusal(svodka("models", "fetch", f"{ID}@{'b' * 40}", "--from", copied))
    assert "not at bbbb" in said


@pytest.mark.parametrize("change", ["a file", "the revision"])
def test_a_lock_that_points_out_of_its_folder_is_refused(change, home, copied, svodka, tmp_path):
    (tmp_path / "secret").write_text("x")
    content = json.loads((copied / lock.LOCK).read_text())
    outside = os.path.relpath(tmp_path / "secret", copied)
    if change == "a file":
        content["files"][outside] = {"size": 1, "sha256": lock.sha256(tmp_path / "secret")}
    else:
        content["revision"] = "../../../../elsewhere"
    (copied / lock.LOCK).write_text(json.dumps(content))
    refusal(svodka("models", "fetch", ID, "--from", copied))
    assert not (home / "elsewhere").exists()


def test_a_folder_without_a_lock_is_taken_and_that_is_said(hub, home, published, svodka, usable):
    done = svodka("models", "fetch", ID, "--from", published)
    assert "nothing tells whether it is the original" in done.stderr
    place = fetched(done)
    assert place.name.startswith("folder-")
    assert not (place / "tf_model.h5").exists()
    assert usable() == ""


def test_a_preset_finds_its_halves_in_one_folder(hub, home, folder, svodka, tmp_path):
    """Without locks, by their names."""
    stick = tmp_path / "stick"
    shutil.copytree(folder("bart"), stick / "distilbart-cnn-6-6")
    shutil.copytree(folder("marian"), stick / "opus-mt-en-ru")
    fetched(svodka("models", "fetch", "fast", "--from", stick))
    done = svodka("models", "list", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(row["path"] for row in rows if row["preset"] == "fast")
    shutil.rmtree(stick / "opus-mt-en-ru")
    assert "holds no Helsinki-NLP/opus-mt-en-ru" in refusal(
        svodka("models", "fetch", "fast", "--from", stick, HF_HOME=str(tmp_path / "other"))
    )


def test_two_fetches_at_once_both_end_well(hub, home, big):
    """The second waits for the first, and has nothing left to do."""
    hub.repositories[ID] = hub_server.Repository(big)
    both = [
        subprocess.Popen(
            command(["models", "fetch", ID]),
            env=environment(hub, home),
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    ends = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    assert len([ask for ask in hub.sent("model.safetensors") if "content" in ask.path]) == 1
