"""The starter: merged right, once, whatever happens meanwhile; and what it says in Russian.

Most tests merge a stand-in base of a few thousand numbers, written as GGUF by a stand-in
package. The last ones run the real weights.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, Gemma3TextConfig

import models
from models import ModelError, lock, making
from models.selection import named, refer
from models.starter import build

ROOT = Path(build.__file__).parents[2]
KEPT = np.array([0, 1, 2, 3, 9, 7, 5], dtype=np.int32)
WORDS = ["<pad>", "<eos>", "<bos>", "<unk>", "a", "b", "c"]


@pytest.fixture(scope="module")
def base() -> torch.nn.Module:
    """A Gemma of 2 layers and 12 tokens."""
    config = Gemma3TextConfig(
        vocab_size=12,
        hidden_size=32,
        num_hidden_layers=2,
        intermediate_size=64,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        sliding_window=8,
        max_position_embeddings=64,
    )
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_config(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return model


@pytest.fixture(scope="module")
def source(base, tmp_path_factory) -> Path:
    """A starter's folder for that base, and a package that assembles the base's GGUF."""
    root = tmp_path_factory.mktemp("stand-in")
    package = root / "site" / "stand_in_gguf"
    package.mkdir(parents=True)
    write_gguf(base, package / "base.gguf")
    (package / "__init__.py").write_text(
        "import shutil, pathlib\n"
        "def assemble(target):\n"
        "    with open(pathlib.Path(__file__).parent / 'assembled', 'a') as log: log.write('x')\n"
        "    shutil.copyfile(pathlib.Path(__file__).parent / 'base.gguf', target)\n"
    )
    folder = root / "starter"
    adapted = get_peft_model(
        AutoModelForCausalLM.from_config(base.config),
        LoraConfig(r=4, target_modules=["q_proj"], modules_to_save=["model.norm"]),
    )
    torch.manual_seed(4)
    for name, parameter in adapted.named_parameters():
        if "lora_" in name or "modules_to_save" in name:
            torch.nn.init.normal_(parameter)
    adapted.save_pretrained(folder)
    np.save(folder / "kept_token_ids.npy", KEPT)
    (folder / "base.json").write_text(
        json.dumps(
            {
                "package": "stand-in",
                "version": "1",
                "module": "stand_in_gguf",
                "sha256": lock.sha256(package / "base.gguf"),
            }
        )
    )
    vocabulary = {
        "version": "1.0",
        "added_tokens": [
            {"id": id_, "content": word, "special": True, "normalized": False}
            | dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
            for id_, word in enumerate(WORDS[:4])
        ],
        "model": {
            "type": "WordLevel",
            "vocab": {word: id_ for id_, word in enumerate(WORDS)},
            "unk_token": "<unk>",
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(vocabulary))
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "GemmaTokenizer", "mask_token": "<mask>", "bos_token": "<bos>",'
        ' "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}'
    )
    return folder


def write_gguf(model: torch.nn.Module, path: Path) -> None:
    """Write a model as llama.cpp's converter does: its names, norms with one added."""
    config = model.config
    writer = gguf.GGUFWriter(path, "gemma3")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_sliding_window(config.sliding_window)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GEMMA3, config.num_hidden_layers)
    for name, tensor in model.state_dict().items():
        if name != "lm_head.weight":
            value = tensor.numpy() + (1 if name.endswith("norm.weight") else 0)
            writer.add_tensor(f"{names.get_name(name.removesuffix('.weight'))}.weight", value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
def built(source, tmp_path_factory) -> Path:
    """What two processes have built that began at the same time."""
    cache = tmp_path_factory.mktemp("cache")
    code = (
        "from pathlib import Path; from models.starter import build;"
        f"print(build.ensure(Path({str(cache)!r}), Path({str(source)!r})))"
    )
    search = os.pathsep.join([str(source.parent / "site"), str(ROOT)])
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": search},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    first, second = (process.communicate()[0].strip() for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert first == second
    return Path(first)


def test_two_processes_at_once_build_once(built, source):
    assert (source.parent / "site" / "stand_in_gguf" / "assembled").read_text() == "x"
    assert not list(built.parent.glob("*.making"))
    assert lock.check(built, thorough=True).name == "starter-en-ru"


def test_the_merge_is_base_plus_adapter_on_the_kept_rows(
    built, base, source, tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(source.parent / "site")
    build.build(source, tmp_path / "again")
    assert lock.read(tmp_path / "again") == lock.read(built)  # to the byte
    merged = load_file(built / "model.safetensors")
    adapter = load_file(source / "adapter_model.safetensors")
    whole = base.state_dict()
    query = "model.layers.0.self_attn.q_proj"
    down = adapter[f"base_model.model.{query}.lora_A.weight"]
    up = adapter[f"base_model.model.{query}.lora_B.weight"]
    scale = 8 / 4  # peft's default alpha over the rank
    torch.testing.assert_close(
        merged[f"{query}.weight"], whole[f"{query}.weight"] + scale * up @ down
    )
    torch.testing.assert_close(
        merged["model.embed_tokens.weight"], whole["model.embed_tokens.weight"][KEPT]
    )
    torch.testing.assert_close(
        merged["model.norm.weight"], adapter["base_model.model.model.norm.weight"]
    )
    untouched = "model.layers.1.post_feedforward_layernorm.weight"
    torch.testing.assert_close(merged[untouched], whole[untouched])


def test_the_result_is_an_ordinary_folder_that_knows_its_prompt(built):
    ref = refer(named("translator", str(built)), built.parent)
    assert ref.prompt == build.PROMPT
    assert not ref.chat
    codec = models.open_codec(ref)
    assert max(codec.encode("a <mask> <eos> b")) < len(KEPT)
    (answer,) = models.open_engine(ref).run([codec.encode("a b")], models.Decoding(max_tokens=4))
    assert answer.output_tokens <= 4


@pytest.fixture
def quick(monkeypatch):
    """Replace the merge itself by one that leaves a tiny folder, and count its runs."""
    runs = []

    def make(command, doing, needs) -> None:
        source, result = map(Path, command[1:])
        runs.append(result)
        result.mkdir()
        (result / "config.json").write_text("{}")
        (result / "model.safetensors").write_bytes(bytes(100))
        lock.write(result, build.NAME, build.revision(source))

    monkeypatch.setattr(making, "_run", make)
    return runs


def test_a_second_call_builds_nothing(quick, tmp_path):
    assert build.ensure(tmp_path / "cache") == build.ensure(tmp_path / "cache")
    assert len(quick) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda place: (place / "model.safetensors").write_bytes(bytes(10)),
        lambda place: (place / "model.safetensors").write_bytes(bytes(99) + b"x"),
        lambda place: (place / "model.safetensors").unlink(),
        lambda place: (place / lock.LOCK).unlink(),
        lambda place: (place / lock.LOCK).write_text("{"),
    ],
    ids=["cut", "one bit", "a file missing", "never finished", "lock cut"],
)
def test_what_is_damaged_is_built_again(damage, quick, tmp_path):
    place = build.ensure(tmp_path)
    damage(place)
    assert build.ensure(tmp_path) == place
    assert len(quick) == 2
    assert lock.check(place, thorough=True)


def test_what_a_killed_build_left_is_swept_away(quick, tmp_path):
    left = tmp_path / f"{build.NAME}-{build.revision()}.0badf00d.making"
    left.mkdir()
    (left / "model.safetensors").write_bytes(b"half")
    assert lock.check(build.ensure(tmp_path), thorough=True)
    assert not left.exists()


def test_other_files_are_another_model(source, quick, tmp_path):
    changed = shutil.copytree(source, tmp_path / "changed")
    (changed / "tokenizer_config.json").write_text("{}")
    assert build.revision(changed) != build.revision(source)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'ValueError: no adapter here' >&2; exit 1", "no adapter here"),
        ("kill -9 $$", "killed"),
    ],
)
def test_a_failed_build_says_why_and_leaves_nothing(script, reason, tmp_path, monkeypatch):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(ModelError, match=f"failed .*{reason}.* 2 GB of memory") as caught:
        build.ensure(tmp_path / "cache")
    assert "\n" not in str(caught.value)
    assert not [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]


def test_another_base_than_the_published_one_is_refused(source, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(source.parent / "site")
    other = shutil.copytree(source, tmp_path / "other")
    content = json.loads((other / "base.json").read_text())
    (other / "base.json").write_text(json.dumps({**content, "sha256": "0" * 64}))
    with pytest.raises(ValueError, match="holds another file than expected"):
        build.open_base(other)


def test_a_missing_package_says_what_to_install(tmp_path, source, monkeypatch):
    monkeypatch.setattr(build, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"pip install 'svodka\[starter\]'"):
        build.ensure(tmp_path, source)


def test_a_cache_that_cannot_be_written_is_named(quick, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="name another folder with --cache"):
        build.ensure(tmp_path / "file")


@pytest.fixture(scope="module")
def reference() -> list[dict[str, str]]:
    lines = (build.SOURCE / "reference.jsonl").read_text(encoding="utf-8").splitlines()
    return sorted(map(json.loads, lines), key=lambda line: len(line["en"]))


@pytest.mark.slow
def test_the_real_starter_says_what_its_card_says(starter, reference):
    """Greedy, float32, in a batch: the reference's Russian, but for a rounding here or there."""
    codec = models.open_codec(starter.translator)
    engine = models.open_engine(starter.translator, 1)
    chosen = reference[:60:10]
    answers = engine.run([codec.encode(line["en"]) for line in chosen], starter.translator.decoding)
    same = sum(answer.text == line["ru"] for answer, line in zip(answers, chosen, strict=True))
    assert same >= len(chosen) - 1
    assert not any(answer.truncated for answer in answers)
    assert all(len(codec.encode(line["en"])) <= codec.max_input_tokens for line in reference)


def test_the_real_starters_sentences_lie_where_their_meaning_does(starter):
    codec = models.open_codec(starter.summarizer)
    engine = models.open_engine(starter.summarizer, 1)
    texts = ["Heavy rain closed roads.", "Roads were shut by a downpour.", "The bank raised rates."]
    rain, downpour, bank = engine.run([codec.encode(text) for text in texts], models.Decoding())
    assert rain.shape == (384,)
    assert rain @ downpour > 0.6 > 0.3 > rain @ bank
