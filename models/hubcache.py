"""Models of the hub on this disk: the hub library's own cache (HF_HOME).

Its layout is the library's, so what is here is shared with everything else that
uses it: ``models--OWNER--NAME/`` holds ``blobs/`` named by content, ``snapshots/COMMIT/``
that link to them, and ``refs/NAME`` with a commit each. A snapshot carries a mark
from before its first file until its lock is written, so one that was left half done
is never taken for whole. Nothing here asks the network; ``fetching`` does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

NEWEST = "main"  # the ref that a hub id without a revision means
MARK = "svodka.unfinished"


def repository(id_: str) -> Path:
    """Return the folder of a hub id, which may not exist yet."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"models--{id_.replace('/', '--')}"


def snapshot(id_: str, revision: str) -> Path | None:
    """Return the folder of a commit, tag or branch, None where it is not on this disk."""
    place = repository(id_)
    ref = place / "refs" / revision
    commit = ref.read_text(encoding="utf-8").strip() if ref.is_file() else revision
    folder = place / "snapshots" / commit
    return folder if folder.is_dir() else None


def refer(id_: str, revision: str, commit: str) -> None:
    """Let a revision's name mean a commit from now on."""
    if revision == commit:
        return
    ref = repository(id_) / "refs" / revision
    ref.parent.mkdir(parents=True, exist_ok=True)
    written = ref.with_name(f"{ref.name}.svodka")
    written.write_text(commit, encoding="utf-8")
    os.replace(written, ref)


def begin(folder: Path) -> None:
    """Mark a snapshot as unfinished."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()


def finish(folder: Path) -> None:
    """Take the mark off."""
    (folder / MARK).unlink(missing_ok=True)


def unfinished(folder: Path) -> bool:
    """Say whether somebody began to fill a snapshot and did not come to the end."""
    return (folder / MARK).exists()


@contextmanager
def writing(id_: str, announce: Callable[[str], None]) -> Iterator[None]:
    """Be the only one on this machine to write a hub id's folder; wait for it if need be."""
    from filelock import FileLock, Timeout

    place = repository(id_)
    path = place.parent / ".locks" / place.name / "svodka.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    only = FileLock(path)
    try:
        only.acquire(timeout=0)
    except Timeout:
        announce(f"waiting for another process that is fetching {id_}")
        only.acquire()
    try:
        yield
    finally:
        only.release()
