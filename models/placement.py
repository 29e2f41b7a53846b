"""Where and how a model computes: device, engine and number format.

Decided before any model is loaded, from its family and what is installed here, so
that a setting that cannot work is one sentence at the start. torch is asked only
when the device is not the CPU.

What ``auto`` does was measured (bench.engines, bench.quality; AMD EPYC). On the CPU int8
makes BART's summaries 2.4 times as fast, alone and in batches. A translator gains as
much where it computes a single row; in batches our own loop in float32 is as fast, and
faster from twenty rows on. The one decoder that could be measured, the starter, lost
1.6 points of chrF by int8. So int8 is the summarizers', and others' on request.

Sentence encoders run in transformers and keep its default format, whatever is asked
of the others: they are small, and write nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from models import conversion
from models.errors import ModelError
from models.families import FAMILIES, SUMMARIZER, Shape

if TYPE_CHECKING:
    from models.selection import ModelRef

AUTO, TRANSFORMERS, CTRANSLATE2 = "auto", "transformers", "ctranslate2"

FORMATS: Mapping[tuple[str, str], tuple[str, ...]] = {
    (TRANSFORMERS, "cpu"): ("float32", "bfloat16", "float64"),
    (TRANSFORMERS, "cuda"): ("bfloat16", "float16", "float32", "float64"),
    (TRANSFORMERS, "mps"): ("bfloat16", "float16", "float32"),
    (CTRANSLATE2, "cpu"): ("int8", "float32"),
    (CTRANSLATE2, "cuda"): ("float16", "int8", "int8_float16", "bfloat16", "float32"),
}
"""By engine and kind of device: what it can compute in, its default first."""

# Their numbers grow beyond what float16 can hold; bfloat16 can.
_LARGE_NUMBERS = ("gemma3", "gemma3_text", "mt5", "t5", "umt5")

_KNOWN = tuple(dict.fromkeys(name for names in FORMATS.values() for name in names))
_DEVICE = re.compile(r"cpu|mps|cuda(?::(\d+))?")


def check_device(device: str) -> None:
    """Raise ``ModelError`` unless this machine has the device."""
    match = _DEVICE.fullmatch(device)
    if not match:
        raise ModelError(f"There is no device {device!r}; name cpu, cuda, cuda:N or mps.")
    if device == "cpu":
        return
    import torch

    cards = torch.cuda.device_count()
    metal = torch.backends.mps.is_available()
    if metal if device == "mps" else cards > int(match[1] or 0):
        return
    here = ["cpu", *(f"cuda:{number}" for number in range(cards)), *(["mps"] if metal else [])]
    raise ModelError(
        f"There is no device {device} here (torch {torch.__version__}); "
        f"available: {', '.join(here)}."
    )


def place(ref: ModelRef, device: str, engine: str = AUTO, compute_type: str = AUTO) -> ModelRef:
    """Return the reference with its device, engine and number format chosen.

    ``auto`` takes CTranslate2, where it is installed and can do what is asked, for
    encoder-decoders: on the CPU for those that summarize. Raises ``ModelError``.
    """
    check_device(device)
    kind = device.partition(":")[0]
    if compute_type not in (AUTO, *_KNOWN):
        raise ModelError(
            f"There is no number format {compute_type!r}; name auto, {', '.join(_KNOWN)}."
        )
    if engine not in (AUTO, TRANSFORMERS, CTRANSLATE2):
        raise ModelError(
            f"There is no engine {engine!r}; name {AUTO}, {TRANSFORMERS} or {CTRANSLATE2}."
        )
    if ref.task == "embed":
        return replace(
            ref,
            device=device,
            engine=TRANSFORMERS,
            compute_type="float32" if kind == "cpu" else FORMATS[TRANSFORMERS, kind][0],
        )
    if engine == CTRANSLATE2 and (reason := unable(ref, kind, compute_type)):
        raise ModelError(reason)
    if engine == AUTO:
        faster = _gains(ref, kind, compute_type) and not unable(ref, kind, compute_type)
        engine = CTRANSLATE2 if faster else TRANSFORMERS
    formats = FORMATS[engine, kind]
    if compute_type == AUTO:
        large = kind == "cuda" and ref.family in _LARGE_NUMBERS
        compute_type = "bfloat16" if large else formats[0]
    if compute_type not in formats:
        raise ModelError(
            f"{ref.name} cannot be computed in {compute_type} by {engine} on {kind}; "
            f"name {_either(formats)}{_elsewhere(ref, kind, compute_type)}."
        )
    placed = replace(ref, device=device, engine=engine, compute_type=compute_type)
    return _within(placed, conversion.window(ref)) if engine == CTRANSLATE2 else placed


def _within(ref: ModelRef, window: int) -> ModelRef:
    """Return the reference with its input and output within a sliding window, 0 for none.

    A sentence fits; a summarizer that would need more is not placed here at all.
    """
    if not window or conversion.longest(ref) <= window:
        return ref
    room = min(ref.max_output_tokens, window // 2)
    return replace(ref, max_input_tokens=window - room - 1, max_output_tokens=room)


def _gains(ref: ModelRef, kind: str, compute_type: str) -> bool:
    """Say whether CTranslate2 would be faster at no loss, or is the only one that can."""
    if compute_type not in (AUTO, *FORMATS[TRANSFORMERS, kind]):
        return True
    if FAMILIES[ref.family].shape is Shape.DECODER:
        return False
    return kind != "cpu" or (ref.role == SUMMARIZER and compute_type == AUTO)


def unable(ref: ModelRef, kind: str, compute_type: str = AUTO) -> str:
    """Return why CTranslate2 cannot do it and what would be right, "" if it can."""
    instead = "name --engine transformers, or auto"
    if not conversion.installed():
        return (
            "The engine ctranslate2 is not installed; run: pip install 'svodka[ctranslate2]', "
            f"or {instead}."
        )
    if reason := conversion.unable(ref):
        return f"CTranslate2 cannot run {ref.name}: {reason}; {instead}."
    formats = FORMATS.get((CTRANSLATE2, kind))
    if formats is None:
        return f"CTranslate2 does not compute on {kind}; {instead}, or another device."
    if compute_type not in (AUTO, *formats):
        return (
            f"CTranslate2 does not compute in {compute_type} on {kind}; name {_either(formats)}, "
            f"or {instead.removeprefix('name ')}."
        )
    return ""


def _elsewhere(ref: ModelRef, kind: str, compute_type: str) -> str:
    """Return which other engine computes in that format here, as the end of a sentence."""
    if compute_type in FORMATS.get((CTRANSLATE2, kind), ()) and not unable(ref, kind):
        return f", or --engine {CTRANSLATE2} for {compute_type}"
    return ""


def _either(names: tuple[str, ...]) -> str:
    shown = [name for name in names if name != "float64"]  # that is for tests
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
