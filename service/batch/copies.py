"""Near-identical articles: wire copies with another dateline, a shorter end, other chrome.

MinHash (Broder, "On the resemblance and containment of documents", 1997): a story is the
set of its runs of five words; of each of 120 hash functions the least value over the set is
kept, and the share of values that two stories have in common estimates their similarity
|A ∩ B| / |A ∪ B|, give or take 0.04. Twenty bands of six values say which pairs are worth
comparing: 99.8 % of those that are 0.8 alike share a band, 1.4 % of those that are 0.3 alike.

A copy is at least 0.8 like its *first*: the earliest article in the order of the inputs that
is so and no copy itself. So there are no chains, and how the work was spread changes nothing.

The search goes through SQLite files, which sort on disk, so a dump of any size takes the same
memory. (The libraries for MinHash keep their tables in memory or in a database server, and of
the rest little is needed.)
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from service.batch.completion import Places
from service.batch.record import DuplicateOf, Place

LEAST = 0.8  # similarity of a copy to its first
_RUN = 5  # words
_BANDS, _ROWS = 20, 6
_BLOCK = 1024  # runs at a time, for the memory of a long story
_COMPARED = 4  # of the earliest in a band, with all behind them
_CACHE = "PRAGMA cache_size = -65536"  # KiB: SQLite's own share of the memory
_WORDS = re.compile(r"\w+")

_draw = np.random.Generator(np.random.PCG64(1))  # a stream that NumPy promises not to change
_FACTORS = _draw.integers(0, 2**64, _BANDS * _ROWS, np.uint64) | np.uint64(1)
_TERMS = _draw.integers(0, 2**64, _BANDS * _ROWS, np.uint64)
_POWERS = _draw.integers(0, 2**64, _RUN, np.uint64) | np.uint64(1)


class Signature(NamedTuple):
    """A story's bands, and the lowest byte of each of its 120 values."""

    bands: tuple[int, ...]
    values: bytes


def signature(story: str) -> Signature | None:
    """The signature of a cleaned story; None if it has no words."""
    words = _WORDS.findall(story.casefold())
    if not words:
        return None
    words += [""] * (_RUN - len(words))
    numbers = np.array([_number(word.encode(errors="replace")) for word in words], np.uint64)
    count = len(numbers) - _RUN + 1
    runs = np.zeros(count, np.uint64)
    for n, power in enumerate(_POWERS):
        runs += numbers[n : n + count] * power
    least = np.full(len(_FACTORS), 2**64 - 1, np.uint64)
    for start in range(0, len(runs), _BLOCK):
        # Multiply and shift: of a product by an odd factor the upper half is as good as random.
        products = np.multiply.outer(_FACTORS, runs[start : start + _BLOCK]) + _TERMS[:, None]
        np.minimum(least, products.min(axis=1), out=least)
    values = (least >> np.uint64(32)).astype("<u4")
    bands = tuple(
        _number(bytes([n]) + band.tobytes()) - 2**63  # as SQLite has integers
        for n, band in enumerate(values.reshape(_BANDS, _ROWS))
    )
    return Signature(bands, values.astype(np.uint8).tobytes())


def similarity(one: bytes, other: bytes) -> float:
    """How alike two stories are, by their ``values``; in [0, 1]."""
    return float(np.mean(np.frombuffer(one, np.uint8) == np.frombuffer(other, np.uint8)))


class Copies:
    """The copies of a dump and their firsts, and what the firsts were answered: a file."""

    def __init__(self, connection: sqlite3.Connection, fingerprint: str) -> None:
        self._connection = connection
        self._turn = threading.Lock()
        self.fingerprint = fingerprint

    @staticmethod
    def load(path: Path, *, write: bool = True) -> Copies | None:
        """What a ``Search`` found; None if there is nothing that can be read."""
        where = f"{path.absolute().as_uri()}?mode={'rw' if write else 'ro'}"
        try:
            connection = sqlite3.connect(where, uri=True, check_same_thread=False)
            (fingerprint,) = connection.execute("SELECT fingerprint FROM made").fetchone()
        except (sqlite3.Error, TypeError):
            return None
        return Copies(connection, fingerprint)

    @property
    def count(self) -> int:
        """How many copies there are."""
        return self._one("SELECT count(*) FROM copies")[0]

    def first_of(self, place: Place) -> DuplicateOf | None:
        """The first that the article at ``place`` is a copy of."""
        row = self._one(
            "SELECT f.input, f.id, c.similarity FROM copies c JOIN firsts f ON f.number = c.first"
            " WHERE c.input = ?",
            _packed(str(place)),
        )
        return DuplicateOf(_text(row[0]), _text(row[1]), row[2]) if row else None

    def is_first(self, place: Place) -> bool:
        """Has the article at ``place`` copies?"""
        return self._one("SELECT 1 FROM firsts WHERE input = ?", _packed(str(place))) is not None

    def answer(self, first: str) -> bytes | None:
        """What was kept for the first at ``first``."""
        row = self._one("SELECT answer FROM firsts WHERE input = ?", _packed(first))
        return row[0] if row else None

    def keep(self, answers: Iterable[tuple[str, bytes]]) -> None:
        """Keep firsts' answers. Raises sqlite3.Error, and has then kept none."""
        rows = [(answer, _packed(first)) for first, answer in answers]
        with self._turn, self._connection:
            self._connection.executemany("UPDATE firsts SET answer = ? WHERE input = ?", rows)

    def close(self) -> None:
        """Close the file. Whoever still asks, as a reader does whose job has ended, gets
        sqlite3.ProgrammingError.
        """
        with self._turn:  # closed in the middle of a question, it takes the process down
            self._connection.close()

    def _one(self, statement: str, *values: object) -> Any:
        with self._turn:
            return self._connection.execute(statement, values).fetchone()


class Search:
    """Finds the copies among articles that are added in any order; ``scratch`` is its file."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._turn = threading.Lock()
        scratch.unlink(missing_ok=True)
        self._base = sqlite3.connect(scratch, check_same_thread=False, isolation_level=None)
        self._base.executescript(f"""
            PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_CACHE};
            CREATE TABLE articles(number INTEGER PRIMARY KEY, input, id, signature);
            CREATE TABLE bands(band INTEGER, number INTEGER);
            CREATE TABLE pairs(number, earlier, PRIMARY KEY(number, earlier)) WITHOUT ROWID;
            BEGIN""")

    def add(self, found: Sequence[tuple[int, Place, str, Signature]]) -> None:
        """Articles' numbers in the order of the inputs, places, ids and signatures."""
        self._base.executemany(
            "INSERT INTO articles VALUES (?, ?, ?, ?)",
            ((n, _packed(str(place)), _packed(name), s.values) for n, place, name, s in found),
        )
        self._base.executemany(
            "INSERT INTO bands VALUES (?, ?)",
            ((band, n) for n, _, _, s in found for band in s.bands),
        )

    def save(self, path: Path, fingerprint: str) -> None:
        """Search, and write what was found, whole or not at all. Raises sqlite3.Error, also
        where the search is closed meanwhile.
        """
        fresh = path.with_name(path.name + ".tmp")
        fresh.unlink(missing_ok=True)
        with self._turn, closing(sqlite3.connect(fresh)) as file:
            self._base.execute("COMMIT")
            file.executescript("""
                CREATE TABLE made(fingerprint);
                CREATE TABLE copies(input PRIMARY KEY, first, similarity) WITHOUT ROWID;
                CREATE TABLE firsts(number INTEGER PRIMARY KEY, input UNIQUE, id, answer)""")
            with file:
                for number, first, alike in self._copies():
                    place, _ = self._article(number)
                    file.execute("INSERT INTO copies VALUES (?, ?, ?)", (place, first, alike))
                    row = (first, *self._article(first))
                    file.execute("INSERT OR IGNORE INTO firsts VALUES (?, ?, ?, NULL)", row)
                file.execute("INSERT INTO made VALUES (?)", (fingerprint,))
        fresh.replace(path)

    def close(self) -> None:
        """Remove the scratch file. A search in another thread, whose job was ended, is given up."""
        self._base.interrupt()
        with self._turn:
            self._base.close()
        self._scratch.unlink(missing_ok=True)

    def _copies(self) -> Iterator[tuple[int, int, float]]:
        """Each copy's number, that of its first, and how alike they are."""
        self._base.executemany("INSERT OR IGNORE INTO pairs VALUES (?, ?)", self._pairs())
        pairs = self._base.execute(
            "SELECT p.number, p.earlier, a.signature, b.signature FROM pairs p"
            " JOIN articles a ON a.number = p.number JOIN articles b ON b.number = p.earlier"
            " ORDER BY p.number, p.earlier"
        )
        copies = Places()
        for number, earlier, one, other in pairs:
            # All pairs of the earlier one were before this, so it is known whether it is a copy.
            place = Place("", number)
            if place in copies or Place("", earlier) in copies:
                continue
            alike = similarity(one, other)
            if alike >= LEAST:
                copies.add(place)
                yield number, earlier, alike

    def _pairs(self) -> Iterator[tuple[int, int]]:
        """The pairs worth comparing: those in a band with the earliest few in it."""
        rows = self._base.execute("SELECT band, number FROM bands ORDER BY band, number")
        for _, band in groupby(rows, itemgetter(0)):
            earliest: list[int] = []
            for _, number in band:
                yield from ((number, earlier) for earlier in earliest)
                if len(earliest) < _COMPARED:
                    earliest.append(number)

    def _article(self, number: int) -> tuple[bytes, bytes]:
        return self._base.execute(
            "SELECT input, id FROM articles WHERE number = ?", (number,)
        ).fetchone()


def _number(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


def _packed(text: str) -> bytes:
    """As bytes: names of files and ids may hold what is no Unicode."""
    return text.encode("utf-8", "surrogatepass")


def _text(packed: bytes) -> str:
    return packed.decode("utf-8", "surrogatepass")
