"""Paragraphs that stand in many articles of a source: appeals, newsletter boxes, notices.

They are counted exactly and in bounded memory: every paragraph becomes twenty
bytes, the bytes are spilled to disk in portions by their first bits, and each
portion is counted by itself. A source is a host of an ``url``; articles without
one are one. Who reads the dump for it is ``index``.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from service.schema import Article, Range

LEAST = 5  # articles of a source in which a paragraph is no chance,
SHARE = 0.01  # and their share among the source's
_PORTIONS = 64
_SOURCES = 1 << 20  # counters of articles; sources that share one are rare
_BUFFER = 1 << 16
_ENTRY = np.dtype([("key", "<u8"), ("article", "<u8"), ("source", "<u4")])

Offsets = list[tuple[int, int]]


class Boilerplate:
    """The paragraphs that are repeated, by their keys."""

    def __init__(self, keys: np.ndarray, fingerprint: str) -> None:
        self._keys = keys
        self.fingerprint = fingerprint

    def __len__(self) -> int:
        return len(self._keys)

    def ranges(self, article: Article, text: str, offsets: Offsets) -> tuple[Range, ...]:
        """Where repeated paragraphs stand in ``text``."""
        if not (offsets and len(self._keys)):
            return ()
        source = source_of(article)
        keys = np.array([key_of(source, text[a:b]) for a, b in offsets], "<u8")
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        found = self._keys[at] == keys
        if found.all():  # a story that was told again and again is a story still
            return ()
        return tuple(Range(a, b) for (a, b), is_in in zip(offsets, found, strict=True) if is_in)

    def save(self, path: Path) -> None:
        """Write it, whole or not at all."""
        fresh = path.with_name(path.name + ".tmp")
        with fresh.open("wb") as file:
            np.savez(file, keys=self._keys, fingerprint=np.array(self.fingerprint))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    @staticmethod
    def load(path: Path) -> Boilerplate | None:
        """What was saved; None if there is nothing that can be read."""
        try:
            with np.load(path, allow_pickle=False) as data:
                return Boilerplate(data["keys"], str(data["fingerprint"]))
        except (OSError, ValueError, KeyError, EOFError):
            return None


class Counting:
    """Counts articles by paragraph and by source, in files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._files = [(folder / f"{n}").open("wb+") for n in range(_PORTIONS)]
        self._articles = np.zeros(_SOURCES, "<u4")
        self._buffer: list[tuple[int, int, int]] = []

    def add(self, source: str, keys: set[int]) -> None:
        """One article of a source, and the keys of its paragraphs."""
        number = _number(source.encode()) % _SOURCES
        self._articles[number] += 1
        # Copies of an article are one article, else their story would be boilerplate.
        article = _number(b"".join(key.to_bytes(8) for key in sorted(keys)))
        self._buffer += ((key, article, number) for key in keys)
        if len(self._buffer) >= _BUFFER:
            self._spill()

    def repeated(self) -> np.ndarray:
        """The sorted keys of the paragraphs that stand in enough articles of their source."""
        self._spill()
        found = [np.zeros(0, "<u8")]
        for file in self._files:
            file.seek(0)
            entries = np.frombuffer(file.read(), _ENTRY)
            file.close()
            distinct = np.unique(entries)
            keys, first, counts = np.unique(distinct["key"], return_index=True, return_counts=True)
            articles = self._articles[distinct["source"][first]]
            found.append(keys[counts >= np.maximum(LEAST, SHARE * articles)])
        return np.concatenate(found)

    def _spill(self) -> None:
        entries = np.array(self._buffer, _ENTRY)
        self._buffer.clear()
        portions = entries["key"] >> np.uint64(64 - 6)
        for n, file in enumerate(self._files):
            file.write(entries[portions == n].tobytes())


def source_of(article: Article) -> str:
    """Whose article it is, as far as its address tells."""
    try:
        return (urlsplit(article.url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def key_of(source: str, paragraph: str) -> int:
    """What equal paragraphs of one source have in common, white space and case apart."""
    words = " ".join(paragraph.split()).casefold()
    return _number(f"{source}\0{words}".encode(errors="replace"))


def _number(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")
