"""What a user can get wrong about models: one clear sentence each, and exit code 1."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from models import lock
from service.cli import app
from zoo.snapshots import build

Make = Callable[[str], Path]

NEWS = (
    "Heavy rain closed two roads near the coast on Monday. Officials asked for time. The "
    "president said that talks would go on. Schools in two towns stayed closed for the day."
)


class Trap:
    def __reduce__(self):
        return (print, ("a stranger's code ran",))


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Make:
    root = tmp_path_factory.mktemp("zoo")
    return lambda name: build(name, root)


@pytest.fixture
def copy(original, tmp_path) -> Make:
    return lambda name: Path(shutil.copytree(original(name), tmp_path / name))


def told(folder: Path, name: str, **values: object) -> None:
    content = json.loads((folder / name).read_text("utf-8"))
    (folder / name).write_text(json.dumps({**content, **values}), "utf-8")


def wrong_direction(copy: Make) -> dict[str, object]:
    folder = copy("marian")
    told(folder, "tokenizer_config.json", source_lang="ru", target_lang="en")
    return {"translator": folder}


def wrong_direction_by_name(copy: Make) -> dict[str, object]:
    folder = copy("marian")
    (folder / "tokenizer_config.json").write_text("{}")
    return {"translator": folder.rename(folder.with_name("opus-mt-ru-en"))}


def another_target(copy: Make) -> dict[str, object]:
    """Marian into the Slavic languages, without Russian among them."""
    folder = copy("marian_zle")
    vocabulary = json.loads((folder / "vocab.json").read_text("utf-8"))
    vocabulary[">>pol<<"] = vocabulary.pop(">>rus<<")
    (folder / "vocab.json").write_text(json.dumps(vocabulary), "utf-8")
    return {"translator": folder}


def tasks_without_russian(copy: Make) -> dict[str, object]:
    return {"translator": copy("t5")}


def summarizer_as_translator(copy: Make) -> dict[str, object]:
    return {"translator": copy("bart")}


def translator_as_summarizer(copy: Make) -> dict[str, object]:
    return {"summarizer": copy("marian")}


def translator_as_summarizer_by_vocabulary(copy: Make) -> dict[str, object]:
    return {"summarizer": copy("madlad")}


def translator_as_summarizer_by_template(copy: Make) -> dict[str, object]:
    return {"summarizer": copy("translategemma")}


def base_model(copy: Make) -> dict[str, object]:
    folder = copy("gemma3")
    (folder / "chat_template.jinja").unlink()
    return {"translator": folder}


def unknown_family(copy: Make) -> dict[str, object]:
    folder = copy("bart")
    told(folder, "config.json", model_type="mamba")
    return {"summarizer": folder}


def corrupted_shard(copy: Make) -> dict[str, object]:
    folder = copy("translategemma")
    shard = folder / "model-00002-of-00003.safetensors"
    shard.write_bytes(shard.read_bytes()[:-5])
    return {"translator": folder}


def missing_shard(copy: Make) -> dict[str, object]:
    folder = copy("translategemma")
    (folder / "model-00002-of-00003.safetensors").unlink()
    return {"translator": folder}


def changed_since_locked(copy: Make) -> dict[str, object]:
    folder = copy("marian")
    lock.write(folder, "mine", "r1")
    told(folder, "generation_config.json", num_beams=12)
    return {"translator": folder}


def wrong_revision(copy: Make) -> dict[str, object]:
    """The hub's cache holds another commit than the one that is asked for."""
    return {"translator": "some/model@" + "b" * 40}


def no_such_folder(copy: Make) -> dict[str, object]:
    return {"translator": "./models/mine"}


def no_tokenizer(copy: Make) -> dict[str, object]:
    folder = copy("marian")
    (folder / "source.spm").unlink()
    return {"translator": folder}


def stolen_weights(copy: Make) -> dict[str, object]:
    """A pickle that would run something."""
    folder = copy("marian_zle")
    torch.save({"model.shared.weight": Trap()}, folder / "pytorch_model.bin")
    return {"translator": folder}


def damaged_config(copy: Make) -> dict[str, object]:
    folder = copy("marian")
    (folder / "config.json").write_text('{"model_type": "mar')
    return {"translator": folder}


MISTAKES = {
    wrong_direction: "translates 'ru' into 'en', not English into Russian",
    wrong_direction_by_name: "translates 'ru' into 'en', not English into Russian",
    another_target: "cannot translate into Russian: its vocabulary has no mark for it",
    tasks_without_russian: "translates en_to_de by its own config, not English into Russian",
    summarizer_as_translator: "(bart) cannot be the translator: it is a summarizer",
    translator_as_summarizer: "(marian) cannot be the summarizer: it is a translator",
    translator_as_summarizer_by_vocabulary: "its vocabulary has languages to translate into",
    translator_as_summarizer_by_template: "(gemma3) cannot be the summarizer",
    base_model: "has no chat template, so it is no instruction-tuned model",
    unknown_family: "'mamba', which svodka does not know",
    corrupted_shard: "model-00002-of-00003.safetensors is cut short or damaged",
    missing_shard: "lacks model-00002-of-00003.safetensors",
    changed_since_locked: "generation_config.json is not the file that was locked",
    wrong_revision: "some/model is not on this disk; run: svodka models fetch some/model",
    no_such_folder: "There is no folder './models/mine'",
    no_tokenizer: "The tokenizer in",
    stolen_weights: "cannot be loaded",
    damaged_config: "config.json is damaged; fetch or copy the model again",
}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_is_told_in_a_sentence(mistake, copy, original, tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    article = tmp_path / "news.txt"
    article.write_text(NEWS)
    chosen = {"summarizer": original("bart"), "translator": original("marian"), **mistake(copy)}
    flags = [f"--{role}={model}" for role, model in chosen.items()]
    assert app.run(["digest", str(article), *flags, "--cache", str(tmp_path / "cache")]) == 1
    printed, said = capfd.readouterr()
    assert printed == ""
    assert "Traceback" not in said
    assert "stranger's code" not in said
    last = [line for line in said.splitlines() if line.startswith("svodka: ")][-1]
    assert MISTAKES[mistake] in last
    assert last.endswith(".") or "run: svodka models fetch" in last
