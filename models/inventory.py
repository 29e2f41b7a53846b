"""What models there are, and how to get one.

Behind ``svodka models list|fetch``. ``fetch`` is the only function of the product
that downloads. Neither prints; the command line does. Whether a model on this disk
is sound is ``verification``'s question.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from models import fetching, presets, sources
from models.placement import AUTO, place
from models.presets import Built, Hub, Package
from models.selection import refer
from models.starter import build

# Bytes of one number: float32 is what "auto" means on a CPU, bfloat16 on a GPU.
_WIDTHS = {"float32": 4, "bfloat16": 2, "int8": 1}


@dataclass(frozen=True)
class Description:
    """One half of a preset; ``path`` is "" where the weights are not on this disk.

    Bytes: ``size`` on disk, or of the download; ``memory`` by the type of the numbers, the
    weights alone. What is None is not known.
    """

    preset: str
    role: str
    name: str
    source: str
    revision: str
    path: str
    engine: str
    licence: str
    gated: bool
    languages: str | None
    parameters: int | None
    size: int | None
    memory: dict[str, int] | None
    scores: str | None
    speed: str | None


def describe(cache: Path | None = None) -> list[Description]:
    """Return every preset's halves and where they are. Loads and builds nothing."""
    cache = cache or sources.default_cache()
    return [_described(row, cache) for row in presets.PRESETS]


def _described(row: presets.Row, cache: Path) -> Description:
    located = sources.on_disk(row, cache)
    match row.source:
        case Hub(id=id_, revision=pinned):
            source, revision = f"hub: {id_}", pinned or ""
        case Package(distribution=distribution):
            source, revision = f"pip: {distribution}", ""
        case _:
            source, revision = f"pip: {build.base()['package']}", build.revision()
    return Description(
        preset=row.preset,
        role=row.role,
        name=row.name,
        source=source,
        revision=located.revision if located else revision,
        path=str(located.path) if located else "",
        engine=place(refer(row, cache), "cpu").engine if located else AUTO,
        licence=row.licence or "",
        gated=row.gated,
        languages=row.languages,
        parameters=row.parameters,
        size=_size(located.path) if located else row.size,
        memory=_memory(row.parameters) if row.parameters else None,
        scores=row.scores,
        speed=row.speed,
    )


def _size(folder: Path) -> int:
    """Return the bytes of a folder's files, links followed."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def _memory(parameters: int) -> dict[str, int]:
    return {type_: parameters * width for type_, width in _WIDTHS.items()}


def fetch(
    model: str,
    *,
    folder: Path | None = None,
    cache: Path | None = None,
    accept_license: bool = False,
    announce: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Bring a preset or a hub id onto this disk, and return its folders.

    From the hub, or, without a network, from a ``folder`` that holds copies of what a
    fetch elsewhere brought. Raises ``ModelError``.
    """
    cache = cache or sources.default_cache()
    rows = presets.rows(model)
    wanted = [row.source for row in rows] or [sources.parse(model)]
    folders = []
    for source in wanted:
        if isinstance(source, Hub):
            announce(f"fetching {source.id}")
            place = fetching.fetch(source, folder, accepted=accept_license, announce=announce)
        else:
            if isinstance(source, Built) and not build.built(cache):
                announce("building the starter translator, once; this takes about a minute")
            place = sources.locate(source, cache, wanted=model).path
        announce(f"{place}")
        folders.append(place)
    return folders
