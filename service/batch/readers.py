"""A file's records, format by format, one at a time.

A reader yields each record's number and its fields, or what is wrong with it,
and never raises for what stands in the file. ``wanted(number)`` is asked about
every record once, in order, before it is parsed: what is done already costs
little. Which field is what is the business of ``mapping``.
"""

from __future__ import annotations

import codecs
import csv
import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from service.batch.encodings import LINE_BYTES, Unreadable, decoded, decoded_page, lines
from service.batch.extras import ExtraMissing, needed
from service.batch.mapping import Mapping, is_page
from service.batch.opening import Source
from service.batch.record import Fields, Malformed

Wanted = Callable[[int], bool]
Read = Iterator[tuple[int, Fields | Malformed]]
Reader = Callable[[Source, Wanted, Mapping], Read]

# Rows of a table that are in memory at once.
_ROWS = 64
_DEPTH = 500  # of a value nested in JSON
_FIELD = 16 * 2**20  # characters in one field of a CSV file


def read(source: Source, form: str, wanted: Wanted, mapping: Mapping) -> Read:
    """The wanted records of a file of the format ``form``, a key of ``READERS``.

    What makes it unreadable from some place on is the last thing it yields.
    """
    number = 0
    owed: deque[int] = deque()  # asked about and wanted, but not yielded yet

    def counted(candidate: int) -> bool:
        nonlocal number
        number = candidate
        if is_wanted := wanted(candidate):
            owed.append(candidate)
        return is_wanted

    try:
        for found in READERS[form](source, counted, mapping):
            owed.popleft()
            yield found
        if not number and wanted(0):
            yield 0, Malformed("holds no record", "EMPTY_FILE")
    except ExtraMissing:
        raise
    except Exception as error:  # every library has exceptions of its own
        if owed:
            yield owed[0], broken(error)
        elif wanted(number + 1):
            yield number + 1, broken(error)


def broken(error: Exception) -> Malformed:
    """What a file came to that cannot be read, or not any further."""
    text = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
    return Malformed(f"cannot be read from here on: {text[:300]}", "UNREADABLE_FILE", last=True)


def _jsonl(source: Source, wanted: Wanted, _: Mapping) -> Read:
    for number, line in lines(source.stream):
        if isinstance(line, bytes) and not line.strip():
            continue
        if wanted(number):
            yield number, _parsed(line)


def _parsed(line: bytes | Unreadable) -> Fields | Malformed:
    if isinstance(line, Unreadable):
        return Malformed(str(line))
    try:
        value = json.loads(decoded(line))
    except json.JSONDecodeError as error:
        return Malformed(f"is not JSON: {error.msg} at character {error.pos + 1}")
    except (ValueError, RecursionError) as error:
        return Malformed(f"is not JSON: {error}")
    return _object(value)


def _object(value: Any) -> Fields | Malformed:
    return value if isinstance(value, dict) else Malformed("is not a JSON object")


def _json(source: Source, wanted: Wanted, _: Mapping) -> Read:
    """An array of objects, or objects one after the other, in as much memory as one of them."""
    ijson = needed("ijson", "JSON arrays")
    first, stream = _first(_transcoded(source.stream))
    events = ijson.basic_parse(stream, multiple_values=True, use_float=True)
    try:
        for number, value in enumerate(_values(events, ijson.ObjectBuilder, first == b"["), 1):
            if wanted(number):
                yield number, _object(value)
    except (ijson.JSONError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error


def _values(events: Any, builder: Callable[[], Any], in_array: bool) -> Iterator[Any]:
    """The values one level down in an array, or those at the top.

    Not ``ijson.items``, which needs memory by the square of how deep a value is nested.
    """
    depth = 0
    value = None
    for event, item in events:
        if event in ("end_map", "end_array"):
            depth -= 1
        if depth >= in_array:
            value = value or builder()
            value.event(event, item)
            if depth == in_array and event not in ("start_map", "start_array", "map_key"):
                yield value.value
                value = None
        if event in ("start_map", "start_array"):
            depth += 1
            if depth > _DEPTH:
                raise ValueError(f"is nested more than {_DEPTH} deep")


def _first(stream: Any) -> tuple[bytes, Any]:
    """The first byte that is no white space, and the stream from there on."""
    byte = stream.read(1)
    while byte and byte.isspace():
        byte = stream.read(1)
    return byte, _Joined(byte, stream)


class _Joined:
    """Some bytes and the stream they were taken from: all that ijson asks of a file."""

    def __init__(self, head: bytes, stream: Any) -> None:
        self._head = head
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if not (size and self._head):
            return self._stream.read(size)
        head, self._head = self._head, b""
        return head


def _transcoded(stream: Any) -> Any:
    """The stream in UTF-8, without a mark."""
    head = stream.peek(4)[:4] if hasattr(stream, "peek") else b""
    if head.startswith(codecs.BOM_UTF8):
        stream.read(len(codecs.BOM_UTF8))
    elif head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return codecs.EncodedFile(stream, "utf-8", "utf-16", errors="replace")
    return stream


def _csv(source: Source, wanted: Wanted, _: Mapping) -> Read:
    return _rows(source, wanted, None)


def _tsv(source: Source, wanted: Wanted, _: Mapping) -> Read:
    return _rows(source, wanted, "\t")


def _rows(source: Source, wanted: Wanted, delimiter: str | None) -> Read:
    """The rows below a header line. A row that does not fit the header is malformed."""
    csv.field_size_limit(_FIELD)
    texts = (decoded(line) if isinstance(line, bytes) else "" for _, line in lines(source.stream))
    header_line = next(texts, "")
    if delimiter is None:
        # The header tells: names hold no such marks.
        delimiter = max(",;\t|", key=header_line.count)
    rows = csv.reader(_after(header_line, texts), delimiter=delimiter)
    header = next(rows, [])
    number = 0
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            if wanted(number):
                yield number, Malformed(f"is not a row (near line {rows.line_num}): {error}")
            continue
        if not row:
            continue
        number += 1
        if wanted(number):
            yield number, _row(header, row)


def _after(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _row(header: Sequence[str], row: Sequence[str]) -> Fields | Malformed:
    if len(row) > len(header):
        return Malformed(f"has {len(row)} fields, and the header has {len(header)}")
    return {name: value or None for name, value in zip(header, row, strict=False)}


def _parquet(source: Source, wanted: Wanted, mapping: Mapping) -> Read:
    parquet = needed("pyarrow.parquet", "Parquet files")
    file = parquet.ParquetFile(source.seekable())
    names = file.schema_arrow.names
    columns = mapping.columns(names) or names
    batches = file.iter_batches(batch_size=_ROWS, columns=columns, use_threads=False)
    yield from _batches(batches, source, wanted, file.metadata.num_rows)


def _arrow(source: Source, wanted: Wanted, mapping: Mapping) -> Read:
    """Arrow's file format, which Feather is too, or its stream format."""
    arrow = needed("pyarrow", "Arrow files")
    stream = source.seekable()
    magic = stream.read(6)
    stream.seek(0)
    if magic == b"ARROW1":
        file = arrow.ipc.open_file(stream)
        batches = (file.get_batch(index) for index in range(file.num_record_batches))
    elif magic.startswith(b"FEA1"):  # the format before Feather became Arrow's
        batches = iter(needed("pyarrow.feather", "Feather files").read_table(stream).to_batches())
    else:
        batches = arrow.ipc.open_stream(stream)

    def small() -> Iterator[Any]:
        names: list[str] = []
        for batch in batches:
            names = names or mapping.columns(batch.schema.names) or batch.schema.names
            for start in range(0, batch.num_rows, _ROWS):
                yield batch.slice(start, _ROWS).select(names)

    yield from _batches(small(), source, wanted, 0)


def _batches(batches: Any, source: Source, wanted: Wanted, rows: int) -> Read:
    number = 0
    for batch in batches:
        numbers = range(number + 1, number + 1 + batch.num_rows)
        number += batch.num_rows
        asked = [n for n in numbers if wanted(n)]
        values = batch.to_pylist() if asked else []
        for n in asked:
            yield n, values[n - numbers.start]
        source.share_read = number / rows if rows else None


def _warc(source: Source, wanted: Wanted, _: Mapping) -> Read:
    """The pages among a crawl's responses; numbers count all responses."""
    warc = needed("fastwarc.warc", "WARC files")
    records = warc.ArchiveIterator(
        source.stream,
        record_types=warc.WarcRecordType.response,
        parse_http=True,
        auto_decode="all",
    )
    number = 0
    for number, record in enumerate(records, 1):
        kind = (record.http_content_type or "").lower() if record.is_http else ""
        if "html" not in kind or not wanted(number):
            continue
        if record.content_length > LINE_BYTES:
            yield number, Malformed(f"is longer than {LINE_BYTES // 2**20} MiB")
            continue
        page = decoded_page(record.reader.read(), record.http_charset)
        url = record.headers.get("WARC-Target-URI") or ""
        yield number, {"html": page, "url": url, "id": record.record_id}


def _text(source: Source, wanted: Wanted, _: Mapping) -> Read:
    if wanted(1):
        text = _whole(source)
        yield 1, text if isinstance(text, Malformed) else {"text": decoded(text)}


def _html(source: Source, wanted: Wanted, _: Mapping) -> Read:
    if wanted(1):
        page = _whole(source)
        yield 1, page if isinstance(page, Malformed) else {"html": decoded_page(page)}


def _whole(source: Source) -> bytes | Malformed:
    data = source.stream.read(LINE_BYTES + 1)
    if len(data) > LINE_BYTES:
        return Malformed(f"is longer than {LINE_BYTES // 2**20} MiB")
    return data


READERS: dict[str, Reader] = {
    "jsonl": _jsonl,
    "json": _json,
    "csv": _csv,
    "tsv": _tsv,
    "parquet": _parquet,
    "arrow": _arrow,
    "warc": _warc,
    "text": _text,
    "html": _html,
}


def sniffed(head: bytes) -> str:
    """The format that a stream without a name begins like; "" if it is like none."""
    start = head.lstrip(codecs.BOM_UTF8).lstrip()
    for mark, form in (
        (b"{", "jsonl"),
        (b"[", "json"),
        (b"PAR1", "parquet"),
        (b"ARROW1", "arrow"),
        (b"WARC/", "warc"),
    ):
        if start.startswith(mark):
            return form
    return "html" if is_page(start[:1000].decode("utf-8", "replace")) else ""
