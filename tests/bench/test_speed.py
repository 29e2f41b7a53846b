"""The shapes that speed is measured on are those of the presets."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from transformers import MarianConfig, MarianMTModel

from models import presets
from models.decoding import Decoding

# `bench` is installed nowhere, so it is loaded by its place.
_SPEC = importlib.util.spec_from_file_location(
    "bench_speed", Path(__file__).parents[2] / "bench" / "speed.py"
)
assert _SPEC
assert _SPEC.loader
speed = importlib.util.module_from_spec(_SPEC)
sys.modules["bench_speed"] = speed
_SPEC.loader.exec_module(speed)


@pytest.mark.parametrize("name", speed.SHAPES)
def test_a_shape_has_as_many_parameters_as_its_model(name: str) -> None:
    (row,) = [row for row in presets.PRESETS if row.name == name]
    with torch.device("meta"):
        make, _ = speed.SHAPES[name]
        count = sum(tensor.numel() for tensor in make().parameters())
    assert count == pytest.approx(row.parameters, rel=0.01)


def test_every_row_writes_to_its_length_and_time_is_counted() -> None:
    config = MarianConfig(
        vocab_size=6000, d_model=16, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=16,
        decoder_ffn_dim=16, encoder_attention_heads=2, decoder_attention_heads=2,
        decoder_start_token_id=5999, pad_token_id=5999, eos_token_id=0,
    )  # fmt: skip
    rate = speed.measure(MarianMTModel(config), speed.SENTENCES, Decoding(num_beams=2))
    assert rate > 0
