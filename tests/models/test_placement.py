"""Device, engine and number format are settled before anything is loaded."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models import ModelError, conversion, placement
from models.families import SUMMARIZER
from models.placement import CTRANSLATE2, TRANSFORMERS, check_device, place


@pytest.fixture
def translator(ref):
    return ref("marian")


@pytest.fixture
def cards(monkeypatch):
    """A machine with two graphics cards, as far as torch tells."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def chosen(ref, *settings):
    placed = place(ref, *settings)
    return placed.engine, placed.compute_type


def test_auto_takes_the_fast_engine_in_its_own_format(translator, ref, cards):
    assert chosen(ref("bart"), "cpu") == (CTRANSLATE2, "int8")
    assert chosen(ref("bart"), "cpu", "auto", "float32") == (TRANSFORMERS, "float32")
    assert chosen(translator, "cuda:1") == (CTRANSLATE2, "float16")
    assert place(translator, "cuda:1").device == "cuda:1"


def test_a_translator_on_the_cpu_stays_with_the_reference_unless_int8_is_asked_for(translator):
    assert chosen(translator, "cpu") == (TRANSFORMERS, "float32")
    assert chosen(translator, "cpu", "auto", "int8") == (CTRANSLATE2, "int8")
    assert chosen(translator, "cpu", CTRANSLATE2) == (CTRANSLATE2, "int8")


def test_auto_goes_by_the_format_that_is_asked_for(translator):
    assert chosen(translator, "cpu", "auto", "float32") == (TRANSFORMERS, "float32")
    assert chosen(translator, "cpu", CTRANSLATE2, "float32") == (CTRANSLATE2, "float32")
    assert chosen(translator, "cpu", "auto", "bfloat16") == (TRANSFORMERS, "bfloat16")


def test_auto_leaves_decoders_to_the_reference_unless_int8_is_asked_for(ref, cards):
    decoder = ref("qwen2")
    assert chosen(decoder, "cpu") == (TRANSFORMERS, "float32")
    assert chosen(decoder, "cuda") == (TRANSFORMERS, "bfloat16")
    assert chosen(decoder, "cpu", "auto", "int8") == (CTRANSLATE2, "int8")
    assert chosen(decoder, "cpu", CTRANSLATE2) == (CTRANSLATE2, "int8")


def test_numbers_too_large_for_float16_get_bfloat16(ref, cards):
    assert chosen(ref("madlad"), "cuda") == (CTRANSLATE2, "bfloat16")
    assert chosen(ref("madlad"), "cuda", "auto", "float16") == (CTRANSLATE2, "float16")


def test_auto_falls_back_on_the_reference(ref, cards, monkeypatch):
    summarizer = ref("bart")
    unknown = replace(summarizer, family="led")
    assert chosen(unknown, "cpu") == (TRANSFORMERS, "float32")
    assert chosen(unknown, "cuda") == (TRANSFORMERS, "bfloat16")
    monkeypatch.setattr(conversion, "installed", lambda: False)
    assert chosen(summarizer, "cpu") == (TRANSFORMERS, "float32")


def test_sentence_encoders_stay_with_the_reference(ref, cards):
    embedder = ref("bert")
    assert chosen(embedder, "cpu", CTRANSLATE2, "int8") == (TRANSFORMERS, "float32")
    assert chosen(embedder, "cuda", "auto", "float16") == (TRANSFORMERS, "bfloat16")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("gpu",), "no device 'gpu'; name cpu, cuda, cuda:N or mps"),
        (("cuda:x",), "no device 'cuda:x'"),
        (("cpu", "onnx"), "no engine 'onnx'; name auto, transformers or ctranslate2"),
        (("cpu", "auto", "int4"), "no number format 'int4'; name auto, float32"),
        (("cpu", TRANSFORMERS, "int8"), "by transformers on cpu; name float32 or bfloat16, or --e"),
        (("cpu", "auto", "float16"), "in float16 by transformers on cpu; name float32 or bfloat16"),
        (
            ("cpu", CTRANSLATE2, "float16"),
            "not compute in float16 on cpu; name int8 or float32, or",
        ),
        (
            ("cpu", CTRANSLATE2, "float64"),
            "not compute in float64 on cpu; name int8 or float32, or",
        ),
    ],
)
def test_a_setting_that_cannot_work_says_what_would(settings, said, translator):
    with pytest.raises(ModelError, match=said):
        place(translator, *settings)


def test_a_device_that_is_not_here_is_named_beside_those_that_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for device in ("cuda", "cuda:0", "mps"):
        with pytest.raises(ModelError, match=rf"no device {device} here .*; available: cpu\."):
            check_device(device)


def test_a_card_that_is_not_there_is_named_beside_those_that_are(cards):
    check_device("cuda")
    check_device("cuda:1")
    with pytest.raises(
        ModelError, match=r"no device cuda:2 here .*; available: cpu, cuda:0, cuda:1\."
    ):
        check_device("cuda:2")


def test_ctranslate2_has_no_mps(translator, monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert chosen(translator, "mps") == (TRANSFORMERS, "bfloat16")
    with pytest.raises(ModelError, match="does not compute on mps; name --engine transformers"):
        place(translator, "mps", CTRANSLATE2)


def test_what_ctranslate2_cannot_run_is_named(translator, ref, monkeypatch):
    with pytest.raises(ModelError, match="cannot run marian: it does not convert the family led"):
        place(replace(translator, family="led"), "cpu", CTRANSLATE2)
    with pytest.raises(ModelError, match="it takes at most 32 tokens of a model with a sliding"):
        place(ref("gemma3"), "cpu", CTRANSLATE2)
    monkeypatch.setattr(conversion, "installed", lambda: False)
    with pytest.raises(ModelError, match=r"is not installed; run: pip install 'svodka\[ctrans"):
        place(translator, "cpu", CTRANSLATE2)


def test_a_translator_is_kept_within_a_sliding_window(ref, monkeypatch):
    monkeypatch.setattr(conversion, "window", lambda _: 300)
    wide = replace(ref("gemma3"), max_input_tokens=400, max_output_tokens=200)
    placed = place(wide, "cpu", CTRANSLATE2)
    assert placed.engine == CTRANSLATE2
    assert conversion.longest(placed) == 300
    assert placed.max_output_tokens == 150
    with pytest.raises(ModelError, match="at most 300 tokens"):
        place(replace(wide, role=SUMMARIZER), "cpu", CTRANSLATE2)


def test_every_format_is_known_to_the_engine_that_has_it():
    for engine, kind in placement.FORMATS:
        for name in placement.FORMATS[engine, kind]:
            assert engine == CTRANSLATE2 or isinstance(getattr(torch, name), torch.dtype)
    ctranslate2 = pytest.importorskip("ctranslate2")
    here = ctranslate2.get_supported_compute_types("cpu")
    assert set(placement.FORMATS[CTRANSLATE2, "cpu"]) <= here
