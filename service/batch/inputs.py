"""From the command line's inputs to the files they stand for, and what identifies those.

An input is a file, a folder (everything readable below it), a pattern, a URL of
any of the three, or ``-``. The order is that of the arguments, and within one
that of the names, so it is the same on every run.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from service.batch.extras import needed
from service.batch.opening import STDIN, is_remote

FORMATS = {
    "jsonl": "jsonl", "ndjson": "jsonl", "json": "json", "csv": "csv", "tsv": "tsv",
    "tab": "tsv", "parquet": "parquet", "pq": "parquet", "arrow": "arrow", "feather": "arrow",
    "arrows": "arrow", "warc": "warc", "txt": "text", "text": "text", "md": "text",
    "markdown": "text", "html": "html", "htm": "html", "xhtml": "html",
}  # fmt: skip
_COMPRESSIONS = frozenset({".gz", ".bz2", ".xz", ".zst", ".zstd"})
_NAMED = 1000  # files that a fingerprint names, to tell which of them changed


@dataclass(frozen=True, slots=True)
class File:
    """A file to be read. ``form`` is "" where neither name nor user tells its format.

    ``size`` and ``changed`` (when, as its system says it) are None where unknown.
    ``fault`` says why it is none.
    """

    path: str
    form: str
    size: int | None = None
    changed: str | None = None
    fault: str = ""


def files(arguments: Sequence[str], form: str, passed_over: set[Path]) -> Iterator[File]:
    """The files of all arguments, each once; ``passed_over`` (our own output) is left out."""
    seen: set[str] = set()
    for argument in arguments:
        for file in _files(argument, form):
            if len(arguments) > 1:  # a folder of millions needs no memory for their names
                if file.path in seen:
                    continue
                seen.add(file.path)
            local = file.path != STDIN and not is_remote(file.path)
            if not (local and _is_within(Path(file.path).resolve(), passed_over)):
                yield file


def _is_within(path: Path, passed_over: set[Path]) -> bool:
    return not passed_over.isdisjoint((path, *path.parents))


def format_of(path: str) -> str:
    """The format that a name tells, below the name of a compression; "" if it tells none."""
    name = Path(path.rpartition("/")[2].lower())
    while name.suffix in _COMPRESSIONS:
        name = name.with_suffix("")
    return FORMATS.get(name.suffix[1:], "")


def fingerprint(listed: Iterable[File]) -> dict[str, Any]:
    """What changes if the files do: their names, sizes and times, in one number and by name."""
    digest, count, size = blake2b(digest_size=16), 0, 0
    first: dict[str, str] = {}
    for file in listed:
        count += 1
        size += file.size or 0
        digest.update(repr((file.path, file.form, file.size, file.changed)).encode())
        if count <= _NAMED:
            first[file.path] = file.fault or f"{file.size} bytes, changed {file.changed}"
    return {"count": count, "bytes": size, "fingerprint": digest.hexdigest(), "first": first}


def _files(argument: str, form: str) -> Iterator[File]:
    if argument == STDIN:
        yield File(STDIN, form)
    elif is_remote(argument):
        yield from _remote(argument, form)
    elif os.path.isdir(argument):
        yield from _folder(argument, _walked(argument), form)
    elif glob.has_magic(argument) and not os.path.exists(argument):
        found = sorted(glob.glob(argument, recursive=True))
        if not found:
            yield File(argument, form, fault="no file is named so")
        for path in found:
            if os.path.isdir(path):
                yield from _folder(path, _walked(path), form)
            else:
                yield _local(path, form)
    else:
        yield _local(argument, form)


def _folder(argument: str, paths: Iterator[str], form: str) -> Iterator[File]:
    """The files below a folder whose names tell a format."""
    empty = True
    for path in paths:
        if told := format_of(path):
            empty = False
            yield _local(path, form or told)
    if empty:
        yield File(argument, form, fault="holds no file of a known format")


def _walked(folder: str) -> Iterator[str]:
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (os.path.join(path, name) for name in sorted(names) if name[0] != ".")


def _local(path: str, form: str) -> File:
    form = form or format_of(path)
    try:
        status = os.stat(path)
    except OSError as error:
        return File(path, form, fault=error.strerror or str(error))
    return File(path, form, status.st_size, str(status.st_mtime_ns))


def _remote(url: str, form: str) -> Iterator[File]:
    fsspec = needed("fsspec", "files that are not local")
    try:
        system, path = fsspec.core.url_to_fs(url)
        if glob.has_magic(path):
            found = system.glob(path)
        elif system.isdir(path):
            found = [name for name in system.find(path) if format_of(name)]
        else:
            found = [path]
        if not found:
            yield File(url, form, fault="holds no file of a known format")
        for name in sorted(found):
            told = form or format_of(name)
            facts = system.info(name)
            changed = facts.get("ETag") or facts.get("LastModified") or facts.get("mtime")
            changed = changed or facts.get("created")
            if isinstance(changed, datetime):
                changed = changed.isoformat()
            named = url if name == path else system.unstrip_protocol(name)
            yield File(named, told, facts.get("size"), None if changed is None else str(changed))
    except Exception as error:  # whatever the file system's library raises, it is the input's
        yield File(url, form, fault=" ".join(str(error).split()) or type(error).__name__)
