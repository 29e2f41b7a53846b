"""The engine: bounds, neighbours, refusals, and loading. That it answers right is test_parity's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoModelForSeq2SeqLM

from models import Decoding, ModelError, open_codec, open_engine
from models.selection import named, refer
from zoo import texts
from zoo.snapshots import SNAPSHOTS

GENERATORS = [name for name in SNAPSHOTS if name != "bert"]
LINES = texts.LINES[:4]
TALE = " ".join(LINES)


@pytest.fixture(scope="module")
def model(ref):
    opened = {}

    def get(name):
        if name not in opened:
            opened[name] = (open_codec(ref(name)), open_engine(ref(name), 1))
        return opened[name]

    return get


def encoded(codec, texts):
    return [codec.encode(text) for text in texts]


@pytest.mark.parametrize("decoding", ["decoding", "safer"])
def test_a_trained_model_says_what_it_knows(decoding):
    """Sentences of all lengths in one batch, by the searches a user gets."""
    folder = Path(__file__).parents[1] / "data" / "tiny-marian-en-ru"
    lines = (folder / "phrases.tsv").read_text(encoding="utf-8").splitlines()[::9]
    english, russian = zip(*(line.split("\t") for line in lines), strict=True)
    ref = refer(named("translator", str(folder)), folder)
    codec, engine = open_codec(ref), open_engine(ref, 1)
    answers = engine.run(encoded(codec, english), getattr(ref, decoding))
    assert [answer.text for answer in answers] == list(russian)
    assert not any(answer.truncated for answer in answers)


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("name", GENERATORS)
def test_a_row_does_not_see_its_neighbours(name, beams, model):
    codec, engine = model(name)
    batch = encoded(codec, ["rain", *LINES, "two roads"])
    decoding = Decoding(
        num_beams=beams,
        max_ratio=0.3,
        max_tokens=24,
        repetition_penalty=1.2,
        no_repeat_ngram_size=3,
    )
    alone = [engine.run([row], decoding)[0] for row in batch]
    assert engine.run(batch, decoding) == alone
    assert engine.run(batch[::-1], decoding) == alone[::-1]


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("name", ["bart", "gemma3"])
def test_every_row_stops_at_its_own_bound(name, beams, model):
    codec, engine = model(name)
    batch = encoded(codec, ["rain", TALE[:100]])
    decoding = Decoding(num_beams=beams, max_ratio=0.2, max_tokens=20, min_tokens=20)
    answers = engine.run(batch, decoding)
    assert [answer.output_tokens for answer in answers] == [
        decoding.bound(len(row)) for row in batch
    ]
    assert all(answer.truncated for answer in answers)


@pytest.mark.parametrize("name", ["bart", "gemma3"])
def test_a_search_without_repeats_may_still_use_the_inputs_words(name, model):
    """Every token at most once in the output; a decoder's prompt is no part of it."""
    codec, engine = model(name)
    seen = []
    engine._codec.decode, decode = lambda ids: seen.append(ids) or "", engine._codec.decode
    try:
        engine.run(
            encoded(codec, LINES[:2]), Decoding(no_repeat_ngram_size=1, min_tokens=9, max_tokens=40)
        )
    finally:
        engine._codec.decode = decode
    for text, ids in zip(LINES, seen, strict=False):
        assert len(ids) == len(set(ids)) > 5
        assert name == "bart" or set(ids) & set(codec.encode(text))


@pytest.mark.parametrize("name", ["bart", "t5", "marian", "m2m_100", "qwen2"])
def test_the_longest_input_and_output_fit(name, model, ref):
    """A row at the limit, answered up to the bound: no position is out of range."""
    codec, engine = model(name)
    limit, decoding = ref(name).max_input_tokens, ref(name).decoding
    row = codec.encode(TALE)
    row = (*row[:4], *(row[4:-4] * 20)[: limit - 8], *row[-4:])
    longest = replace(decoding, num_beams=1, min_ratio=0.0, max_ratio=0.0)
    longest = replace(longest, min_tokens=900, max_tokens=900)
    (answer,) = engine.run([row], longest)
    assert len(row) == limit
    assert answer.output_tokens == ref(name).max_output_tokens
    assert answer.truncated


@pytest.mark.parametrize("name", ["bart", "bert"])
def test_what_does_not_fit_is_refused_not_cut(name, model, ref):
    codec, engine = model(name)
    over = codec.encode(TALE * 3)
    assert len(over) > ref(name).max_input_tokens
    with pytest.raises(ValueError, match="the model takes 1 to"):
        engine.run([codec.encode("rain"), over], Decoding())
    with pytest.raises(ValueError, match="0 tokens"):
        engine.run([()], Decoding())


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("name", ["bart", "gemma3"])
def test_halves_of_a_large_batch_change_nothing(name, beams, model, ref):
    codec, one = model(name)
    two = open_engine(ref(name), 2)
    batch = encoded(codec, [text[:end] for text in LINES for end in range(20, 60, 4)])
    decoding = Decoding(num_beams=beams, max_ratio=0.3, max_tokens=24, min_tokens=6)
    whole = one.run(batch, decoding)
    assert two.run(batch, decoding) == whole
    few = two.run(batch, decoding, lambda: [5, 6, 39])
    assert [n for n, answer in enumerate(few) if answer != whole[n]] == [5, 6, 39]
    assert torch.get_num_threads() == 2, "a half's threads are its own affair"


def test_a_half_that_fails_waits_for_the_other(ref, monkeypatch):
    codec, engine = open_codec(ref("bart")), open_engine(ref("bart"), 2)
    batch = encoded(codec, LINES * 10)
    ended = []

    def compute(rows, *_):
        ended.append(torch.get_num_threads())
        if len(rows[0]) == max(map(len, batch)):
            raise MemoryError
        return []

    monkeypatch.setattr(engine, "_compute", compute)
    with pytest.raises(MemoryError):
        engine.run(batch, Decoding())
    assert ended == [1, 1]


def test_out_of_memory_is_pythons_own(model, monkeypatch):
    codec, engine = model("bart")

    def full(**_):
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(engine._model, "forward", full)
    with pytest.raises(MemoryError):
        engine.run(encoded(codec, LINES), Decoding())


def test_other_failures_stay_what_they_are(model, monkeypatch):
    codec, engine = model("bart")

    def broken(**_):
        raise RuntimeError("a shape is wrong")

    monkeypatch.setattr(engine._model, "forward", broken)
    with pytest.raises(RuntimeError, match="a shape is wrong"):
        engine.run(encoded(codec, LINES), Decoding())


def test_vectors_are_the_mean_over_the_tokens_at_length_one(model, folder):
    codec, engine = model("bert")
    vectors = engine.run(encoded(codec, LINES), Decoding())
    reference = AutoModel.from_pretrained(folder("bert"), dtype=torch.float64).eval()
    for text, vector in zip(LINES, vectors, strict=True):
        with torch.inference_mode():
            hidden = reference(torch.tensor([codec.encode(text)])).last_hidden_state[0]
        mean = hidden.mean(0).numpy()
        assert vector.dtype == np.float32
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)


def test_a_bin_is_read_without_running_it(ref, folder, tmp_path):
    """The weights-only loader takes tensors, and refuses a pickle that would call something."""
    for path in folder("bart").iterdir():
        if path.suffix != ".safetensors":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    network = AutoModelForSeq2SeqLM.from_pretrained(folder("bart"))
    torch.save(network.state_dict(), tmp_path / "pytorch_model.bin")
    here = replace(ref("bart"), path=tmp_path, compute_type="float32")
    row = open_codec(here).encode(LINES[0])
    there = open_engine(replace(ref("bart"), compute_type="float32"))
    assert open_engine(here).run([row], Decoding()) == there.run([row], Decoding())

    class Trap:
        def __reduce__(self):
            return (print, ("stranger's code",))

    torch.save({"model.shared.weight": Trap()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be loaded"):
        open_engine(here)


def test_missing_tensors_are_not_made_up(ref, folder, tmp_path):
    from safetensors.torch import load_file, save_file

    for path in folder("bart").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["model.encoder.layers.0.fc1.weight"]
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"1 tensors are missing, model\.encoder\.layers\.0\.fc1"):
        open_engine(replace(ref("bart"), path=tmp_path))


def test_no_code_of_the_folder_is_run(ref, folder, tmp_path):
    for path in folder("bart").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "evil.py").write_text("raise SystemExit('ran')\nclass Model: pass\n")
    config = json.loads((tmp_path / "config.json").read_text())
    config["auto_map"] = {"AutoModelForSeq2SeqLM": "evil.Model", "AutoConfig": "evil.Model"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    here = replace(ref("bart"), path=tmp_path)
    assert open_engine(here).run([open_codec(here).encode("rain")], Decoding(max_tokens=4))
