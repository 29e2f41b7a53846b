"""Has a file changed that is followed while the server runs?"""

from __future__ import annotations

from pathlib import Path


def stamp(*paths: Path | None) -> tuple[object, ...]:
    """Return what changes when one of the files does, is replaced, or goes away."""
    return tuple(_stamp(path) for path in paths if path is not None)


def _stamp(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
