"""Which two models will work, decided before either is loaded.

A ``ModelRef`` is all that another process needs to open a model; it is small,
picklable and comparable. Choosing reads JSON files only, so a server's parent can
do it; building the starter, where that is due, happens in a process of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from models import families, licences, placement, presets, sources
from models.decoding import Decoding
from models.errors import ModelError
from models.families import SUMMARIZER, TRANSLATOR, Shape

# Chat models may hold a hundred thousand tokens; attention over so many is not worth its time.
_WINDOW = 8192


@dataclass(frozen=True)
class ModelRef:
    """A model on this disk and how to ask it.

    ``max_input_tokens`` bounds one unit, special tokens and prompt included;
    ``max_output_tokens`` is the most it has positions for, whatever a decoding says.
    ``prompt`` has ``{text}`` where the input goes; with ``chat`` it becomes a
    message in the model's own template. ``safer`` is the search for a second try.
    ``cache`` is where an engine may keep what it makes of the weights.
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
    max_output_tokens: int = 512
    cache: Path | None = None


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
    engine: str = "auto",
    compute_type: str = "auto",
    accept_license: bool = False,
) -> Selection:
    """Choose the models; without a preset, ``news`` if it is on disk, else ``starter``.

    ``summarizer`` and ``translator`` override one half with a folder or a hub id.
    ``placement`` says what ``device``, ``engine`` and ``compute_type`` may be and what
    "auto" comes to. ``accept_license`` says that the user may use a named model whose
    licence forbids commercial use. Raises ``ModelError`` with what to do.
    """
    cache = cache or sources.default_cache()
    preset = preset or _default(cache)
    if preset not in presets.NAMES:
        raise ModelError(
            f"There is no preset {preset!r}; the presets are {', '.join(presets.NAMES)}."
        )
    instead = {SUMMARIZER: summarizer, TRANSLATOR: translator}
    refs = {}
    for row in presets.rows(preset):
        model = instead[row.role]
        chosen = named(row.role, model) if model else row
        if model and not accept_license:
            licences.check(sources.locate(chosen.source, cache, wanted=model).path)
        refs[row.role] = placement.place(refer(chosen, cache), device, engine, compute_type)
    return Selection(preset, refs[SUMMARIZER], refs[TRANSLATOR])


def refer(row: presets.Row, cache: Path) -> ModelRef:
    """Return the reference to a row's model, found on this disk."""
    located = sources.locate(row.source, cache, wanted=row.preset)
    config = families.read_config(located.path, row.role)
    decoding = row.decoding or config.decoding(row.role)
    shape, limit, room = config.row.shape, config.limit(), 0
    match shape:
        case Shape.ENCODER:
            limit = min(limit, families.sentence_limit(located.path))
        case Shape.DECODER:  # one window for input, output and the end mark
            window = min(limit, _WINDOW)
            room = min(decoding.max_tokens, window // 2)
            limit = window - room - 1
        case Shape.ENCODER_DECODER:  # the output has positions of its own, and two marks
            room = config.output_limit() - 2
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
        prompt=config.prompt(row.role),
        chat=shape is Shape.DECODER and not config.told_prompt(row.role),
        max_output_tokens=room,
        cache=cache,
    )


def safer(decoding: Decoding) -> Decoding:
    """Return a second try for a model nobody tuned one for: wider, and no loops."""
    return replace(
        decoding,
        num_beams=max(4, decoding.num_beams),
        no_repeat_ngram_size=decoding.no_repeat_ngram_size or 4,
    )


def named(role: str, model: str) -> presets.Row:
    """Return a row for a folder or a hub id; the preset's own row if it is one."""
    for row in presets.PRESETS:
        if row.role == role and row.name == model:
            return replace(row, preset=model)
    source = sources.parse(model)
    name = source.id if isinstance(source, presets.Hub) else Path(model).resolve().name
    return presets.Row(preset=model, role=role, name=name, source=source)


def _default(cache: Path) -> str:
    """Return ``news`` if both its halves are on disk, else ``starter``."""
    found = all(sources.on_disk(row, cache) for row in presets.rows("news"))
    return "news" if found else "starter"
