"""What a paragraph is besides running text: headline, byline, date, caption and their like.

Judged by form alone, one paragraph at a time; whether it belongs to the
article is judged elsewhere. Patterns are anchored and look at short
paragraphs only, so that none can run away.
"""

from __future__ import annotations

import re
from functools import cache

from service.cleaning.words import MONTHS

BODY = "body"
CHROME = "chrome"
HEADLINE = "headline"
SUBHEADING = "subheading"
LIST_ITEM = "list item"
TABLE = "table"

# Longer than this, it is running text whatever it begins with.
LONGEST = 220

_NAME = r"[A-Z][\w.'’-]+"
_WHEN = (
    rf"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? )?"
    rf"(?:{MONTHS}\.? \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?|"
    rf"\d{{1,2}}(?:st|nd|rd|th)? {MONTHS}\.?,?(?: \d{{4}})?|\d{{4}}-\d\d-\d\d|"
    r"\d{1,2}[/.]\d{1,2}[/.]\d{2,4})"
)
_CLOCK = r"\d{1,2}[:.]\d\d(?: ?[ap]\.?m\.?)?(?: ?(?:[A-Z]{2,4}|[A-Z][a-z]+ time))?"

_PICTURE = (
    r"(?:photo(?:graph)?|image|picture|pictured|video|illustration|graphic|caption|credit|"
    r"getty|reuters)s?"
)
_AGENCY = (
    r"(?:getty|reuters|associated press|\bap\b|afp|shutterstock|istock|epa|alamy|wikimedia|"
    r"unsplash|pixabay|flickr|photo|file|picture by|courtesy)"
)

_SENTENCE_END = (".", "!", "?", ".”", '."', "?”", '?"')
_LISTED = re.compile(r"(?:[-*•‣▪●◦–·]|\(?\d{1,2}[.)]|\(?[a-z]\))\s+\S")


def form_of(text: str) -> str:
    """The role that ``text``'s form gives away, or "" if it could be anything."""
    # What ends as a sentence does is running text, unless it is a time of day.
    ended = text.endswith(_SENTENCE_END) and not text.endswith(("a.m.", "p.m."))
    if len(text) <= LONGEST and not ended:
        for role, pattern in _patterns().items():
            if pattern.match(text):
                return role
    if _LISTED.match(text):
        return LIST_ITEM
    return ""


def is_title(text: str) -> bool:
    """Could it be a heading: a line of some words that ends like none?"""
    return 8 <= len(text) <= LONGEST and not text.endswith((".", ",", ";", ":", "…"))


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {
        "byline": re.compile(
            rf"(?:(?:[Ww]ritten |[Rr]eported |[Ss]tory |[Pp]osted )?(?:[Bb]y|BY):? {_NAME}"
            rf"(?: (?:{_NAME}|and|&|for|of|the)){{0,10}}\W{{0,3}}(?:,? .{{0,80}})?"
            rf"|{_NAME} {_NAME}(?: {_NAME})?(?:,| \||,? in) (?:[A-Z]\w+ )?"
            rf"(?:[Cc]orrespondent|[Rr]eporter|[Ee]ditor|[Ss]taff [Ww]riter|Associated Press|"
            rf"Reuters|AFP).{{0,60}})$"
        ),
        "date": re.compile(
            r"(?:(?:first |last )?(?:published|updated|posted|modified|created|date)?"
            rf"(?: on| at)?:?\s*)?{_WHEN}(?:[\s,|·•@/-]*(?:at )?{_CLOCK})?"
            r"(?:[\s,|·•/-]+.{0,40})?$"
            r"|(?:first |last )?(?:published|updated|posted)\b.{0,80}\d.{0,40}$",
            re.IGNORECASE,
        ),
        "dateline": re.compile(
            rf"[A-Z][A-Z .'’-]{{2,40}}(?:, [A-Z][\w. ]{{1,30}})?, (?i:{_WHEN})"
            r"(?: \([A-Za-z ]{2,20}\))?\s?[—–-]?$"
        ),
        "time stamp": re.compile(rf"\W{{0,2}}{_CLOCK}\W{{0,2}}$"),
        "caption": re.compile(
            rf"(?:(?:file |stock |ap )?{_PICTURE}(?: (?:by|credit|caption|courtesy|of|source|"
            r"copyright|shows?|via|from))?\s?[:|/©(-].{0,200}"
            r"|(?:image|media|photo|picture)s? ?(?:caption|copyright|credit|source).{0,200}"
            rf"|{_PICTURE} (?:by|courtesy|via) .{{0,150}}"
            r"|.{0,200}(?:\(|/|\||©|via |(?:photo(?:graph)?s? by|picture:|image:|photo:|credit:) )"
            r"\s?"
            rf"(?:[^()|©]{{0,60}}\b)?{_AGENCY}\b[^()]{{0,40}}\)?\.?"
            r"|.{0,160}\b(?:photo|picture|image|photograph|credit)s?(?: by|:| courtesy) .{1,50}"
            r"|(?:photo|image|caption|credit|media|picture)s?\W*)$",
            re.IGNORECASE,
        ),
    }
