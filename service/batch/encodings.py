"""Bytes to text, whatever encoding a crawl left them in.

UTF-8 is believed first, then a byte order mark, then what the bytes look like
(charset-normalizer). Text that was decoded wrongly before it came to us is put
right where that is certain (ftfy's ``fix_encoding``, which changes nothing else).
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from service.batch.extras import ExtraMissing, needed

LINE_BYTES = 64 * 2**20  # of one record; more is no article
_HEAD = 1 << 16
_FOREIGN = 0.2  # of the bytes not ASCII, and it is no English
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)


def decoded(data: bytes, *, declared: str | None = None) -> str:
    """``data`` as text; ``declared`` is what its sender said the encoding was."""
    mark = _marked(data)
    for name in (mark, "utf-8", declared):
        if name:
            try:
                return data.decode(name)
            except (UnicodeDecodeError, LookupError):
                continue
    return data.decode(_guessed(data), "replace")


def decoded_page(data: bytes, charset: str | None = None) -> str:
    """An HTML page as text, by its mark, its HTTP header, its own word, or its looks."""
    if not charset:
        said = _META.search(data[:4096])
        charset = said[1].decode("ascii") if said else None
    return decoded(data, declared=charset)


class Unreadable(ValueError):
    """A line that is no text at all."""


def lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | Unreadable]]:
    """The lines of a file of text and their numbers, from 1, in UTF-8 as far as it was told.

    A line longer than ``LINE_BYTES`` is Unreadable, and is passed over without being held.
    """
    head = _peek(stream)
    mark = _marked(head)
    if mark == "utf-8-sig":
        stream.read(len(codecs.BOM_UTF8))
    elif mark:
        wide = io.TextIOWrapper(stream, mark, "replace", newline="")
        for number, text in enumerate(iter(lambda: wide.readline(LINE_BYTES), ""), 1):
            yield number, text.encode(errors="replace")
        return
    number = 0
    while line := stream.readline(LINE_BYTES):
        number += 1
        if len(line) < LINE_BYTES or line.endswith(b"\n"):
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(LINE_BYTES)
        yield number, Unreadable(f"is longer than {LINE_BYTES // 2**20} MiB")


def repaired(text: str) -> str:
    """``text`` with its encoding put right, if that is certain and can be told at all."""
    if text.isascii():
        return text
    try:
        return needed("ftfy", "repairs").fix_encoding(text)
    except ExtraMissing:
        return text


def _marked(data: bytes) -> str | None:
    return next((name for mark, name in _MARKS if data.startswith(mark)), None)


def _guessed(data: bytes) -> str:
    """The encoding of bytes that are not UTF-8.

    Mostly ASCII means English with some signs and names, and of that the
    statistics of a detector know too little: it is Windows-1252 nearly always.
    """
    sample = data[:_HEAD]
    if sum(byte > 127 for byte in sample) < _FOREIGN * len(sample):
        return "cp1252"
    try:
        best = needed("charset_normalizer", "texts that are not UTF-8").from_bytes(data).best()
    except ExtraMissing:
        best = None
    return best.encoding if best else "cp1252"


def _peek(stream: BinaryIO) -> bytes:
    """The first bytes without taking them; none where the stream cannot do that."""
    peek = getattr(stream, "peek", None)
    return peek(_HEAD)[:_HEAD] if peek else b""
