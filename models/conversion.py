"""Models in CTranslate2's own form, converted once into the cache.

A conversion is named by the content it was made from, CTranslate2's version and its
number format, so nothing old is ever taken for it. Its vocabulary is the ids
themselves, written in decimal: our codec has done the tokenizing, and a real
vocabulary would only bring duplicate, odd and missing strings with it. What the
model's files say about decoding lies beside the weights (``Told``).

This module finds conversions and has them made; ``converter`` makes them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from models import gguf_files, lock, sources
from models.errors import ModelError
from models.families import SUMMARIZER, read_json
from models.making import make_once

if TYPE_CHECKING:
    from models.selection import ModelRef

_ENCODER_DECODERS = ("bart", "m2m_100", "marian", "mbart", "mt5", "pegasus", "t5", "umt5")
_DECODERS = ("gemma", "gemma3", "gemma3_text", "llama", "mistral", "qwen2", "qwen3")

FAMILIES = frozenset([*_ENCODER_DECODERS, *_DECODERS])
"""The families of ``models.families`` whose conversions give the reference's probabilities.

CTranslate2 has converters for Gemma 2 and Phi 3 too; it knows no soft-capped attention,
and fails on what transformers 5 makes of Phi's positions.
"""

_SENTENCE = 256  # tokens for a sentence, the prompt around it and its translation

_ROPES = {"default", "linear", "llama3"}

TOLD = "svodka.told.json"

# Part of a conversion's name: change it whenever ``converter`` comes to write something else.
RECIPE = 3


@dataclass(frozen=True)
class Told:
    """What the model's own files say about decoding, all as ids.

    ``ends`` end an output; ``start`` is before its first token and ``forced_bos``, if
    any, is that token; ``suppressed`` are sequences that never come out. ``vocabulary`` is
    the number of ids, ``parameters`` the number of weights.
    """

    ends: tuple[int, ...]
    start: int | None
    forced_bos: int | None
    suppressed: tuple[tuple[int, ...], ...]
    vocabulary: int
    parameters: int


def installed() -> bool:
    """Say whether CTranslate2 is there. Imports nothing."""
    return find_spec("ctranslate2") is not None


def unable(ref: ModelRef) -> str:
    """Return why CTranslate2 cannot run a model, "" if it can. Reads the config alone."""
    if ref.family not in FAMILIES:
        return f"it does not convert the family {ref.family}"
    if gguf_files.find(ref.path):
        return "it does not convert GGUF files"
    config = read_json(ref.path / "config.json")
    if "quantization_config" in config:
        return "its weights are quantized already"
    text = config.get("text_config", config)
    ropes = text.get("rope_parameters") or text.get("rope_scaling") or {}
    for rope in ropes.values() if "full_attention" in ropes else (ropes,):
        kind = (rope or {}).get("rope_type") or (rope or {}).get("type") or "default"
        if kind not in _ROPES:
            return f"it does not compute {kind} positions"
    least = longest(ref) if ref.role == SUMMARIZER else min(longest(ref), _SENTENCE)
    if (seen := window(ref)) and seen < least:
        return f"it takes at most {seen} tokens of a model with a sliding window"
    return ""


def window(ref: ModelRef) -> int:
    """Return the most tokens that CTranslate2 takes of a model with a sliding window, else 0.

    Beyond the window it computes something else than the reference.
    """
    config = read_json(ref.path / "config.json")
    text = config.get("text_config", config)
    slides = text.get("use_sliding_window", True) and text.get("sliding_window")
    if ref.family.startswith("gemma3"):
        slides = text.get("sliding_window", 4096)  # its class's default
    return slides or 0


def longest(ref: ModelRef) -> int:
    """Return the most tokens that a decoder's input, output and end mark come to."""
    return ref.max_input_tokens + ref.max_output_tokens + 1


def ensure(ref: ModelRef) -> Path:
    """Return the folder with a model's conversion, converting it if that was not done yet.

    Safe to call from several processes at once. Raises ``ModelError`` if the conversion
    fails, or if the cache cannot be written.
    """
    assert ref.cache is not None
    name = "-".join(
        [
            sources.fingerprint(ref.path).removeprefix("folder-"),
            ref.compute_type,
            version("ctranslate2"),
            str(RECIPE),
        ]
    )
    folder = ref.cache / "ctranslate2" / name

    def whole() -> bool:
        try:
            return lock.check(folder) is not None
        except ModelError:
            return False

    return make_once(
        folder,
        ["models.converter", ref.role, str(ref.path), ref.compute_type],
        whole=whole,
        doing=f"converting {ref.name} for CTranslate2",
        needs="about twice the weights' size in memory, and their size on disk",
    )


def told(folder: Path) -> Told:
    """Return what a conversion's folder says about decoding."""
    content = json.loads((folder / TOLD).read_text(encoding="utf-8"))
    content["ends"] = tuple(content["ends"])
    content["suppressed"] = tuple(map(tuple, content["suppressed"]))
    return Told(**content)
