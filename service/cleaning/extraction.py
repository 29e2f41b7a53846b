"""The page as a tree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_ENCODING = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")


def parsed(html: str) -> HtmlElement:
    """The tree of a page, whatever its state; an empty one if there is nothing in it."""
    from lxml import html as lxml_html

    parser = lxml_html.HTMLParser(
        huge_tree=True, remove_comments=True, remove_pis=True, encoding="utf-8"
    )
    source = _ENCODING.sub("", html.replace("\0", ""), count=1).strip()
    data = source.encode("utf-8", errors="replace")
    return lxml_html.document_fromstring(
        data or b"<html></html>", parser=parser, ensure_head_body=True
    )
