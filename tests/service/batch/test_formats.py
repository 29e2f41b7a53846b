"""The same dump in every format gives the same digests; what is malformed is named."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
import zstandard

from real_server import MARIAN, known_phrases
from service.batch.computing import InProcess
from service.schema import DigestRequest
from service.settings import EngineSettings

STORIES = [
    {"id": "one", "title": "Storm", "text": 'It rained, he said: "a lot".\n\nThe river rose by 5 metres.'},
    {"id": "two", "title": "Café", "text": "Prices at the café rose — by 3 %.\n\nPeople\tnoticed."},
    {"id": "три", "title": "", "text": "A short one."},
]  # fmt: skip


def jsonl(stories=STORIES, encoding="utf-8"):
    return "".join(json.dumps(s, ensure_ascii=False) + "\n" for s in stories).encode(encoding)


def table(delimiter, stories=STORIES, encoding="utf-8"):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["id", "title", "text"], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(stories)
    return text.getvalue().encode(encoding)


def parquet(stories=STORIES):
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.Table.from_pylist(stories), sink, row_group_size=2)
    return sink.getvalue()


def arrow(kind, stories=STORIES):
    sink = io.BytesIO()
    rows = pa.Table.from_pylist(stories)
    with kind(sink, rows.schema) as writer:
        writer.write_table(rows, max_chunksize=2)
    return sink.getvalue()


def feather(stories):
    sink = io.BytesIO()
    pyarrow.feather.write_feather(pa.Table.from_pylist(stories), sink)
    return sink.getvalue()


def forms(stories) -> dict[str, bytes]:
    """The same stories as files of every format."""
    lines, commas, array = jsonl(stories), table(",", stories), json.dumps(stories).encode()
    return {
        "dump.jsonl": lines,
        "dump.ndjson": b"\xef\xbb\xbf" + lines,
        "wide.jsonl": jsonl(stories, "utf-16"),
        "dump.json": json.dumps(stories, indent=2).encode(),
        "lines.json": lines,
        "dump.csv": commas,
        "semicolons.csv": table(";", stories),
        "marked.csv": table(",", stories, "utf-8-sig"),
        "wide.csv": table(",", stories, "utf-16"),
        "dump.tsv": table("\t", stories),
        "dump.parquet": parquet(stories),
        "dump.arrow": arrow(pa.ipc.new_file, stories),
        "stream.arrow": arrow(pa.ipc.new_stream, stories),
        "dump.feather": feather(stories),
        "dump.jsonl.gz": gzip.compress(lines[:50]) + gzip.compress(lines[50:]),
        "dump.csv.bz2": bz2.compress(commas),
        "dump.json.xz": lzma.compress(array),
        "dump.jsonl.zst": zstandard.compress(lines[:50]) + zstandard.compress(lines[50:]),
        "dump.parquet.gz": gzip.compress(parquet(stories)),
        "packed-though-not-named-so.jsonl": gzip.compress(lines),
    }


FORMS = forms(STORIES)


def seen(echo):
    articles = [request.article for request in echo.requests]
    return [{"id": a.id, "title": a.headline, "text": a.text} for a in articles]


@pytest.mark.parametrize("name", FORMS)
async def test_every_format_gives_the_same_articles(batch, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(FORMS[name])
    ran = await batch(path)
    assert seen(ran.echo) == STORIES
    assert ran.errors == []
    again = await batch(path, resume=True)  # what is done is passed over in every format
    assert not again.echo.requests


@pytest.mark.parametrize("name", ["dump.jsonl", "dump.json", "dump.parquet", "dump.jsonl.gz"])
async def test_standard_input_is_told_by_its_beginning(batch, monkeypatch, name) -> None:
    class Stdin:
        buffer = io.BufferedReader(io.BytesIO(FORMS[name]))  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(sys, "stdin", Stdin)
    ran = await batch("-")
    assert seen(ran.echo) == STORIES
    assert ran.lines[0]["input"] == "-:1"


async def test_remote_files_and_patterns(batch) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe({"/dump/a.jsonl": jsonl(), "/dump/b.csv.gz": gzip.compress(table(","))})
    try:
        assert seen((await batch("memory://dump/a.jsonl", output="1.jsonl")).echo) == STORIES
        assert seen((await batch("memory://dump/*", output="2.jsonl")).echo) == 2 * STORIES
        ran = await batch("memory://dump", output="3.jsonl")
        assert seen(ran.echo) == 2 * STORIES
        assert ran.lines[-1]["input"] == "memory:///dump/b.csv.gz:3"
        (error,) = (await batch("memory://nowhere/x.jsonl", output="4.jsonl")).errors
        assert error["input"] == "memory://nowhere/x.jsonl:0"
    finally:
        memory.rm("/dump", recursive=True)


async def test_folders_are_read_to_the_bottom(batch, tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("First.")
    (folder / "b.md").write_text("Second.")
    (folder / "deep" / "c.html").write_bytes('<meta charset="cp1252"><p>Café'.encode("cp1252"))
    (folder / "picture.png").write_bytes(b"\x89PNG")
    (folder / ".hidden.txt").write_text("Hidden.")
    ran = await batch(folder)
    articles = [request.article for request in ran.echo.requests]
    assert [a.text or a.html for a in articles] == [
        "First.",
        "Second.",
        '<meta charset="cp1252"><p>Café',
    ]
    assert [line["input"] for line in ran.lines] == [f"{folder}/{n}:1" for n in ("a.txt", "b.md", "deep/c.html")]  # fmt: skip
    some = await batch(tmp_path / "**" / "*.html", output="some.jsonl")
    assert len(some.lines) == 1


async def test_pages_come_out_of_a_crawl(batch, tmp_path: Path) -> None:
    path = tmp_path / "crawl.warc.gz"
    pages = [
        ("https://x.org/1", b"text/html; charset=cp1251", "<p>Привет".encode("cp1251"), None),
        ("https://x.org/2", b"image/png", b"\x89PNG", None),
        ("https://x.org/3", b"text/html", b"<p>Packed", b"gzip"),
    ]
    path.write_bytes(warc(pages))
    ran = await batch(path)
    assert [(r.article.html, r.article.url) for r in ran.echo.requests] == [
        ("<p>Привет", "https://x.org/1"),
        ("<p>Packed", "https://x.org/3"),
    ]
    assert [line["input"] for line in ran.lines] == [f"{path}:1", f"{path}:3"]


def warc(pages) -> bytes:
    """A crawl of pages: each one's address, type, body, and how that is to be packed."""
    records = b""
    for url, kind, body, packed in pages:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\n"
        if packed:
            body = gzip.compress(body)
            head += b"Content-Encoding: gzip\r\n"
        block = head + b"\r\n" + body
        lines = (
            "WARC/1.0", "WARC-Type: response", f"WARC-Record-ID: <urn:uuid:{url[-1]}>",
            "WARC-Date: 2024-01-01T00:00:00Z", f"WARC-Target-URI: {url}",
            "Content-Type: application/http; msgtype=response", f"Content-Length: {len(block)}",
        )  # fmt: skip
        records += "\r\n".join(lines).encode() + b"\r\n\r\n" + block + b"\r\n\r\n"
    return gzip.compress(records)


async def test_encodings_are_found_and_mended(batch, tmp_path: Path, dump) -> None:
    old = tmp_path / "old.txt"
    text = "Le café de la place était fermé à midi, dit-il. Déjà vu: naïve façade."
    old.write_bytes(text.encode("cp1252"))
    ran = await batch(old, output="1.jsonl")
    assert ran.echo.requests[0].article.text == text
    broken = dump({"text": "The cafÃ© wasnâ€™t open."})
    ran = await batch(broken, output="2.jsonl")
    assert ran.echo.requests[0].article.text == "The café wasn’t open."
    assert ran.lines[0]["findings"][0]["kind"] == "INPUT"
    from service.batch.mapping import Mapping

    ran = await batch(broken, output="3.jsonl", mapping=Mapping(repair=False))
    assert ran.echo.requests[0].article.text == "The cafÃ© wasnâ€™t open."


async def test_fields_are_guessed_or_told(batch, dump) -> None:
    from service.batch.mapping import Mapping

    path = dump(
        {"Headline": "H", "maintext": "M.", "url": "https://x.org"},
        {"content": "<!DOCTYPE html><p>Page"},
        {"html": "<p>P", "body": None},
        {"data": {"story": "Deep."}, "key": 7},
    )
    ran = await batch(path, output="1.jsonl")
    first, second, third = (r.article for r in ran.echo.requests)
    assert (first.headline, first.text, first.id, first.url) == ("H", "M.", "https://x.org", "https://x.org")  # fmt: skip
    assert second.html == "<!DOCTYPE html><p>Page"
    assert third.html == "<p>P"
    assert "no 'text', 'body'" in ran.errors[0]["message"]
    told = await batch(path, output="2.jsonl", mapping=Mapping(text="data.story", id="key"))
    assert [(r.article.text, r.article.id) for r in told.echo.requests] == [("Deep.", "7")]


def cut(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3]


BROKEN = {
    "cut.jsonl.gz": (cut(gzip.compress(jsonl() * 50)), "from here on"),
    "cut.jsonl.zst": (cut(zstandard.compress(jsonl() * 50)), "from here on"),
    "cut.jsonl.xz": (cut(lzma.compress(jsonl() * 50)), "from here on"),
    "cut.jsonl.bz2": (cut(bz2.compress(jsonl() * 50)), "from here on"),
    "cut.json": (cut(json.dumps(STORIES * 9).encode()), "from here on"),
    "cut.parquet": (cut(parquet()), "from here on"),
    "noise.parquet": (b"PAR1" + b"\xff" * 400 + b"PAR1", "from here on"),
    "cut.arrow": (cut(arrow(pa.ipc.new_file)), "from here on"),
    "empty.jsonl": (b"", "holds no record"),
    "empty.csv": (b"", "holds no record"),
    "header.csv": (b"id,text\n", "holds no record"),
    "empty.parquet": (b"", "from here on"),
    "noise.warc": (b"no warc at all\r\n\r\n" * 9, ""),
    "rows.csv": (b"id,text\n1,a,b,c\n", "has 4 fields"),
    "what.bin": (b"\x00\x01\x02", "no format known"),
    "array.jsonl": (b"[1, 2]\n", "not a JSON object"),
    "deep.jsonl": (b"[" * 100_000 + b"\n", "not JSON"),
    "deep.json": (b"[" * 100_000, "from here on"),
    "numbers.json": (b"[1, 2]", "not a JSON object"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_broken_files_are_named_and_stop_nothing(batch, tmp_path: Path, dump, name) -> None:
    data, said = BROKEN[name]
    bad = tmp_path / name
    bad.write_bytes(data)
    good = dump(STORIES[0])
    ran = await batch(bad, good)
    assert ran.lines[-1]["input"] == f"{good}:1"
    assert ran.errors
    assert all(error["input"].startswith(f"{bad}:") for error in ran.errors)
    assert said in ran.errors[-1]["message"]
    assert not (await batch(bad, good, resume=True)).echo.requests


async def test_what_is_not_there_or_not_to_be_read(batch, tmp_path: Path, dump) -> None:
    (tmp_path / "hollow").mkdir()
    missing, hollow = tmp_path / "missing.jsonl", tmp_path / "hollow"
    ran = await batch(missing, hollow, tmp_path / "*.none", dump(STORIES[0]))
    messages = {error["input"]: error["message"] for error in ran.errors}
    assert "No such file" in messages[f"{missing}:0"]
    assert "no file of a known format" in messages[f"{hollow}:0"]
    assert len(messages) == 3
    assert len(ran.lines) == 1


async def test_a_record_that_breaks_off_is_named_itself_and_once(batch, tmp_path: Path) -> None:
    block = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n" + b"no gzip"
    )
    head = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:1>\r\nWARC-Date: 2024-01-01T00:00:00Z\r\nWARC-Target-URI: http://x/\r\nContent-Type: application/http\r\nContent-Length: %d\r\n\r\n"
    path = tmp_path / "cut.warc"
    whole = head % len(block) + block + b"\r\n\r\n"
    path.write_bytes(
        whole.replace(b"Content-Encoding: gzip", b"Content-Encoding: none") + whole * 2
    )
    ran = await batch(path)
    told = [line["input"] for line in (*ran.lines, *ran.errors)]
    assert f"{path}:1" in told
    assert len(told) == len(set(told))
    again = await batch(path, resume=True)
    assert again.errors == ran.errors
    assert not again.echo.requests


async def test_a_file_that_could_be_read_later_is_read_on_by_request(batch, tmp_path: Path) -> None:
    path = tmp_path / "late.jsonl.bz2"
    data = bz2.compress(jsonl() * 50)
    path.write_bytes(data[:-40] + bytes(40))
    stat = path.stat()
    ran = await batch(path)
    assert ran.errors
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert not (await batch(path, resume=True)).echo.requests
    ran = await batch(path, only_errors=True)
    assert ran.errors == []
    assert len(ran.lines) == 150


class Shared:
    """Models that stay loaded from job to job."""

    def __init__(self, computing: InProcess) -> None:
        self._computing = computing
        self.window = computing.window
        self.models = computing.models
        self.digest = computing.digest

    async def __aenter__(self) -> Shared:
        return self

    async def __aexit__(self, *_: object) -> None:
        return


@pytest.mark.slow
async def test_every_format_gives_the_same_digests(batch, tmp_path: Path) -> None:
    known = list(known_phrases().items())[:16]
    headlines, sentences = known[:4], known[4:]
    texts = [[english for english, _ in sentences[n : n + 3]] for n in range(0, 12, 3)]
    stories = [
        {"id": f"a{n}", "title": headlines[n][0], "text": "\n\n".join(text)}
        for n, text in enumerate(texts)
    ]
    pages = ["".join(f"<p>{sentence}</p>" for sentence in text) for text in texts]
    names = []
    for name, data in forms(stories).items():
        (tmp_path / name).write_bytes(data)
        names.append(name)
    for folder, ending, bodies in (("texts", "txt", [s["text"] for s in stories]), ("pages", "html", pages)):  # fmt: skip
        (tmp_path / folder).mkdir()
        for n, body in enumerate(bodies):
            (tmp_path / folder / f"a{n}.{ending}").write_text(body)
            (tmp_path / folder / f"b{n}.{ending}.gz").write_bytes(gzip.compress(body.encode()))
    crawled = [(f"https://x.org/{n}", b"text/html", p.encode(), None) for n, p in enumerate(pages)]
    (tmp_path / "crawl.warc.gz").write_bytes(warc(crawled))

    settings = EngineSettings(preset="starter", translator=str(MARIAN))
    # Three short sentences are hardly an article; and nothing comes from the cache.
    asked = DigestRequest(skip_cleaning=True, no_cache=True)
    async with InProcess(settings) as computing:

        async def digests(name: str) -> list[dict]:
            output = f"digests of {name}.jsonl"
            ran = await batch(tmp_path / name, output=output, request=asked, echo=Shared(computing), ordered=True)  # fmt: skip
            assert ran.errors == []
            lines = ran.lines
            for line in lines:
                assert line.pop("input").startswith(str(tmp_path / name))
                line.pop("usage")
            return lines

        expected = await digests("dump.jsonl")
        assert [line["headline_ru"] for line in expected] == [russian for _, russian in headlines]
        russian = dict(sentences)
        for line, text in zip(expected, texts, strict=True):
            assert {s["en"]: s["ru"] for s in line["sentences"]} == {s: russian[s] for s in text}
        for name in names[1:]:
            assert await digests(name) == expected, name
        told = [(line["summary_en"], line["summary_ru"]) for line in expected]
        for name, times in (("texts", 2), ("pages", 2), ("crawl.warc.gz", 1)):
            found = await digests(name)
            assert [(line["summary_en"], line["summary_ru"]) for line in found] == told * times
