"""``svodka.lock.json``: what a folder of weights must contain.

It lies beside the weights and names their revision and each file's size and
SHA-256. Loading compares sizes, which costs nothing and catches interrupted
copies; ``thorough`` compares the hashes too. A folder without a lock is the
user's own and is taken as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from models.errors import ModelError

LOCK = "svodka.lock.json"


@dataclass(frozen=True)
class LockedFile:
    """A file's size in bytes and the SHA-256 of its content, in hex."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Lock:
    """What a folder must contain; keys of ``files`` are paths within it."""

    name: str
    revision: str
    files: dict[str, LockedFile]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(folder: Path, name: str, revision: str) -> Lock:
    """Lock a folder as it is now, and return what was written."""
    files = {
        path.relative_to(folder).as_posix(): LockedFile(path.stat().st_size, sha256(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("svodka.")  # our own notes
    }
    content = {
        "name": name,
        "revision": revision,
        "files": {key: vars(file) for key, file in files.items()},
    }
    written = folder / f"{LOCK}.part"
    written.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    os.replace(written, folder / LOCK)
    return Lock(name, revision, files)


def read(folder: Path) -> Lock | None:
    """Return the folder's lock, or None where there is none.

    Raises ``ModelError`` when the lock itself is damaged.
    """
    try:
        content = json.loads((folder / LOCK).read_text(encoding="utf-8"))
        files = {key: LockedFile(**file) for key, file in content["files"].items()}
        return Lock(content["name"], content["revision"], files)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ModelError(
            f"{folder / LOCK} is damaged; delete it and fetch the model again."
        ) from None


def check(folder: Path, *, thorough: bool = False) -> Lock | None:
    """Compare a folder with its lock and return the lock, None without one.

    Raises ``ModelError`` naming the first file that is missing or changed.
    """
    lock = read(folder)
    for key, expected in lock.files.items() if lock else ():
        path = folder / key
        if not path.is_file():
            raise ModelError(f"{path} is missing; fetch the model again.")
        if path.stat().st_size != expected.size or (thorough and sha256(path) != expected.sha256):
            raise ModelError(
                f"{path} is not the file that was locked; delete it and fetch the model again."
            )
    return lock
