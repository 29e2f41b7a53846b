"""A page's visible text, one block element a line.

It is deterministic and complete: everything a reader would see is in it, in
the page's order, and nothing is left out for being chrome. What no reader
sees (scripts, styles, hidden elements) is dropped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What a reader sees only while scripts are off, or after one has run.
DEFERRED = _names("noscript template")
UNSEEN = DEFERRED | _names(
    """
    script style head title meta link iframe object embed svg math canvas audio
    video map datalist select option textarea input
    """
)
BLOCKS = _names(
    """
    address article aside blockquote body br button caption center dd details dialog dir div dl dt
    fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html legend li main menu nav
    ol p pre section summary table tbody td tfoot th thead tr ul
    """
)
_HIDDEN_STYLE = re.compile(r"display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}hidden", re.I)
_BLANK_LINES = re.compile(r"\n[ \t\r]*\n")


def flattened(tree: HtmlElement, *, hidden: bool = False) -> str:
    """The visible text of ``tree``: a line per block, white space collapsed.

    In preformatted text, which has no blocks, blank lines part the lines.
    With ``hidden``, what a script might still show counts as visible.
    """
    unseen = UNSEEN - DEFERRED if hidden else UNSEEN
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
            if element is not tree:
                line.append(element.tail or "")
            continue
        steps.append((element, True))
        if not tag or tag in unseen or (not hidden and _is_hidden(element)):
            continue
        if tag in BLOCKS:
            close()
        first, *others = _BLANK_LINES.split(element.text or "") if tag == "pre" else [element.text]
        line.append(first or "")
        for part in others:
            close()
            line.append(part)
        steps.extend((child, False) for child in reversed(element))
    close()
    return "\n".join(lines)


def _is_hidden(element: HtmlElement) -> bool:
    return element.get("hidden") is not None or bool(
        _HIDDEN_STYLE.search(element.get("style") or "")
    )
