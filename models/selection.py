"""Which two models will work, decided before either is loaded.

A ``ModelRef`` is all that another process needs to open a model; it is small,
picklable and comparable. Choosing reads JSON files only, so a server's parent can
do it; building the starter, where that is due, happens in a process of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from models import families, presets, sources
from models.decoding import Decoding
from models.errors import ModelError
from models.families import SUMMARIZER, TRANSLATOR, Shape

# Room for a preset's own figure: positions a decoder keeps for its answer.
_CONTEXT = 8192


@dataclass(frozen=True)
class ModelRef:
    """A model on this disk and how to ask it.

    ``max_input_tokens`` bounds one unit, special tokens and prompt included.
    ``prompt`` has ``{text}`` where the input goes; with ``chat`` it becomes a
    message in the model's own template. ``safer`` is the search for a second try.
    """

    role: str
    task: str
    name: str
    revision: str
    path: Path
    engine: str
    compute_type: str
    family: str
    max_input_tokens: int
    decoding: Decoding
    safer: Decoding
    prompt: str = "{text}"
    chat: bool = False
    device: str = "cpu"


@dataclass(frozen=True)
class Selection:
    """The two models of a run; ``preset`` is what was chosen, also by default."""

    preset: str
    summarizer: ModelRef
    translator: ModelRef


def select(
    preset: str | None = None,
    *,
    summarizer: str | None = None,
    translator: str | None = None,
    cache: Path | None = None,
    device: str = "cpu",
    compute_type: str = "auto",
) -> Selection:
    """Choose the models; without a preset, ``news`` if it is on disk, else ``starter``.

    ``summarizer`` and ``translator`` override one half with a folder or a hub id.
    ``compute_type`` is a torch dtype's name; "auto" is float32 on the CPU and
    bfloat16 elsewhere. Raises ``ModelError`` with what to do.
    """
    cache = cache or sources.default_cache()
    preset = preset or _default(cache)
    if preset not in presets.NAMES:
        raise ModelError(
            f"There is no preset {preset!r}; the presets are {', '.join(presets.NAMES)}."
        )
    if compute_type == "auto":
        compute_type = "float32" if device == "cpu" else "bfloat16"
    named = {SUMMARIZER: summarizer, TRANSLATOR: translator}
    refs = {}
    for row in presets.rows(preset):
        if name := named[row.role]:
            row = _overridden(row.role, name)
        refs[row.role] = replace(refer(row, cache), device=device, compute_type=compute_type)
    return Selection(preset, refs[SUMMARIZER], refs[TRANSLATOR])


def refer(row: presets.Row, cache: Path) -> ModelRef:
    """Return the reference to a row's model, found on this disk."""
    source = row.source
    located = sources.locate(source, cache, wanted=row.preset)
    config = families.read_config(located.path, row.role)
    decoding = row.decoding or config.decoding(row.role, located.path)
    shape = config.row.shape
    limit = config.limit()
    if shape is Shape.DECODER:
        limit = min(limit, _CONTEXT) - decoding.max_tokens
    elif shape is Shape.ENCODER:
        limit = min(limit, families.sentence_limit(located.path))
    return ModelRef(
        role=row.role,
        task="embed" if shape is Shape.ENCODER else "generate",
        name=row.name,
        revision=located.revision,
        path=located.path,
        engine="transformers",
        compute_type="float32",
        family=config.family,
        max_input_tokens=min(limit, row.max_input_tokens or limit),
        decoding=decoding,
        safer=row.safer or safer(decoding),
        prompt=row.prompt or config.prompt(row.role),
        chat=shape is Shape.DECODER and row.prompt is None,
    )


def safer(decoding: Decoding) -> Decoding:
    """Return a second try for a model nobody tuned one for: wider, and no loops."""
    return replace(
        decoding,
        num_beams=max(4, decoding.num_beams),
        no_repeat_ngram_size=decoding.no_repeat_ngram_size or 4,
    )


def _overridden(role: str, model: str) -> presets.Row:
    """Return a row for a model that the user named; a preset's own row if it is one."""
    for row in presets.PRESETS:
        if row.role == role and row.source == presets.Hub(model):
            return replace(row, preset=model)
    source = sources.parse(model)
    name = source.resolve().name if isinstance(source, Path) else model
    return presets.Row(preset="", role=role, name=name, source=source)


def _default(cache: Path) -> str:
    """Return ``news`` if both its halves are on disk, else ``starter``."""
    found = all(sources.on_disk(row, cache) for row in presets.rows("news"))
    return "news" if found else "starter"
