"""The text of a page for translation, and the page with its text replaced.

A text node is translated where it stands, so the markup around it is kept as
it is; scripts, styles and code are left alone. This module neither cleans a
page (``service.cleaning`` does) nor moves tags about inside a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from lxml import etree, html  # pyright: ignore[reportAttributeAccessIssue]

# Elements whose text is not prose in the page's language.
_VERBATIM = frozenset(
    {"script", "style", "code", "pre", "kbd", "samp", "var", "template", "textarea"}
)


# A whole page, as against a piece of one; and whether it names its type.
_DOCUMENT = re.compile(r"\s*(<\?xml|<!doctype|<html)", re.IGNORECASE)
_DOCTYPE = re.compile(r"\s*<!doctype[^>]*>", re.IGNORECASE)

# Control characters have no place in HTML, and lxml refuses to write them.
_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), *range(127, 160)])


def text_nodes(page: str) -> list[str]:
    """Return the translatable text nodes of ``page``, in order, white space around them removed."""
    return [text.strip() for _, _, text in _walk(_parse(page))]


def replace_text_nodes(page: str, replacements: Sequence[str]) -> str:
    """Return ``page`` with its text nodes replaced, in the order of ``text_nodes``."""
    root = _parse(page)
    for (element, place, text), new in zip(list(_walk(root)), replacements, strict=True):
        lead = text[: len(text) - len(text.lstrip())]
        trail = text[len(text.rstrip()) :]
        setattr(element, place, lead + new + trail)
    if _DOCUMENT.match(page):
        doctype = _DOCTYPE.match(page)
        written = str(html.tostring(root, encoding="unicode", with_tail=False))
        return f"{doctype[0].strip()}\n{written}" if doctype else written
    inner = [str(html.tostring(child, encoding="unicode")) for child in root]
    return "".join([escape(root.text or "", quote=False), *inner])


def _parse(page: str) -> html.HtmlElement:
    """Return the root of a whole page, or a root made to hold the pieces of a fragment."""
    # Given bytes and their encoding, lxml does not believe what the page says of its own.
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True)
    data = page.translate(_CONTROLS).encode()
    if _DOCUMENT.match(page):
        return html.document_fromstring(data, parser=parser)
    root = html.Element("div")
    for node in html.fragments_fromstring(data, parser=parser) if page.strip() else []:
        if isinstance(node, str):
            root.text = node
        else:
            root.append(node)
    return root


def _walk(root: html.HtmlElement) -> Iterator[tuple[html.HtmlElement, str, str]]:
    """Yield (element, "text" or "tail", text) for each translatable text node."""
    verbatim_depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        opaque = not isinstance(element.tag, str) or element.tag in _VERBATIM
        if event == "start" and opaque:
            verbatim_depth += 1
        if event == "start" and not verbatim_depth and (element.text or "").strip():
            yield element, "text", element.text or ""
        if event == "end" and opaque:
            verbatim_depth -= 1
        if event != "start" and not verbatim_depth and (element.tail or "").strip():
            yield element, "tail", element.tail or ""
