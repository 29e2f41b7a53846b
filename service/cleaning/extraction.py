"""What ``trafilatura`` makes of a page: its main text, and what it says of itself.

It knows the habits of thousands of sites and reads the structure that the
flat text has lost. Here its answer is only taken and laid over the flat text,
paragraph by paragraph. Whatever page it cannot cope with has an empty answer.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from service.schema import Metadata

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# Shorter paragraphs than this many characters, white space apart, may stand
# anywhere on a page; they count as extracted only between longer ones that are.
TELLING = 25

_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
_TAG = re.compile(r"<(/?)([a-zA-Z][\w:-]{0,30})([^<>]*)>")
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track"]
)
# The parser compares each attribute of a tag with all others. Tags this long hold data.
_LONG_TAG = re.compile(r"<([a-zA-Z][\w:-]{0,30})\s[^<>]{20000,}>")
# The parser leaves out what lies deeper than 2,048 elements; pages that people
# read nest a few dozen deep.
DEEPEST = 100


@dataclass(frozen=True)
class Extraction:
    """A page's main text, a line per block, and what the page says of itself."""

    text: str
    headline: str
    metadata: Metadata


NOTHING = Extraction("", "", Metadata())


def parsed(html: str) -> HtmlElement:
    """The tree of a page in whatever state, with nothing lost for being nested too deep."""
    source = _XML_DECLARATION.sub("", html.replace("\0", ""), count=1)
    source = _LONG_TAG.sub(r"<\1>", source)
    tree, complete = _tree(source)
    return tree if complete else _tree(_shallow(source))[0]


def _tree(source: str) -> tuple[HtmlElement, bool]:
    from lxml import html as lxml_html
    from lxml.etree import ParserError

    parser = lxml_html.HTMLParser(
        huge_tree=True, remove_comments=True, remove_pis=True, encoding="utf-8"
    )
    data = source.encode("utf-8", errors="replace")
    try:
        tree = lxml_html.document_fromstring(data, parser=parser)
    except ParserError:  # nothing in it but white space, comments or a doctype
        tree = lxml_html.Element("html")
    too_deep = any("depth" in entry.message for entry in parser.error_log)
    return tree, not too_deep


def _shallow(source: str) -> str:
    """``source`` with the elements that lie too deep replaced by line breaks."""
    depth, dropped = 0, 0

    def kept(tag: re.Match[str]) -> str:
        nonlocal depth, dropped
        closing, name, rest = tag.groups()
        if name.lower() in _VOID or rest.endswith("/"):
            return tag[0]
        if closing:
            if dropped:
                dropped -= 1
                return "<br>"
            depth = max(0, depth - 1)
            return tag[0]
        if depth >= DEEPEST:
            dropped += 1
            return "<br>"
        depth += 1
        return tag[0]

    return _TAG.sub(kept, source)


def extraction(tree: HtmlElement, url: str = "") -> Extraction:
    """The page's main text and metadata; empty ones where there are none to be found."""
    from trafilatura import bare_extraction
    from trafilatura.settings import Document

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    try:
        # Without ``fast`` it asks two more extractors, which take time in proportion to
        # the depth of the page; beside the paragraph model they add nothing measurable.
        found = bare_extraction(
            tree,
            url=url or None,
            fast=True,
            include_comments=False,
            with_metadata=True,
            # Dates in every language's words would cost seconds, and depend on today's.
            date_extraction_params={"original_date": True, "extensive_search": False},
        )
    except Exception:
        # A stranger's page against a stranger's parser: anything may be raised,
        # and the paragraph model can do without.
        return NOTHING
    if not isinstance(found, Document):
        return NOTHING
    return Extraction(
        text=found.text or "",
        headline=" ".join((found.title or "").split()),
        metadata=Metadata(
            authors=tuple(author for author in (found.author or "").split("; ") if author),
            published=found.date or "",
            site=found.sitename or "",
        ),
    )


def extracted_paragraphs(paragraphs: Sequence[str], extracted: str) -> list[bool]:
    """For each of a page's paragraphs in order: is it in the extracted text?

    White space and the marks of lists and tables do not matter.
    """
    lines = [squeezed(line) for line in extracted.splitlines()]
    lines = [line for line in lines if line]
    places = [0]  # where each line begins in the whole
    for line in lines:
        places.append(places[-1] + len(line))
    whole = "".join(lines)
    by_line = {line: index for index, line in reversed(list(enumerate(lines)))}
    texts = [squeezed(paragraph) for paragraph in paragraphs]
    found = [_place(text, whole) if len(text) >= TELLING else -1 for text in texts]
    anchors = [index for index, place in enumerate(found) if place >= 0]
    kept = [place >= 0 for place in found]
    for before, after in pairwise([-1, *anchors, len(texts)]):
        low = found[before] if before >= 0 else 0
        high = found[after] if after < len(texts) else len(whole)
        for index in range(before + 1, after):
            line = by_line.get(texts[index], -1)
            near = min(index - before if before >= 0 else 99, after - index) <= 12
            kept[index] = line >= 0 and near and low <= places[line] <= high
    return kept


def squeezed(text: str) -> str:
    """``text`` without white space and the marks that extractors put into lists and tables."""
    return "".join(text.replace("|", " ").split()).strip("-•*")


def _place(text: str, whole: str) -> int:
    """Where a paragraph stands in the whole; by its two ends, if something in it is missing."""
    place = whole.find(text)
    if place < 0 and len(text) > 4 * TELLING:
        head = whole.find(text[:TELLING])
        tail = whole.find(text[-TELLING:], max(0, head))
        if 0 <= head < tail < head + 2 * len(text):
            return head
    return place
