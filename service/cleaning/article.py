"""An article as its caller describes it, cleaned in the way it asks for."""

from __future__ import annotations

from collections.abc import Sequence

from service.cleaning.document import Cleaned
from service.cleaning.extraction import parsed
from service.cleaning.flattening import flattened
from service.cleaning.page import clean_html
from service.cleaning.text import clean_text, keep_all
from service.schema import Article, Range


def clean_article(
    article: Article, *, skip_cleaning: bool = False, excluded: Sequence[Range] = ()
) -> Cleaned:
    """Clean an article's text or HTML; with ``skip_cleaning``, read all of it as the story."""
    if article.html is None:
        clean = keep_all if skip_cleaning else clean_text
        return clean(article.text or "", article.headline, excluded)
    if skip_cleaning:
        return keep_all(flattened(parsed(article.html)), article.headline, excluded)
    return clean_html(article.html, article.url, article.headline, excluded)
