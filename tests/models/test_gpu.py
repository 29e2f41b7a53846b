"""What only a machine with a GPU can show: `pytest -m gpu`."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models import Decoding, open_codec, open_engine
from models.placement import CTRANSLATE2, FORMATS, TRANSFORMERS, place
from zoo.texts import LINES

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(torch.cuda.device_count() == 0, reason="there is no GPU here"),
    pytest.mark.usefixtures("conversions"),
]
WRITES = Decoding(max_tokens=16)


@pytest.mark.parametrize("name", ["bart", "marian", "nllb", "madlad", "qwen2"])
@pytest.mark.parametrize("engine", [TRANSFORMERS, CTRANSLATE2])
def test_float32_says_on_the_gpu_what_it_says_on_the_cpu(name, engine, ref):
    codec = open_codec(ref(name))
    batch = [codec.encode(text) for text in LINES[:4]]
    here, there = (
        open_engine(place(ref(name), device, engine, "float32"), codec=codec)
        for device in ("cpu", "cuda:0")
    )
    assert there.run(batch, WRITES) == here.run(batch, WRITES)


@pytest.mark.parametrize(
    ("engine", "compute_type"),
    [
        (engine, name)
        for engine, kind in FORMATS
        if kind == "cuda"
        for name in FORMATS[engine, kind]
    ],
)
def test_every_format_computes(engine, compute_type, ref):
    codec = open_codec(ref("marian"))
    placed = place(ref("marian"), "cuda", engine, compute_type)
    answers = open_engine(placed, codec=codec).run([codec.encode(LINES[0])], WRITES)
    assert answers[0].output_tokens > 0


def test_a_batch_that_does_not_fit_is_pythons_memory_error(ref):
    wide = replace(ref("madlad"), max_input_tokens=10**7)
    codec = open_codec(wide)
    row = codec.encode(LINES[0])
    batch = [row[:-1] * 20_000 + row[-1:]] * 4
    with pytest.raises(MemoryError):
        open_engine(place(wide, "cuda", TRANSFORMERS, "float32"), codec=codec).run(batch, WRITES)
