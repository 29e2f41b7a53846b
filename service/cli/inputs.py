"""The files named on the command line, read as articles."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from service.errors import InvalidRequest, Violation
from service.schema import Article

_HTML_SUFFIXES = frozenset({".html", ".htm", ".xhtml"})
_HTML_START = re.compile(
    r"\s*(<!doctype html|<html|<\?xml[^>]*\?>\s*<(!doctype )?html)", re.IGNORECASE
)


@dataclass(frozen=True)
class Document:
    """One input: its name, and its content as text or as HTML."""

    name: str
    text: str | None = None
    html: str | None = None

    def described(self, article: Article) -> Article:
        """Return ``article`` with this document as its body and its name as the id."""
        return replace(article, id=self.name, text=self.text, html=self.html)


def read_document(name: str, form: str = "auto") -> Document:
    """Read a file, or standard input for ``-``; ``form`` is auto, text or html.

    Raises:
        InvalidRequest: it cannot be read, or is not UTF-8.
    """
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise InvalidRequest(Violation(name, f"cannot be read: {error.strerror}")) from error
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            Violation(
                name, f"is not UTF-8 (byte {error.start}); convert it, for example with iconv"
            )
        ) from error
    if form == "auto":
        named = Path(name).suffix.lower() in _HTML_SUFFIXES
        form = "html" if named or _HTML_START.match(content) else "text"
    return Document(name, html=content) if form == "html" else Document(name, text=content)
