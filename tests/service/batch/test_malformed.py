"""Three hundred malformed inputs in one dump: each is named, none stops the job."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import zstandard

from echo_batch import Echo
from service.errors import TooLarge, Violation

GOOD = {"id": "g", "text": "A good story that can be read."}
Make = Callable[[random.Random], tuple[str, bytes]]


def line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


def table(rows: list[dict]) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(12, len(data) - 1)]


def noise(chance: random.Random, count: int) -> bytes:
    return chance.randbytes(count)


def soiled(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) // 4, len(data) // 2)
    return data[:at] + noise(chance, 200) + data[at + 200 :]


RANDOM = random.Random(0)
# As the zstd command writes it; without a checksum nobody can tell some noise from text.
CHECKED = zstandard.ZstdCompressor(write_checksum=True)
MANY = b"".join(line({"id": str(n), "text": RANDOM.randbytes(20).hex()}) for n in range(400))
WRONG = [1, None, True, [], {}, 3.5, ["a", "b"], {"text": "nested"}]

# What is wrong with it → the ending of its name and its bytes.
MALFORMED: dict[str, Make] = {
    "broken JSON": lambda c: ("jsonl", line(GOOD) + cut(line(GOOD), c)),
    "no object": lambda c: ("jsonl", line(c.choice([[], 1, "text", None])) + line(GOOD)),
    "wrong type": lambda c: ("jsonl", line({"text": c.choice(WRONG)}) + line(GOOD)),
    "wrong id": lambda c: ("jsonl", line({**GOOD, "id": c.choice([[], {}, True])})),
    "no text": lambda c: ("jsonl", line({f"field{c.random()}": "text"}) + line(GOOD)),
    "noise": lambda c: ("jsonl", noise(c, c.randrange(1, 3000)) + b"\n" + line(GOOD)),
    "cut gzip": lambda c: ("jsonl.gz", cut(gzip.compress(MANY), c)),
    "cut bzip2": lambda c: ("jsonl.bz2", cut(bz2.compress(MANY), c)),
    "cut xz": lambda c: ("jsonl.xz", cut(lzma.compress(MANY), c)),
    "cut zstd": lambda c: ("jsonl.zst", cut(zstandard.compress(MANY), c)),
    "soiled gzip": lambda c: ("jsonl.gz", soiled(gzip.compress(MANY), c)),
    "soiled zstd": lambda c: ("jsonl.zst", soiled(CHECKED.compress(MANY), c)),
    "cut array": lambda c: ("json", cut(json.dumps([GOOD] * 9).encode(), c)),
    "cut Parquet": lambda c: ("parquet", cut(table([GOOD] * 9), c)),
    "noise for Parquet": lambda c: ("parquet", b"PAR1" + noise(c, 300) + b"PAR1"),
    "Parquet of numbers": lambda c: ("parquet", table([{"text": c.randrange(9)}])),
    "noise for Arrow": lambda c: ("arrow", b"ARROW1\0\0" + noise(c, 300)),
    "long rows": lambda c: ("csv", b"id,text\n1,a" + b",b" * c.randrange(1, 9) + b"\n"),
    "no rows": lambda c: ("csv", b"id,text\n" * c.randrange(2)),
    "noise for a crawl": lambda c: ("warc", noise(c, c.randrange(60, 3000))),
    "empty": lambda c: (c.choice(["jsonl", "json", "csv", "parquet", "warc", "arrow"]), b""),
    "unknown": lambda c: (c.choice(["bin", "docx", ""]), b"\0" + noise(c, 30)),
    "too large": lambda c: ("jsonl", line({"text": "long " * 5000})),
    "deep": lambda c: ("json", b'[{"a":' * c.randrange(600, 5000)),
}  # fmt: skip


class Strict(Echo):
    """Refuses long articles, as the pipeline does."""

    async def digest(self, request, repeated=()):
        if len(request.article.text or "") > 10_000:
            raise TooLarge(Violation("article.text", "is too long"))
        return await super().digest(request)


async def test_each_is_named_and_none_stops_the_job(batch, dump, tmp_path: Path) -> None:
    folder = tmp_path / "dump"
    folder.mkdir()
    names = list(MALFORMED)
    files = {}
    for n in range(300):
        chance = random.Random(n)
        what = names[n % len(names)]
        ending, data = MALFORMED[what](chance)
        path = folder / f"{n:03}.{ending}"
        path.write_bytes(data)
        files[str(path)] = what
    last = dump(GOOD, name="last.jsonl")
    ran = await batch(*files, tmp_path / "missing.csv", folder / "x*", last, echo=Strict())
    named = {error["input"].rpartition(":")[0] for error in ran.errors}
    silent = {what for path, what in files.items() if path not in named}
    assert not silent
    assert all(error["input"].rpartition(":")[2].isdecimal() for error in ran.errors)
    assert all(error["message"] for error in ran.errors)
    assert f"{last}:1" in {digest["input"] for digest in ran.lines}
    keys = [line["input"] for line in (*ran.lines, *ran.errors)]
    assert len(keys) == len(set(keys))
    again = await batch(*files, tmp_path / "missing.csv", folder / "x*", last, resume=True)
    assert not again.echo.requests
    assert len(again.errors) == len(ran.errors)


async def test_pages_of_soup_are_read_as_far_as_they_go(batch, tmp_path: Path) -> None:
    chance = random.Random(5)
    pieces = ["<p>", "</div>", "<", ">", "&nbsp", "&#xffffffff;", "<!--", "<table><tr>", "\0", "text ", "<script>"]  # fmt: skip
    for n in range(40):
        soup = "".join(chance.choices(pieces, k=200)).encode() + noise(chance, 20)
        (tmp_path / f"{n}.html").write_bytes(soup)
    ran = await batch(tmp_path / "*.html")
    assert len(ran.lines) + len(ran.errors) == 40
