"""Which weights are found, and what a user is told when they are not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import models
from models import ModelError, presets, sources
from models.families import SUMMARIZER, TRANSLATOR
from models.presets import Hub, Package

NEWS = {row.role: row for row in presets.rows("news")}


@pytest.fixture
def hub(tmp_path, monkeypatch, folder):
    """An empty hub cache, and a function that lays a model into it as the hub library would."""
    root = tmp_path / "hub"
    root.mkdir()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(root))

    def lay(id_: str, model: str, revision: str = "0" * 40, ref: str = "main") -> Path:
        place = root / f"models--{id_.replace('/', '--')}"
        snapshot = place / "snapshots" / revision
        shutil.copytree(folder(model), snapshot)
        (place / "refs").mkdir(exist_ok=True)
        (place / "refs" / ref).write_text(revision)
        return snapshot

    return lay


@pytest.fixture
def cache(tmp_path) -> Path:
    return tmp_path / "cache"


def select(cache: Path, **named: object) -> models.Selection:
    """Select without the starter: both halves named."""
    return models.select("news", cache=cache, **named)


def test_a_folder_is_taken_as_it_is(folder, cache):
    chosen = select(cache, summarizer=str(folder("bart")), translator=str(folder("nllb")))
    assert chosen.summarizer.path == folder("bart")
    assert (chosen.summarizer.family, chosen.translator.family) == ("bart", "m2m_100")
    assert chosen.summarizer.revision.startswith("folder-")
    assert chosen.translator.compute_type == "float32"


def test_a_folders_revision_follows_its_content(folder, tmp_path):
    copy = shutil.copytree(folder("bart"), tmp_path / "copy")
    assert sources.fingerprint(copy) == sources.fingerprint(folder("bart"))
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert sources.fingerprint(copy) != sources.fingerprint(folder("bart"))


def test_news_is_the_default_where_it_is_on_disk(hub, cache):
    hub(NEWS[SUMMARIZER].name, "bart", NEWS[SUMMARIZER].source.revision)
    hub(NEWS[TRANSLATOR].name, "marian_zle", NEWS[TRANSLATOR].source.revision)
    chosen = models.select(cache=cache)
    assert chosen.preset == "news"
    assert chosen.translator.name == "Helsinki-NLP/opus-mt-tc-big-en-zle"
    assert chosen.translator.revision == NEWS[TRANSLATOR].source.revision
    assert chosen.summarizer.decoding == NEWS[SUMMARIZER].decoding


def test_half_of_news_is_not_enough(hub, cache, monkeypatch):
    hub(NEWS[SUMMARIZER].name, "bart", NEWS[SUMMARIZER].source.revision)
    monkeypatch.setattr(
        sources, "locate", lambda *_, **__: (_ for _ in ()).throw(ModelError("the starter"))
    )
    with pytest.raises(ModelError, match="the starter"):
        models.select(cache=cache)


def test_another_revision_that_is_on_disk_serves_and_is_named(hub, cache):
    """Who has downloaded the newest need not download it again; the answer names what ran."""
    hub(NEWS[TRANSLATOR].name, "marian", "f" * 40)
    chosen = select(cache, summarizer=str(hub("a/b", "bart")), translator=NEWS[TRANSLATOR].name)
    assert chosen.translator.revision == "f" * 40


def test_a_presets_model_keeps_its_tuning_when_named(hub, cache):
    row = presets.rows("fast")[1]
    hub(row.name, "marian")
    chosen = select(cache, summarizer=str(hub("a/b", "bart")), translator=row.name)
    assert chosen.translator.decoding == row.decoding


def test_a_missing_preset_says_how_to_get_it(hub, cache):
    with pytest.raises(ModelError, match="run: svodka models fetch quality"):
        models.select("quality", cache=cache)


def test_a_missing_hub_model_says_how_to_get_it(hub, cache, folder):
    with pytest.raises(ModelError, match="run: svodka models fetch some/model"):
        select(cache, summarizer=str(folder("bart")), translator="some/model")


def test_an_unknown_preset_lists_the_known(cache):
    with pytest.raises(ModelError, match="the presets are starter, fast, news, quality, gemma"):
        models.select("nonsense", cache=cache)


@pytest.mark.parametrize(
    ("model", "remedy"),
    [
        ("no such thing", "no folder"),
        ("starter", "pass it as --preset"),
        ("/none/here", "no folder"),
    ],
)
def test_what_names_no_model_is_refused(model, remedy, cache, folder):
    with pytest.raises(ModelError, match=remedy):
        select(cache, summarizer=str(folder("bart")), translator=model)


def test_a_package_that_is_not_installed_says_what_to_install(cache):
    with pytest.raises(ModelError, match=r"pip install 'svodka\[starter\]'"):
        sources.locate(Package("svodka-has-no-such", "svodka_has_no_such", "model"), cache)


def test_the_starters_summarizer_is_found_in_its_package(cache):
    located = sources.locate(presets.rows("starter")[0].source, cache)
    assert (located.path / "model.safetensors").is_file()
    assert located.revision == "0.1.0"


BROKEN = {
    "empty": (lambda f: shutil.rmtree(f) or f.mkdir(), "missing or empty"),
    "no config": (lambda f: (f / "config.json").unlink(), r"config\.json is missing"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "a config but no weights"),
    "cut weights": (lambda f: os.truncate(f / "model.safetensors", 9000), "cut short"),
    "cut header": (lambda f: os.truncate(f / "model.safetensors", 20), "cut short"),
    "no header": (lambda f: os.truncate(f / "model.safetensors", 4), "cut short"),
    "not a header": (
        lambda f: (f / "model.safetensors").write_bytes(b"\5" + b"\0" * 99),
        "cut short",
    ),
    "cut config": (lambda f: os.truncate(f / "config.json", 30), r"config\.json is damaged"),
    "a shard missing": (
        lambda f: (f / "model.safetensors.index.json").write_text(
            '{"weight_map": {"a": "model-00002-of-00002.safetensors"}}'
        ),
        "lacks model-00002",
    ),
    "a cut index": (
        lambda f: (f / "model.safetensors.index.json").write_text('{"weight_map'),
        r"index\.json is damaged",
    ),
    "stranger": (
        lambda f: (f / "config.json").write_text('{"model_type": "resnet"}'),
        "'resnet', which svodka does not know",
    ),
    "cut lock": (lambda f: (f / "svodka.lock.json").write_text("{"), "delete it and fetch"),
}


@pytest.mark.parametrize("damage", BROKEN)
def test_a_damaged_folder_is_refused_before_anything_is_loaded(damage, folder, tmp_path, cache):
    place = shutil.copytree(folder("bart"), tmp_path / "place")
    change, said = BROKEN[damage]
    change(place)
    with pytest.raises(ModelError, match=said) as caught:
        select(cache, summarizer=str(place), translator=str(folder("marian")))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("role", "model"), [("translator", "bart"), ("translator", "bert"), ("summarizer", "marian")]
)
def test_the_wrong_half_is_refused(role, model, folder, cache):
    with pytest.raises(ModelError, match=f"cannot be the {role}"):
        select(cache, **{role: str(folder(model))}, **_other(role, folder))


def _other(role, folder):
    name, model = ("summarizer", "bart") if role == "translator" else ("translator", "marian")
    return {name: str(folder(model))}


@pytest.mark.parametrize("named", ["summarizer", "translator"])
def test_non_commercial_models_ask_for_consent(named, folder, tmp_path, cache):
    model = {"summarizer": "bart", "translator": "nllb"}[named]
    place = shutil.copytree(folder(model), tmp_path / "place")
    (place / "README.md").write_text("---\nlanguage: en\nlicense: cc-by-nc-4.0\n---\n# Card\n")
    halves = {named: str(place), **_other(named, folder)}
    with pytest.raises(ModelError, match=r"cc-by-nc-4\.0.*--accept-license"):
        select(cache, **halves)
    assert getattr(select(cache, **halves, accept_license=True), named).path == place


def test_a_chosen_model_can_be_sent_to_another_process(folder, cache):
    import multiprocessing.reduction as reduction

    chosen = select(cache, summarizer=str(folder("bart")), translator=str(folder("gemma3")))
    copy = reduction.ForkingPickler.loads(bytes(reduction.ForkingPickler.dumps(chosen)))
    assert copy == chosen
    assert chosen.translator.chat
    assert "{text}" in chosen.translator.prompt


def test_what_came_without_svodka_is_used_as_it_is(hub, cache, folder):
    """Another program's download has neither lock nor mark."""
    hub("a/b", "marian")
    chosen = select(cache, summarizer=str(folder("bart")), translator="a/b")
    assert (chosen.translator.name, chosen.translator.revision) == ("a/b", "0" * 40)


def test_only_the_revision_that_was_named_will_do(hub, cache, folder):
    hub("a/b", "marian", "1" * 40)
    chosen = select(cache, summarizer=str(folder("bart")), translator=f"a/b@{'1' * 40}")
    assert (chosen.translator.name, chosen.translator.revision) == ("a/b", "1" * 40)
    with pytest.raises(ModelError, match=f"run: svodka models fetch a/b@{'2' * 40}"):
        select(cache, summarizer=str(folder("bart")), translator=f"a/b@{'2' * 40}")


def test_nothing_big_is_imported_to_choose():
    import subprocess
    import sys

    code = "import models, sys; print({'torch', 'transformers', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_pinned_hub_model_is_looked_up_by_its_commit(hub, cache):
    hub("a/b", "bart", "1" * 40, ref="main")
    hub("a/b", "bart", "2" * 40, ref="other")
    assert sources.locate(Hub("a/b", "2" * 40), cache).revision == "2" * 40
    assert sources.locate(Hub("a/b"), cache).revision == "1" * 40
