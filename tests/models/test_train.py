"""Training the starter's adapter, on a tiny base: it learns, it goes on, its file can be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoTokenizer, Gemma3ForCausalLM, Gemma3TextConfig

from models.starter import build
from models.starter.pairs import IGNORED, Example, Pair, ask, deal, encode_pairs, read_pairs, stack
from models.starter.train import Plan, Run

TOKENIZER = Path(__file__).parents[1] / "data" / "tiny-decoder-en-ru"
PAIRS = [
    Pair("Trains stopped.", "Поезда остановились."),
    Pair("Schools closed.", "Школы закрылись."),
    Pair("The mayor left Paris on Monday.", "Мэр покинул Париж в понедельник."),
    Pair("The queen arrived in Rome on Friday.", "Королева прибыла в Рим в пятницу."),
]
PLAN = Plan(steps=12, rank=4, learning_rate=1e-2, batch_tokens=128, warmup=0.1)


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(TOKENIZER)


def base() -> Gemma3ForCausalLM:
    """Return a random Gemma 3, the same every time."""
    torch.manual_seed(0)
    return Gemma3ForCausalLM(
        Gemma3TextConfig(
            vocab_size=1200,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=16,
            layer_types=["sliding_attention", "full_attention"],
            sliding_window=16,
        )
    ).eval()


def run(tokenizer, output: Path, plan: Plan = PLAN, pairs=PAIRS, adapter=None) -> Run:
    return Run(base(), tokenizer, pairs, PAIRS[:1], output, plan, adapter)


def test_loss_falls_and_the_adapter_loads_elsewhere(tokenizer, tmp_path):
    trained = run(tokenizer, tmp_path)
    last = trained.train(check_every=6)
    first = trained.checks[0]
    assert (first.step, last.step) == (0, 12)
    assert last.held_out_loss < first.held_out_loss - 0.2
    assert last.training_loss < first.held_out_loss
    assert last.chrf is not None

    loaded = PeftModel.from_pretrained(base(), str(tmp_path)).eval()
    batch = tokenizer(ask("Trains stopped."), return_tensors="pt")
    # Not exact: what is written is rounded to bfloat16.
    torch.testing.assert_close(
        loaded(**batch).logits, trained._model(**batch).logits, rtol=0.02, atol=0.02
    )
    assert json.loads((tmp_path / "training.json").read_text())["checks"][-1]["step"] == 12


def test_the_adapter_has_the_committed_adapters_form(tokenizer, tmp_path):
    run(tokenizer, tmp_path, Plan(steps=1)).train()
    ours, committed = (
        json.loads((folder / "adapter_config.json").read_text())
        for folder in (tmp_path, build.SOURCE)
    )
    for name in ("target_modules", "modules_to_save"):
        assert sorted(ours.pop(name)) == sorted(committed.pop(name))
    assert ours == committed
    first_layer = [
        {
            name: weights.dtype
            for name, weights in load_file(folder / "adapter_model.safetensors").items()
            if ".layers.0." in name
        }
        for folder in (tmp_path, build.SOURCE)
    ]
    assert first_layer[0] == first_layer[1]


def test_a_killed_run_goes_on_as_if_nothing_had_happened(tokenizer, tmp_path, monkeypatch):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run(tokenizer, whole).train(check_every=4)

    killed = run(tokenizer, broken)
    learn = killed._learn

    def learn_until_killed(batch):
        if killed.step == 7:
            raise KeyboardInterrupt
        return learn(batch)

    monkeypatch.setattr(killed, "_learn", learn_until_killed)
    with pytest.raises(KeyboardInterrupt):
        killed.train(check_every=4)
    again = run(tokenizer, broken)
    assert again.step == 4
    again.train(check_every=4)

    ours, theirs = (load_file(folder / "adapter_model.safetensors") for folder in (broken, whole))
    assert ours.keys() == theirs.keys()
    for name, weights in ours.items():
        assert torch.equal(weights, theirs[name]), name


def test_a_finished_run_does_nothing_more(tokenizer, tmp_path):
    first = run(tokenizer, tmp_path).train()
    before = (tmp_path / "adapter_model.safetensors").read_bytes()
    assert run(tokenizer, tmp_path).train() == first
    assert (tmp_path / "adapter_model.safetensors").read_bytes() == before


def test_two_different_runs_are_not_mixed(tokenizer, tmp_path):
    run(tokenizer, tmp_path, Plan(steps=1, rank=4)).train()
    with pytest.raises(ValueError, match="other settings"):
        run(tokenizer, tmp_path, Plan(steps=2, rank=4))
    with pytest.raises(ValueError, match="other pairs"):
        run(tokenizer, tmp_path, Plan(steps=1, rank=4), PAIRS[1:])


def test_training_goes_on_from_an_adapter(tokenizer, tmp_path):
    before = run(tokenizer, tmp_path / "first").train()
    after = run(tokenizer, tmp_path / "second", Plan(steps=1), adapter=tmp_path / "first")
    after.train()
    assert after.checks[0].held_out_loss == pytest.approx(before.held_out_loss, rel=0.01)


def test_the_rate_rises_and_falls(tokenizer, tmp_path):
    plan = Plan(steps=100, warmup=0.1, learning_rate=1.0)
    rate = run(tokenizer, tmp_path, plan).rate
    rates = [rate(step) for step in range(100)]
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert max(rates) == 1.0
    assert rates[-1] < 0.01


def test_only_the_answer_is_learned(tokenizer):
    short, long = sorted(encode_pairs(tokenizer, PAIRS[1:3], 99), key=lambda one: len(one.ids))
    batch = stack([short, long], tokenizer.pad_token_id)
    for row, (example, pair) in enumerate([(short, PAIRS[1]), (long, PAIRS[2])]):
        answer = batch.labels[row][batch.labels[row] != IGNORED]
        assert tokenizer.decode(answer) == f" {pair.ru}<eos>"
        assert tokenizer.decode(batch.input_ids[row, : example.prompt]) == f"<bos>{ask(pair.en)}"
        assert batch.attention_mask[row].sum() == len(example.ids)


def test_long_pairs_are_left_out_not_cut(tokenizer):
    lengths = [len(example.ids) for example in encode_pairs(tokenizer, PAIRS, 999)]
    kept = encode_pairs(tokenizer, PAIRS, max(lengths) - 1)
    assert sorted(len(example.ids) for example in kept) == sorted(lengths)[:-1]


@given(st.lists(st.integers(1, 60), max_size=40), st.integers(1, 200), st.integers(0, 9))
def test_every_example_is_dealt_once_within_the_budget(lengths, budget, seed):
    examples = [Example((number, *range(length)), 1) for number, length in enumerate(lengths)]
    batches = deal(examples, budget, seed)
    assert sorted(one.ids[0] for batch in batches for one in batch) == list(range(len(lengths)))
    for batch in batches:
        assert batch
        assert len(batch) == 1 or len(batch) * max(len(one.ids) for one in batch) <= budget
    assert batches == deal(examples, budget, seed)


def test_pairs_are_read_and_a_bad_line_is_named(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"en": " Talks failed. ", "ru": "Переговоры провалились.", "id": 3}\n')
    assert read_pairs([path]) == [Pair("Talks failed.", "Переговоры провалились.")]
    with path.open("a") as lines:
        lines.write('{"en": "Talks failed."}\n')
    with pytest.raises(ValueError, match=r"pairs\.jsonl:2"):
        read_pairs([path])
