"""A web page: its text as a reader sees it, and which paragraphs are the story.

The extractor that knows page structure and the paragraph model that knows
words judge together. Nothing is fetched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from service.cleaning.blocks import line_offsets
from service.cleaning.document import Cleaned
from service.cleaning.extraction import (
    Extraction,
    extracted_paragraphs,
    extraction,
    parsed,
    squeezed,
)
from service.cleaning.features import Passage, passages_of
from service.cleaning.flattening import flattened
from service.cleaning.model import ParagraphModel, shipped_model
from service.cleaning.roles import HEADLINE
from service.cleaning.text import answer, is_excluded
from service.cleaning.verdicts import EXCLUDED, Verdict, verdicts
from service.schema import Range

# What the extractor's opinion adds to a paragraph's log-odds, or takes from them:
# the model overrules it where it is surer than twenty to one.
EXTRACTED = 3.0
# What a sentence gains by standing between the headline and what was extracted.
LEAD = 1.0


def clean_html(
    html: str,
    url: str = "",
    headline: str = "",
    excluded: Sequence[Range] = (),
    *,
    model: ParagraphModel | None = None,
) -> Cleaned:
    """The paragraphs of a page, each kept or dropped with a reason.

    ``excluded`` ranges and all offsets lie on ``Cleaned.flat``, the page's
    flattening, not on the HTML. ``model`` is the shipped one by default.
    """
    tree = parsed(html)
    page = extraction(tree, url)
    flat = flattened(tree)
    if _share_found(flat, page) < 0.5:
        # The article waits for a script to show it.
        flat = flattened(tree, hidden=True)
    offsets = line_offsets(flat, excluded)
    passages = passages_of([flat[start:end] for start, end in offsets])
    is_open = [not is_excluded(offset, excluded) for offset in offsets]
    free = [passage for passage, opened in zip(passages, is_open, strict=True) if opened]
    title = headline or page.headline
    model = model or shipped_model()
    likely = _likelihoods(free, page, title, model)
    found = verdicts(free, likely, model.threshold, title)
    remaining = iter(found)
    return answer(
        flat,
        offsets,
        [next(remaining) if opened else EXCLUDED for opened in is_open],
        headline or _visible(free, found, title),
        page.metadata,
    )


def _visible(passages: Sequence[Passage], found: Sequence[Verdict], title: str) -> str:
    """The headline as readers see it, if the page's title is that and the site's name."""
    headlines = (p.text for p, v in zip(passages, found, strict=True) if v.role == HEADLINE)
    shown = next(headlines, title)
    return shown if shown in title else title


def _share_found(flat: str, page: Extraction) -> float:
    """How much of the extracted text is in ``flat``, white space apart."""
    whole = squeezed(flat)
    lines = [squeezed(line) for line in page.text.splitlines()]
    length = sum(map(len, lines))
    return sum(len(line) for line in lines if line in whole) / length if length else 1.0


def _likelihoods(
    passages: Sequence[Passage], page: Extraction, headline: str, model: ParagraphModel
) -> list[float]:
    """The model's log-odds, moved by the extractor's opinion where it has one."""
    own = model.likelihoods(passages, headline)
    if not page.text:
        return own
    extracted = extracted_paragraphs([passage.text for passage in passages], page.text)
    lead = _lead(passages, extracted, headline)
    opinions = [
        EXTRACTED if is_in else _lead_opinion(passages[i]) if i in lead else -EXTRACTED
        for i, is_in in enumerate(extracted)
    ]
    return [
        _logistic(_log_odds(likely) + opinion)
        for likely, opinion in zip(own, opinions, strict=True)
    ]


def _lead_opinion(passage: Passage) -> float:
    return LEAD if passage.ends_sentence and len(passage.words) > 12 else 0.0


def _lead(passages: Sequence[Passage], extracted: Sequence[bool], headline: str) -> range:
    """The paragraphs between the headline and the first sentence that was extracted.

    Extractors take leads for teasers, so here their silence says nothing.
    """
    sentences = (i for i, is_in in enumerate(extracted) if is_in and passages[i].ends_sentence)
    first = next(sentences, 0)
    title = Passage(headline).key
    above = range(max(0, first - 12), first)
    top = next((i for i in reversed(above) if passages[i].key == title), first)
    return range(top + 1, first)


def _log_odds(likely: float) -> float:
    likely = min(max(likely, 1e-3), 1 - 1e-3)
    return math.log(likely / (1 - likely))


def _logistic(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))
