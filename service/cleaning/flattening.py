# ruff: noqa: E501
"""A page's visible text, one block element a line.

It is deterministic and complete: everything a reader would see is in it, in
the page's order, and nothing is left out for being chrome. Sides of the page
that no reader sees (scripts, styles, hidden elements) are dropped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

UNSEEN = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "head",
        "title",
        "meta",
        "link",
        "iframe",
        "object",
        "embed",
        "svg",
        "math",
        "canvas",
        "audio",
        "video",
        "map",
        "datalist",
        "select",
        "option",
        "textarea",
        "input",
    ]
)
BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "br",
        "button",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "legend",
        "li",
        "main",
        "menu",
        "nav",
        "ol",
        "optgroup",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def flattened(tree: HtmlElement) -> str:
    """The visible text of ``tree``: a line per block, white space collapsed."""
    lines: list[str] = []
    line: list[str] = []

    def close() -> None:
        text = " ".join("".join(line).split())
        if text:
            lines.append(text)
        line.clear()

    # Not by recursion: pages nest deeper than Python does.
    steps = [(tree, False)]
    while steps:
        element, leaving = steps.pop()
        tag = element.tag if isinstance(element.tag, str) else ""
        if leaving:
            if tag in BLOCKS:
                close()
            if element is not tree and element.tail:
                line.append(element.tail)
            continue
        steps.append((element, True))
        if not tag or tag in UNSEEN or _is_hidden(element):
            continue
        if tag in BLOCKS:
            close()
        if element.text:
            line.append(element.text)
        steps.extend((child, False) for child in reversed(element))
    close()
    return "\n".join(lines)


def _is_hidden(element: HtmlElement) -> bool:
    return (
        element.get("hidden") is not None
        or element.get("aria-hidden") == "true"
        or bool(_HIDDEN_STYLE.search(element.get("style") or ""))
    )
