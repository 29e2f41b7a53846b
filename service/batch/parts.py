"""The output as Parquet: a folder of parts with one schema, that of the JSON lines.

Lines go to a journal first, a file of JSON lines like any other output. When it
holds enough, it becomes a part: written under another name, then renamed. A run
killed anywhere in between leaves whole parts and a journal, and lines that are
in both are taken from the part.
"""

from __future__ import annotations

import json
import os
import typing
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from service.batch.extras import needed
from service.batch.outputs import Key, PlainLines
from service.batch.record import DuplicateOf, Place
from service.schema import Digest

PART_LINES = 1000
_JOURNAL = "_journal.jsonl"  # readers of a folder pass over such names


class Parts:
    """A folder of Parquet parts, as the ``Lines`` of an output."""

    def __init__(self, folder: Path, part_lines: int = PART_LINES) -> None:
        self._folder = folder
        self._part_lines = part_lines
        self._journal = PlainLines(folder / _JOURNAL)
        self._waiting = 0

    def recover(self) -> Iterator[Key]:
        """See ``Lines``."""
        parquet = needed("pyarrow.parquet", "Parquet files")
        self._folder.mkdir(exist_ok=True)
        for stray in self._folder.glob("*.tmp"):
            stray.unlink()
        last: set[str] = set()
        for part in self._parts():
            table = parquet.read_table(part, columns=["input", "id"])
            last = set(table["input"].to_pylist())
            for name, key in zip(table["input"].to_pylist(), table["id"].to_pylist(), strict=True):
                yield Place.parse(name), key
        journalled = [key for key in self._journal.recover() if str(key[0]) not in last]
        if last and not journalled:
            self._journal.path.unlink(missing_ok=True)
        self._waiting = len(journalled)
        yield from journalled

    def write(self, lines: Sequence[bytes]) -> None:
        """See ``Lines``."""
        self._journal.write(lines)
        self._waiting += len(lines)

    def flush(self, *, force: bool = False) -> None:
        """See ``Lines``."""
        self._journal.flush(force=force)
        if self._waiting >= self._part_lines:
            self._pack()

    def close(self) -> None:
        """Pack what there is, too."""
        if self._waiting:
            self._pack()
        self._journal.close()
        self._journal.path.unlink(missing_ok=True)

    def _parts(self) -> list[Path]:
        return sorted(self._folder.glob("part-*.parquet"))

    def _pack(self) -> None:
        """Make a part of the journal."""
        self._journal.close()
        with self._journal.path.open("rb") as file:
            rows = [json.loads(line) for line in file]
        number = int(parts[-1].stem.removeprefix("part-")) + 1 if (parts := self._parts()) else 0
        write_part(self._folder / f"part-{number:06}.parquet", rows)
        self._journal.path.unlink()
        self._waiting = 0


def write_part(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows as one Parquet file, which is there whole or not at all."""
    arrow = needed("pyarrow", "Parquet files")
    parquet = needed("pyarrow.parquet", "Parquet files")
    fresh = path.with_name(path.name + ".tmp")
    with fresh.open("wb") as file:
        table = arrow.Table.from_pylist(list(rows), schema=schema())
        parquet.write_table(table, file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


@cache
def schema() -> Any:
    """The schema of a part: the fields of an output's line, as in its JSON."""
    arrow = needed("pyarrow", "Parquet files")
    duplicate = ("duplicate_of", _type(arrow, DuplicateOf))
    return arrow.schema([("input", arrow.string()), *_fields(arrow, Digest), duplicate])


def _fields(arrow: Any, cls: Any) -> list[tuple[str, Any]]:
    hints = typing.get_type_hints(cls)
    return [(field.name, _type(arrow, hints[field.name])) for field in fields(cls)]


def _type(arrow: Any, hint: Any) -> Any:
    if typing.get_origin(hint) is tuple:
        return arrow.list_(_type(arrow, typing.get_args(hint)[0]))
    if is_dataclass(hint):
        return arrow.struct(_fields(arrow, hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return arrow.string()
    plain = {str: arrow.string(), int: arrow.int64(), float: arrow.float64(), bool: arrow.bool_()}
    return plain[hint]
