"""An article as its caller describes it, cleaned in the way it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from service.cleaning.document import Cleaned, Paragraph
from service.cleaning.extraction import parsed
from service.cleaning.flattening import flattened
from service.cleaning.page import clean_html
from service.cleaning.text import clean_text, is_excluded, keep_all
from service.schema import Article, Range, SpanKind


def clean_article(
    article: Article,
    *,
    skip_cleaning: bool = False,
    excluded: Sequence[Range] = (),
    repeated: Sequence[Range] = (),
) -> Cleaned:
    """Clean an article's text or HTML; with ``skip_cleaning``, read all of it as the story.

    ``repeated`` ranges, known to stand in many articles, are left out as ``excluded``
    ones are, and are called REPEATED.
    """
    cleaned = _cleaned(article, skip_cleaning, (*excluded, *repeated))
    if not repeated:
        return cleaned
    return replace(cleaned, paragraphs=tuple(_told(p, excluded) for p in cleaned.paragraphs))


def _told(paragraph: Paragraph, excluded: Sequence[Range]) -> Paragraph:
    """Tell a paragraph left out as repeated from one that the caller excluded."""
    offsets = paragraph.start, paragraph.end
    if paragraph.kind is not SpanKind.EXCLUDED or is_excluded(offsets, excluded):
        return paragraph
    return replace(paragraph, kind=SpanKind.REPEATED, reason="stands in many articles")


def _cleaned(article: Article, skip_cleaning: bool, excluded: Sequence[Range]) -> Cleaned:
    if article.html is None:
        clean = keep_all if skip_cleaning else clean_text
        return clean(article.text or "", article.headline, excluded)
    if skip_cleaning:
        return keep_all(flattened(parsed(article.html)), article.headline, excluded)
    return clean_html(article.html, article.url, article.headline, excluded)
