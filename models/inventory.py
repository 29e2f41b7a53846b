"""What models there are, and how to get one.

Behind ``svodka models list|fetch``. ``fetch`` is the only function of the product
that downloads. Neither prints; the command line does. Whether a model on this disk
is sound is ``verification``'s question.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from models import licences, lock, presets, sources
from models.errors import ModelError
from models.presets import Built, Hub, Package
from models.starter import build

# A tokenizer's and a config's files, at the top of a repository only; weights come apart.
_FILES = ("*.json", "*.txt", "*.model", "*.spm", "*.jinja", "README.md", "LICENSE*", "NOTICE*")


@dataclass(frozen=True)
class Description:
    """One half of a preset; ``path`` is "" where the weights are not on this disk."""

    preset: str
    role: str
    name: str
    source: str
    revision: str
    path: str
    engine: str
    licence: str
    parameters: int | None


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
        engine="transformers",
        licence=row.licence or "",
        parameters=row.parameters,
    )


def fetch(
    model: str,
    *,
    cache: Path | None = None,
    accept_license: bool = False,
    announce: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Bring a preset or a hub id onto this disk, and return its folders.

    Interrupted downloads go on where they stopped; token and mirror are the hub
    library's own settings (HF_TOKEN, HF_ENDPOINT). Raises ``ModelError``.
    """
    cache = cache or sources.default_cache()
    rows = presets.rows(model)
    wanted = [row.source for row in rows] or [sources.parse(model)]
    folders = []
    for source in wanted:
        if isinstance(source, Hub):
            announce(f"fetching {source.id}")
            folder = _download(source, accepted=accept_license)
        else:
            if isinstance(source, Built) and not build.built(cache):
                announce("building the starter translator, once; this takes about a minute")
            folder = sources.locate(source, cache, wanted=model).path
        announce(f"{folder}")
        folders.append(folder)
    return folders


def _download(source: Hub, *, accepted: bool) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    try:
        info = HfApi().model_info(source.id, revision=source.revision)
        licence = info.card_data.get("license") if info.card_data else None
        licences.require(source.id, licence, accepted=accepted)
        names = [file.rfilename for file in info.siblings or () if "/" not in file.rfilename]
        folder = Path(
            snapshot_download(
                source.id,
                revision=source.revision or info.sha,
                allow_patterns=[*_FILES, _weights(source.id, names)],
                ignore_patterns=["*/*"],
            )
        )
    except ModelError:
        raise
    except Exception as error:  # the hub's own, its transport's (which has changed), the disk's
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"{source.id} could not be fetched ({reason}); check the name, the network and, for "
            "a gated model, HF_TOKEN, then run the command again: it goes on where it stopped."
        ) from error
    lock.write(folder, source.id, info.sha or folder.name)
    return folder


def _weights(name: str, files: list[str]) -> str:
    """Return the pattern of the weights to take: safetensors where there are any."""
    for pattern in ("model*.safetensors", "pytorch_model*.bin"):
        if any(fnmatch(file, pattern) for file in files):
            return pattern
    raise ModelError(f"{name} has no weights that svodka reads (safetensors or PyTorch's .bin).")
