"""A hub's model onto this disk: downloaded, or taken from a folder copied by hand.

The one module that uses the network. Whatever ends a fetch, a crash included, later
loads see a model that is whole or none: every file is checked against what its
publisher (or the lock that came along) says of it, and the lock is written last.

Token, mirror and folder are the hub library's own settings (HF_TOKEN, HF_ENDPOINT,
HF_HOME). Its downloads begin every file anew after an interruption, so the large files,
which it names by their SHA-256, are brought here and resumed; the rest is its own work.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from models import hubcache, licences, lock, sources
from models.errors import ModelError, first_line
from models.presets import Hub

Announce = Callable[[str], None]

# A tokenizer's and a config's files, at the top of a repository only; weights come apart.
_FILES = ("*.json", "*.txt", "*.model", "*.spm", "*.jinja", "README.md", "LICENSE*", "NOTICE*")
_WEIGHTS = ("model*.safetensors", "pytorch_model*.bin")  # the safer first

# Seconds to wait before each new try when the hub is busy or broken.
_PATIENCE = (1.0, 5.0, 15.0)
_PASSING = frozenset({429, 500, 502, 503, 504})


def fetch(source: Hub, folder: Path | None, *, accepted: bool, announce: Announce) -> Path:
    """Bring a model from the hub, or from a ``folder`` copied by hand, and return its place.

    ``accepted`` is the user's consent to a non-commercial licence. Raises ``ModelError``.
    """
    with _told(source), hubcache.writing(source.id, announce):
        if folder is None:
            return _patiently(lambda: _download(source, accepted), announce)
        return _take(source, _find(source, folder), accepted, announce)


def _patiently(attempt: Callable[[], Path], announce: Announce) -> Path:
    """Try again, a few times, while the hub is busy or broken."""
    for wait in _PATIENCE:
        try:
            return attempt()
        except Exception as error:
            if not _passes(error):
                raise
            announce(f"{_reason(error)}; trying again in {wait:.0f} s")
            time.sleep(wait)
    return attempt()


def _download(source: Hub, accepted: bool) -> Path:
    """Download what is not here yet, check it, lock it."""
    from huggingface_hub import HfApi

    info = HfApi().model_info(source.id, revision=source.revision, files_metadata=True)
    licence = info.card_data.get("license") if info.card_data else None
    named = str(licence) if licence else None  # a card may list several
    licences.require(source.id, named, accepted=accepted)
    published: dict[str, Any] = {file.rfilename: file for file in info.siblings or ()}
    files = [published[name] for name in _chosen(source.id, published)]
    commit = str(info.sha)
    folder = hubcache.repository(source.id) / "snapshots" / commit
    if hubcache.unfinished(folder) or not _locked(folder, commit):
        hubcache.begin(folder)
        _bring(source.id, commit, folder, files)
        lock.write(folder, source.id, commit)
        hubcache.finish(folder)
    # The name moves last: until here it means the model that was there before.
    hubcache.refer(source.id, source.revision or hubcache.NEWEST, commit)
    return folder


def _chosen(id_: str, names: Iterable[str]) -> list[str]:
    """Return the files to take: safetensors, or .bin where there are none."""
    top = [name for name in names if "/" not in name]
    for weights in _WEIGHTS:
        if any(fnmatch(name, weights) for name in top):
            patterns = (*_FILES, weights)
            return [
                name
                for name in top
                if any(fnmatch(name, pattern) for pattern in patterns)
                # An index is a .json, but of use with its own weights only.
                and (not name.endswith(".index.json") or fnmatch(name, f"{weights}.index.json"))
            ]
    raise ModelError(f"{id_} has no weights that svodka reads (safetensors or PyTorch's .bin).")


def _locked(folder: Path, commit: str) -> bool:
    """Say whether a folder is whole by its lock, which then is this commit's."""
    try:
        locked = lock.check(folder, thorough=True)
    except ModelError:
        return False
    return locked is not None and locked.revision == commit


def _bring(id_: str, commit: str, folder: Path, files: Sequence[Any]) -> None:
    """Fill a snapshot; what is there already stays if it is what was published."""
    from huggingface_hub import snapshot_download

    blobs = hubcache.repository(id_) / "blobs"
    for file in files:
        for path in (folder / file.rfilename, *([blobs / file.lfs.sha256] if file.lfs else [])):
            if path.exists() and not _as_published(path, file):
                path.resolve().unlink()
    large = [file for file in files if file.lfs and not (blobs / file.lfs.sha256).exists()]
    _require_room(blobs, sum(file.size - _size(_part(blobs, file)) for file in large))
    for file in large:
        _resume(id_, commit, blobs, file)
    small = [file for file in files if not (folder / file.rfilename).exists() and not file.lfs]
    names = [file.rfilename for file in files]
    snapshot_download(id_, revision=commit, allow_patterns=names)
    for file in small:
        _insist(folder / file.rfilename, file)


def _part(blobs: Path, file: Any) -> Path:
    return blobs / f"{file.lfs.sha256}.svodka.incomplete"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _resume(id_: str, commit: str, blobs: Path, file: Any) -> None:
    """Bring a large file into the blobs, from where an earlier try left it."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    part = _part(blobs, file)
    part.parent.mkdir(parents=True, exist_ok=True)
    if _size(part) > file.size:
        part.unlink()
    with part.open("ab") as stream:
        http_get(
            hf_hub_url(id_, file.rfilename, revision=commit),
            stream,
            resume_size=stream.tell(),
            headers=build_hf_headers() | {"Accept-Encoding": "identity"},
            expected_size=file.size,
            displayed_filename=file.rfilename,
        )
    _insist(part, file)
    os.replace(part, blobs / file.lfs.sha256)


def _as_published(path: Path, file: Any) -> bool:
    """Compare a file with its name on the hub.

    That is its SHA-256 for large files, and git's for others: the SHA-1 of "blob", the
    size, a zero byte and the content. A mirror may not say.
    """
    if file.lfs:
        return lock.sha256(path) == file.lfs.sha256
    content = path.read_bytes()
    name = hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False)
    return file.blob_id in (None, name.hexdigest())


def _insist(path: Path, file: Any) -> None:
    if not _as_published(path, file):
        path.resolve().unlink()
        raise ModelError(
            f"{file.rfilename} did not arrive as it was published; it is deleted, "
            "run the command again."
        )


def _take(source: Hub, folder: Path, accepted: bool, announce: Announce) -> Path:
    """Copy a model to where a download would be.

    With the lock that a download wrote beside it, the copy is checked by its hashes;
    without one it is taken as it is, under a revision named after its content.
    """
    locked = lock.read(folder)
    if locked is None:
        card = folder / "README.md"
        stated = licences.stated(card.read_text("utf-8")) if card.is_file() else None
        licences.require(source.id, stated, accepted=accepted)
        sources.whole(folder, "copy it again")
        announce(f"{folder} came without {lock.LOCK}: nothing tells whether it is the original")
        names = _chosen(source.id, (path.name for path in folder.iterdir() if path.is_file()))
        commit, files = sources.fingerprint(folder), dict.fromkeys(names)
    else:
        commit, files = locked.revision, locked.files
    if Path(commit).name != commit:  # it becomes a folder's name, and the lock a stranger's word
        raise ModelError(f"{folder / lock.LOCK} is damaged; copy the folder again.")
    if source.exact and commit != source.revision:
        raise ModelError(f"{folder} is {source.id} at {commit}, not at {source.revision}.")
    place = hubcache.repository(source.id)
    target = place / "snapshots" / commit
    if hubcache.unfinished(target) or not _locked(target, commit):
        staging = place / "svodka.staging"
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        try:
            _copy(folder, staging, files)
            sources.whole(staging, "copy it again")
            lock.write(staging, source.id, commit)
            _replace(target, staging)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    if not source.exact:
        hubcache.refer(source.id, hubcache.NEWEST, commit)
    return target


def _find(source: Hub, folder: Path) -> Path:
    """Return the folder of a model, ``folder`` or one below: by its lock, else by its name."""
    found = [config.parent for config in sorted(folder.rglob("config.json"))]
    for place in found:
        if (locked := lock.read(place)) and locked.name == source.id:
            return place
    names = {source.id.rpartition("/")[2], hubcache.repository(source.id).name}
    for place in found:
        if lock.read(place) is None and (place == folder or names & {*place.parts}):
            return place
    raise ModelError(
        f"{folder} holds no {source.id}: neither {lock.LOCK} nor a folder's name says so."
    )


def _copy(folder: Path, staging: Path, files: Mapping[str, lock.LockedFile | None]) -> None:
    """Copy files, each compared with what its lock says."""
    sizes = [(folder / name).stat().st_size for name in files if (folder / name).is_file()]
    _require_room(staging, sum(sizes))
    for name, expected in files.items():
        origin, copy = folder / name, staging / name
        if not copy.resolve().is_relative_to(staging.resolve()) or not origin.is_file():
            raise ModelError(f"{origin} is missing; copy the folder again.")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(origin, copy)
        if expected and lock.sha256(copy) != expected.sha256:
            raise ModelError(f"{origin} is not the file that was locked; copy it again.")


def _replace(target: Path, staging: Path) -> None:
    """Let a whole folder take another's place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        old = target.parent.parent / "svodka.old"
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
        shutil.rmtree(old)
    staging.rename(target)


def _require_room(place: Path, needed: int) -> None:
    """Raise before gigabytes are moved what would otherwise be found out after them."""
    while not place.exists():
        place = place.parent
    if (free := shutil.disk_usage(place).free) < needed:
        raise OSError(
            errno.ENOSPC, f"{needed / 1e6:,.0f} MB are needed and {free / 1e6:,.0f} MB free"
        )


@contextmanager
def _told(source: Hub) -> Iterator[None]:
    """Turn what may go wrong into one sentence each."""
    from huggingface_hub import constants, errors

    page = f"{constants.ENDPOINT}/{source.id}"
    try:
        yield
    except ModelError:
        raise
    except errors.OfflineModeIsEnabled as error:
        raise ModelError("HF_HUB_OFFLINE is set, so nothing is fetched; unset it.") from error
    except errors.GatedRepoError as error:
        raise ModelError(
            f"{source.id} is gated: agree to its terms at {page}, and set HF_TOKEN to a token "
            "of the account that did."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(
            f"{source.id} has no revision {source.revision!r}; see {page}/commits."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(
            f"There is no {page}, or it is private; check the name, and HF_TOKEN if it is."
        ) from error
    except OSError as error:
        if errno.ENOSPC in (error.errno, getattr(error.__cause__, "errno", None)):
            raise ModelError(
                f"No space is left for {source.id} in {hubcache.repository(source.id)} "
                f"({error.strerror}); free some, or set HF_HOME to another disk."
            ) from error
        raise _failed(source, error) from error
    except Exception as error:  # the hub library's own, or its transport's, which has changed
        raise _failed(source, error) from error


def _failed(source: Hub, error: Exception) -> ModelError:
    return ModelError(
        f"{source.id} could not be fetched ({_reason(error)}); check the network and "
        "HF_ENDPOINT, then run the command again: it goes on where it stopped."
    )


def _reason(error: Exception) -> str:
    """Return what happened, as part of a sentence."""
    return first_line(error).rstrip(".:")


def _passes(error: BaseException | None) -> bool:
    """Say whether a failure is the hub's own and may pass."""
    while error is not None:
        if getattr(getattr(error, "response", None), "status_code", None) in _PASSING:
            return True
        error = error.__cause__  # the hub library wraps what its requests met
    return False
