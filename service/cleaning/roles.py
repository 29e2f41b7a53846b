# ruff: noqa: E501
"""What a paragraph is besides running text: headline, byline, date, caption and their like.

Judged by form alone, one paragraph at a time; whether it belongs to the
article is judged elsewhere. Patterns are anchored and look at short
paragraphs only, so that none can run away.
"""

from __future__ import annotations

import re

from service.cleaning.vocabulary import MONTHS

BODY = "body"
CHROME = "chrome"
HEADLINE = "headline"
SUBHEADING = "subheading"
LIST_ITEM = "list item"

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

_PATTERNS = {
    "byline": re.compile(
        rf"(?:(?:[Ww]ritten |[Rr]eported |[Ss]tory |[Pp]osted )?(?:[Bb]y|BY):? {_NAME}"
        rf"(?: (?:{_NAME}|and|&|for|of|the)){{0,10}}\W{{0,3}}(?:,? .{{0,80}})?"
        rf"|{_NAME} {_NAME}(?: {_NAME})?(?:,| \||,? in) (?:[A-Z]\w+ )?(?:[Cc]orrespondent|[Rr]eporter|[Ee]ditor|"
        rf"Staff Writer|staff writer|Associated Press|Reuters|AFP).{{0,60}})$"
    ),
    "date": re.compile(
        rf"(?:(?:first |last )?(?:published|updated|posted|modified|created|date)?(?: on| at)?:?\s*)?"
        rf"{_WHEN}(?:[\s,|·•@/-]*(?:at )?{_CLOCK})?(?:[\s,|·•/-]+.{{0,40}})?$"
        rf"|(?:first |last )?(?:published|updated|posted)\b.{{0,80}}\d.{{0,40}}$",
        re.IGNORECASE,
    ),
    "time stamp": re.compile(rf"\W{{0,2}}{_CLOCK}\W{{0,2}}$"),
    "dateline": re.compile(
        rf"[A-Z][A-Z .'’-]{{2,40}}(?:, [A-Z][\w.]+(?: \w+)?)?(?:, {_WHEN})?(?: \([A-Za-z ]{{2,20}}\))?\s?[—–-]*$",
        re.IGNORECASE,
    ),
    "caption": re.compile(
        r"(?:(?:file |stock )?(?:photo(?:graph)?|image|picture|pictured|video|illustration|graphic|"
        r"caption|credit|getty|ap photo|reuters)s?(?: (?:by|credit|caption|courtesy|of|source|copyright|shows?|via|from))?\s?[:|/©(-].{0,200}"
        r"|(?:image|media|photo|picture)s? ?(?:caption|copyright|credit|source).{0,200}"
        r"|(?:photo|image|picture|illustration|photograph)s? (?:by|courtesy|via) .{0,150}"
        r"|.{0,200}(?:\(|/|\||©|via |[Pp]hoto(?:graph)?s? by |[Pp]icture: |[Ii]mage: |[Pp]hoto: |[Cc]redit: )\s?"
        r"(?:[^()|©]{0,60}\b)?(?:getty|reuters|associated press|\bap\b|afp|shutterstock|istock|epa|alamy|wikimedia|unsplash|pixabay|flickr|photo|file|picture by|courtesy)\b[^()]{0,40}\)?\.?"
        r"|(?:photo|image|caption|credit|media|picture)s?\W*)$",
        re.IGNORECASE,
    ),
}
_LISTED = re.compile(r"(?:[-*•‣▪●◦–·]|\(?\d{1,2}[.)]|\(?[a-z]\))\s+\S")
_CODE = re.compile(r"[{};=<>\\]|\(\)|::|->|==|^\s*[#$>] ")


def form_of(text: str) -> str:
    """The role that ``text``'s form gives away, or "" if it could be anything."""
    if len(text) <= LONGEST:
        for role, pattern in _PATTERNS.items():
            if role != "dateline" and pattern.match(text):
                return role
    if _LISTED.match(text):
        return LIST_ITEM
    return ""


def is_code(text: str) -> bool:
    """Is it a line of a program, by the signs in it?"""
    signs = len(_CODE.findall(text[:LONGEST]))
    return signs >= 2 and signs * 12 > len(text[:LONGEST])


def is_title(text: str) -> bool:
    """Could it be a heading: a line of some words that ends like none?"""
    return 8 <= len(text) <= LONGEST and not text.endswith((".", ",", ";", "…", "..."))
