"""The lines of the output and of the errors, and what a run that was killed left of them.

A line is either whole or not there: what cannot be written whole (a full disk)
is taken back, and what is found broken (a cut last line, blocks of zeros after
a power cut) is removed before anything is added. Compressed files grow by whole
gzip members or zstd frames, so that the same holds for them. Parquet is in
``parts``.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from service.batch.extras import needed
from service.batch.opening import Source
from service.batch.record import Place

SYNC_SECONDS = 1.0  # what a power cut may cost
_MEMBER_BYTES = 1 << 20  # of text in one compressed member,
_MEMBER_SECONDS = 10.0  # or so much time
_CHUNK = 1 << 20
_HEAD = re.compile(rb'\{"input": ("(?:[^"\\]|\\.)*"), "id": ("(?:[^"\\]|\\.)*")')

Key = tuple[Place, str]
"""A line's place and its article's id."""


class Lines(Protocol):
    """A file of lines that only grows."""

    def recover(self) -> Iterator[Key]:
        """The keys of the lines there are; removes what is broken. Before the first ``write``."""
        ...

    def write(self, lines: Sequence[bytes]) -> None:
        """Add whole lines, each with its end. Raises OSError, and has then added none."""
        ...

    def flush(self, *, force: bool = False) -> None:
        """Bring what was written to the disk, if it is time or by ``force``."""
        ...

    def close(self) -> None:
        """Flush and close."""
        ...


def key_of(line: bytes) -> Key | None:
    """The key of a line that is whole; None for one that is not."""
    head = _HEAD.match(line)
    if head is None or not line.endswith(b"}\n") or b"\0" in line:
        return None
    return Place.parse(json.loads(head[1])), json.loads(head[2])


class PlainLines:
    """A file of lines, not compressed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1
        self._end = 0
        self._synced = time.monotonic()
        self._dirty = False

    def recover(self) -> Iterator[Key]:
        """See ``Lines``."""
        if not self.path.exists():
            return
        end = broken_at = 0
        inside = False
        with self.path.open("rb") as file:
            for line in file:
                key = key_of(line)
                if key is None:
                    broken_at = broken_at or end + 1
                else:
                    inside = inside or bool(broken_at)
                    yield key
                end += len(line)
        if inside:
            _rewrite(self.path)
        elif broken_at:
            os.truncate(self.path, broken_at - 1)

    def write(self, lines: Sequence[bytes]) -> None:
        """See ``Lines``."""
        self._append(b"".join(lines))

    def flush(self, *, force: bool = False) -> None:
        """See ``Lines``."""
        if self._dirty and (force or time.monotonic() - self._synced >= SYNC_SECONDS):
            os.fsync(self._file)
            self._synced = time.monotonic()
            self._dirty = False

    def close(self) -> None:
        """See ``Lines``."""
        self._open()  # so that there is a file, be it empty
        self.flush(force=True)
        os.close(self._file)
        self._file = -1

    def _open(self) -> None:
        if self._file < 0:
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            self._end = os.fstat(self._file).st_size

    def _append(self, data: bytes) -> None:
        self._open()
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError:
            os.ftruncate(self._file, self._end)
            raise
        self._end += len(data)
        self._dirty = True


class PackedLines(PlainLines):
    """Lines in gzip members or zstd frames of about a megabyte of text each."""

    def __init__(self, path: Path, pack: Callable[[bytes], bytes], unpack: Callable[[], Any]):
        super().__init__(path)
        self._pack = pack
        self._unpack = unpack
        self._waiting: list[bytes] = []
        self._size = 0
        self._since = time.monotonic()

    def recover(self) -> Iterator[Key]:
        """See ``Lines``."""
        if not self.path.exists():
            return
        whole = 0
        for end, text in _members(self.path, self._unpack):
            keys = [key_of(line) for line in text.splitlines(keepends=True)]
            if None in keys:
                break
            whole = end
            yield from (key for key in keys if key)
        os.truncate(self.path, whole)

    def write(self, lines: Sequence[bytes]) -> None:
        """See ``Lines``; what waits for more is lost with the process."""
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting += lines
        self._size += sum(map(len, lines))

    def flush(self, *, force: bool = False) -> None:
        """See ``Lines``."""
        due = self._size >= _MEMBER_BYTES or time.monotonic() - self._since >= _MEMBER_SECONDS
        if self._waiting and (due or force):
            self._append(self._pack(b"".join(self._waiting)))
            self._waiting, self._size = [], 0
        super().flush(force=force)


def open_lines(path: Path) -> Lines:
    """The lines of a file, compressed as its name says."""
    if path.suffix == ".gz":
        return PackedLines(path, gzip.compress, lambda: zlib.decompressobj(31))
    if path.suffix in (".zst", ".zstd"):
        zstandard = needed("zstandard", "zst files")
        return PackedLines(
            path,
            zstandard.ZstdCompressor().compress,
            lambda: zstandard.ZstdDecompressor().decompressobj(),
        )
    return PlainLines(path)


def text_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file of lines, for reading."""
    with closing(Source(str(path), None)) as source:
        yield from source.stream


def _rewrite(path: Path) -> None:
    """Leave the broken lines out, at no moment without the others."""
    fresh = path.with_name(path.name + ".tmp")
    with path.open("rb") as old, fresh.open("wb") as new:
        new.writelines(line for line in old if key_of(line))
        new.flush()
        os.fsync(new.fileno())
    fresh.replace(path)


def _members(path: Path, unpack: Callable[[], Any]) -> Iterator[tuple[int, bytes]]:
    """Each whole member's end in the file, and its text."""
    with path.open("rb") as file:
        member, parts, rest = unpack(), [], b""
        while data := rest or file.read(_CHUNK):
            try:
                parts.append(member.decompress(data))
            except Exception:  # each library has its own; what follows is not ours to read
                return
            rest = b""
            if member.eof:
                rest = member.unused_data
                yield file.tell() - len(rest), b"".join(parts)
                member, parts = unpack(), []
