"""A web page: its text as a reader sees it, and which paragraphs are the story.

``trafilatura`` reads the page's structure and says what it holds for the main
text; the paragraph model is the second opinion. Nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Sequence

from service.cleaning.document import Cleaned
from service.cleaning.extraction import parsed
from service.cleaning.flattening import flattened
from service.cleaning.text import clean_text
from service.schema import Range


def clean_html(
    html: str, url: str = "", headline: str = "", excluded: Sequence[Range] = ()
) -> Cleaned:
    """The paragraphs of a page, each kept or dropped with a reason.

    ``excluded`` ranges and all offsets lie on ``Cleaned.flat``, the page's
    flattening, not on the HTML.
    """
    return clean_text(flattened(parsed(html)), headline, excluded)
