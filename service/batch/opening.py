"""The bytes of a file: local, remote or standard input, plain or compressed.

Compression is told by the first bytes and not by the name, which crawls get
wrong. A compressed file that ends too early is an EOFError, never a short file.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

from service.batch.extras import needed

STDIN = "-"
_CHUNK = 1 << 18
_HEAD = 1 << 10
_SPOOL = 1 << 26  # bytes kept in memory of a stream that has to be read back and forth


class Source:
    """An open file; ``stream`` gives its plain bytes, ``share`` how much of it was read."""

    def __init__(self, path: str, size: int | None) -> None:
        self._raw = _Counted(_open(path))
        self._size = size
        self._spool: Any = None
        # What a reader knows better than the position in the file, in [0, 1].
        self.share_read: float | None = None
        buffered = io.BufferedReader(self._raw, _CHUNK)
        head = buffered.peek(6)[:6]
        plain = next((opened for magic, opened in _COMPRESSED if head.startswith(magic)), None)
        self.stream: BinaryIO = cast("BinaryIO", plain(buffered) if plain else buffered)
        self._plain = plain is None

    @property
    def share(self) -> float:
        """The share of the file that was read, 0.0 where its size is not known."""
        if self.share_read is not None:
            return self.share_read
        return min(1.0, self._raw.count / self._size) if self._size else 0.0

    def head(self) -> bytes:
        """The first plain bytes, which stay to be read."""
        peek = getattr(self.stream, "peek", None)
        return peek(_HEAD)[:_HEAD] if peek else b""

    def seekable(self) -> BinaryIO:
        """The plain bytes as a file to move about in; spooled to disk if need be."""
        if self._plain and self._raw.seekable():
            return self.stream
        spool = tempfile.SpooledTemporaryFile(_SPOOL)  # noqa: SIM115 - closed with the source
        self._spool = spool
        while chunk := self.stream.read(_CHUNK):
            spool.write(chunk)
        spool.seek(0)
        return cast("BinaryIO", spool)

    def close(self) -> None:
        """Close the file, but not standard input."""
        if self._spool:
            self._spool.close()
        self._raw.close()


class _Counted(io.RawIOBase):
    """Counts the bytes that pass."""

    def __init__(self, raw: Any) -> None:
        self._inner = raw
        self.count = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._inner.seekable()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._inner.seek(offset, whence)

    def tell(self) -> int:
        return self._inner.tell()

    def readinto(self, buffer: Any) -> int:
        data = self._inner.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed and self._inner is not sys.stdin.buffer:
            self._inner.close()
        super().close()


def _open(path: str) -> Any:
    if path == STDIN:
        return sys.stdin.buffer
    if is_remote(path):
        return needed("fsspec", "files that are not local").open(path, "rb").open()
    if Path(path).is_dir():  # so says the same on every system
        raise IsADirectoryError(21, "Is a directory")
    return open(path, "rb", buffering=0)


def is_remote(path: str) -> bool:
    """Is it a URL for fsspec, such as ``s3://…``?"""
    return "://" in path


def _zstd(stream: io.BufferedReader) -> BinaryIO:
    zstandard = needed("zstandard", "zst files")
    return cast("BinaryIO", io.BufferedReader(_Frames(stream, zstandard.ZstdDecompressor), _CHUNK))


class _Frames(io.RawIOBase):
    """Zstandard frames one after the other; the library's own reader takes a cut for an end."""

    def __init__(self, stream: io.BufferedReader, decompressor: Callable[[], Any]) -> None:
        self._stream = stream
        self._decompressor = decompressor
        self._frame: Any = None
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            unused = self._frame.unused_data if self._frame and self._frame.eof else b""
            data = unused or self._stream.read1(_CHUNK)
            if not data:
                if self._frame and not self._frame.eof:
                    raise EOFError("the file ends in the middle of a frame")
                return 0
            if self._frame is None or self._frame.eof:
                self._frame = self._decompressor().decompressobj()
            try:
                self._ready = self._frame.decompress(data)
            except Exception as error:  # the library's own class, which only it can name
                raise OSError(f"not valid zstd: {error}") from error
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


_COMPRESSED: tuple[tuple[bytes, Callable[[Any], Any]], ...] = (
    (b"\x1f\x8b", lambda stream: gzip.GzipFile(fileobj=stream)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
    (b"\x28\xb5\x2f\xfd", _zstd),
)
