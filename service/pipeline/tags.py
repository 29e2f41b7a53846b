"""A page as it is written: its tags, and what stands between them.

:func:`tokens` cuts HTML into pieces that join to the page again, byte for byte, so
what is markup can be given back as it came: unclosed tags, odd attributes and all.
The borders are those of the HTML standard's tokenizer, as far as they bear on
telling text from markup.

It is no parser: it builds no tree and mends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a piece of a page is."""

    TEXT = "text"
    OPEN = "start tag"
    CLOSE = "end tag"
    OTHER = "comment, declaration, or what a browser would not show"


@dataclass(frozen=True)
class Token:
    """A piece of a page; ``name`` is its tag's, in lower case."""

    kind: Kind
    raw: str
    name: str = ""


#: Elements whose content holds no tags, and is nothing to read either.
_RAW_TEXT = frozenset(
    {"script", "style", "textarea", "iframe", "noembed", "noframes", "xmp", "plaintext"}
)
# Possessive throughout: a tag is looked at once. Quotation marks count after "=" only.
_TAG = re.compile(
    r"<(?P<close>/?)(?P<name>[a-z][^\s/>]*+)(?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+'|(?![\"'])))*+>",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"<!--(?:-?>|.*?--!?>)", re.DOTALL)
_BOGUS = re.compile(r"<(?:[!?]|/[^a-z])[^>]*+>", re.IGNORECASE)
_MARKUP = re.compile(r"<(?=[a-z!?]|/.)", re.IGNORECASE | re.DOTALL)


def tokens(page: str) -> Iterator[Token]:
    """Yield the pieces of ``page`` in order; their ``raw`` texts join to it.

    A tag or comment that does not end takes the rest of the page, as in a browser.
    """
    at = 0
    while at < len(page):
        start = _MARKUP.search(page, at)
        if start is None:
            yield Token(Kind.TEXT, page[at:])
            return
        if start.start() > at:
            yield Token(Kind.TEXT, page[at : start.start()])
        token = _markup(page, start.start())
        yield token
        at = start.start() + len(token.raw)
        if token.kind is Kind.OPEN and token.name in _RAW_TEXT:
            end = re.compile(rf"</{re.escape(token.name)}(?=[\s/>])", re.IGNORECASE)
            close = end.search(page, at)
            content = page[at : close.start() if close else len(page)]
            if content:
                yield Token(Kind.OTHER, content)
            at += len(content)


def _markup(page: str, at: int) -> Token:
    if tag := _TAG.match(page, at):
        kind = Kind.CLOSE if tag["close"] else Kind.OPEN
        return Token(kind, tag[0], tag["name"].lower())
    other = (_COMMENT if page.startswith("<!--", at) else _BOGUS).match(page, at)
    return Token(Kind.OTHER, other[0] if other else page[at:])
