"""Makes a CTranslate2 conversion of a model: ``python -m models.converter``, by ``conversion``.

CTranslate2's converters were written for older versions of transformers, and for the
best-known models of each family. ``_correct`` sets right what they get wrong.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ctranslate2.converters import transformers as converters
from ctranslate2.specs.attention_spec import RotaryScalingType

from models import lock, torch_engine
from models.codec import Codec, open_codec
from models.conversion import TOLD, Told
from models.errors import ModelError
from models.families import read_json
from models.making import end_with_parent
from models.selection import ModelRef, named, refer

# What transformers 5 no longer writes down: do norms come first, are embeddings normed?
_NORMS = {"bart": (False, True), "mbart": (True, True), "pegasus": (True, False)}


def convert(ref: ModelRef, codec: Codec, quantization: str, result: Path) -> None:
    """Convert a model into the new folder ``result`` and lock it.

    ``ref`` names the number format that the weights are read in.
    """
    with torch.no_grad():
        model = torch_engine.load(ref)
        say = _told(torch_engine.Generator(ref, codec, model), model)
        spec = _specification(model, say)
        del model
        spec.validate()
        spec.optimize(quantization=quantization)
    result.mkdir(parents=True)
    spec.save(str(result))
    (result / TOLD).write_text(json.dumps(asdict(say)), encoding="utf-8")
    lock.write(result, ref.name, quantization)


def _told(reference: torch_engine.Generator, model: Any) -> Told:
    return Told(
        ends=tuple(reference._ends.tolist()),
        start=reference._start[0],
        forced_bos=reference._begin[0] if reference._begin else None,
        suppressed=tuple(map(tuple, reference._banned)),
        vocabulary=model.get_input_embeddings().weight.shape[0],
        parameters=reference.parameters,
    )


class _Decimal:
    """As much of a tokenizer as a converter asks for: every token is its id in decimal."""

    chat_template = None

    def __init__(self, say: Told) -> None:
        self.eos_token = str(say.ends[0])
        # Nothing is unknown, padded or put before an input, so any id will do.
        self.bos_token = self.pad_token = self.unk_token = str(0)

    def convert_ids_to_tokens(self, id_: int) -> str:
        return str(id_)


def _specification(model: Any, say: Told) -> Any:
    """Return the network as CTranslate2's converters describe it, and our vocabulary."""
    loader = converters._MODEL_LOADERS[type(model.config).__name__]  # there is no other way to it
    if isinstance(loader, converters.MarianMTLoader):
        loader = _Marian()
    if model.config.model_type in _NORMS:
        norms = _NORMS[model.config.model_type]
        model.config.normalize_before, model.config.normalize_embedding = norms
    spec = loader.get_model_spec(model)
    loader.set_config(spec.config, model, _Decimal(say))
    loader.set_vocabulary(spec, [str(id_) for id_ in range(say.vocabulary)])
    _correct(spec, model.config, say)
    return spec


class _Marian(converters.MarianMTLoader):
    """Keeps the padding token, which CTranslate2 takes to be the last, and drops.

    It begins the decoding, as in the reference, and the model's files forbid it later.
    """

    def _remove_pad_weights(self, spec: Any) -> None:
        pass


def _correct(spec: Any, config: Any, say: Told) -> None:
    """Set right what the converters get wrong."""
    text = config.get_text_config(decoder=True)
    decoder = spec.decoder
    if hasattr(spec.config, "decoder_start_token"):
        spec.config.decoder_start_token = str(say.start)
    for key in ("rms_norm_eps", "layer_norm_epsilon", "layer_norm_eps"):
        if hasattr(text, key):
            spec.config.layer_norm_epsilon = float(getattr(text, key))
            break
    if config.model_type == "marian":
        decoder.start_from_zero_embedding = False
    if config.model_type == "t5" and not config.scale_decoder_outputs:
        # T5 1.1 and MADLAD do not scale; transformers 5 says so in another place than before.
        decoder.scale_outputs = 1.0
    if config.model_type == "mt5":
        decoder.scale_outputs = 1.0
    if config.model_type == "llama" and text.rope_parameters["rope_type"] == "llama3":
        for layer in decoder.layer:
            _add(
                layer.self_attention,
                rotary_scaling_factor=np.float32(text.rope_parameters["factor"]),
                original_max_position_embeddings=np.int32(
                    text.rope_parameters["original_max_position_embeddings"]
                ),
            )
    if config.model_type in ("gemma3", "gemma3_text"):
        for layer, kind in zip(decoder.layer, text.layer_types, strict=True):
            rope = text.rope_parameters[kind]
            attention = layer.self_attention
            attention.queries_scale = np.float32(text.query_pre_attn_scalar**-0.5)
            attention.rotary_base = np.float32(rope["rope_theta"])
            if rope["rope_type"] == "linear":
                _add(
                    attention,
                    rotary_scaling_type=np.int8(RotaryScalingType.Linear),
                    rotary_scaling_factor=np.float32(rope["factor"]),
                )
            elif rope["rope_type"] != "default":
                raise ModelError(f"CTranslate2 has no {rope['rope_type']} positions for Gemma 3.")


def _add(layer: Any, **values: Any) -> None:
    """Give a layer what its specification has no place for, though the engine reads it."""
    vars(layer).update(values)


def main(arguments: Sequence[str], *, alone: bool = True) -> None:
    """``ROLE FOLDER QUANTIZATION RESULT``: convert, in a process that is ``alone`` for it."""
    if alone:
        end_with_parent()
    role, path, quantization, result = arguments
    ref = refer(named(role, path), Path(path))
    written = read_json(ref.path / "config.json")
    dtype = written.get("dtype") or written.get("torch_dtype")
    if dtype not in ("bfloat16", "float16"):
        dtype = "float32"
    ref = replace(ref, compute_type=dtype)
    convert(ref, open_codec(ref), quantization, Path(result))


if __name__ == "__main__":
    main(sys.argv[1:])
