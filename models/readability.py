"""Does an English sentence read well on its own?

Sentences lifted out of an article lose their neighbours, and some do not survive it:
"He said so on Tuesday." needs the sentence before, "(AP photo)" needs none and tells
nothing. This module judges the words alone, by a few patterns a reader can check; it
knows neither meaning nor grammar, and it never changes a sentence.
"""

from __future__ import annotations

import re
from enum import Enum

_MIN_WORDS = 5
"""Shorter sentences are headings, bylines and scraps far more often than news."""

_PRONOUN = r"(?:he|she|it|they|him|her|them|his|hers|its|their|theirs)"

_CONNECTIVE = re.compile(
    r"""(?:this|that|these|those|such|both|neither|another|others|one\ of\ (?:them|those)
        |but|and|or|nor|so|yet|then|thus|hence|therefore|however|nevertheless|nonetheless
        |instead|otherwise|still|besides|moreover|furthermore|additionally|also|too|likewise
        |similarly|meanwhile|afterwards?|later|consequently|accordingly|conversely|indeed
        |already|first,|firstly|second,|secondly|third,|finally|lastly|before,|after,|earlier,
        |in\ (?:addition|contrast|fact|turn|other\ words|response)|as\ a\ result
        |for\ (?:example|instance)|on\ the\ (?:other\ hand|contrary)|at\ the\ same\ time
        |even\ so|after\ that|because\ of\ (?:this|that)|by\ contrast|of\ course|there|here
        |the\ (?:former|latter|same|other|others|answer|short\ answer)|like\ (?:it|this|that)
        |not\ only\ that)(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)
"""Openings that lean on the sentence before."""

_PRONOUN_FIRST = re.compile(rf"{_PRONOUN}\b", re.IGNORECASE)

_PRONOUN_AFTER_SETTING = re.compile(
    r"(?:in|on|at|by|since|during|until|from|for|with|to|despite|under|last|two|three)\b"
    rf"[^,]{{0,60}},\ {_PRONOUN}\b",
    re.IGNORECASE,
)
"""'In March, he …': a time or a place does not say who."""

_PRONOUN_AFTER_CLAUSE = re.compile(
    r"(?:[Ww]hen|[Ww]hile|[Aa]fter|[Bb]efore|[Aa]s|[Ii]f|[Aa]lthough|[Tt]hough|[Oo]nce"
    rf"|[Bb]ecause|[Aa]sked|[Ss]peaking)\b[^,A-Z]{{0,60}},?\ {_PRONOUN}\b"
)
"""'When asked, she …', unless a capital letter on the way says who."""

_SPEAKER_UNNAMED = re.compile(
    r"""["”]\s(?:(?:he|she|it|they)\s(?:said|says|added|told|wrote|adds|explained|asked|tweeted)
        |(?:said|says)\s(?:he|she))\b""",
    re.VERBOSE,
)
"""'"…," he said': we quote someone without a name."""

_FIRST_PERSON = re.compile(r"\b(?:I|[Ww]e|[Mm]y|[Oo]ur|me|us|[Yy]ou|[Yy]our)\b")

_QUOTATION = re.compile(r"“[^“”]*”|\"[^\"]*\"")

_WHOLE_QUOTATION = re.compile(r"[\"“‘'][^\"”]*[\"”'’]?")

_ENDING = re.compile(r"[.!?…][\"'”’)\]]*$")

_QUESTION = re.compile(r"\?[\"'”’)\]]*$")

_NOTICE = re.compile(
    r"""(?:editor'?s?['’]?s?\ note|read\ (?:more|also|next)|see\ also|watch\b|click
        |follow\ (?:us|@|\w+\ on\ (?:twitter|facebook))|sign\ up|subscribe|join\ us
        |share\ (?:this|your)|photos?\b|image\b|pictured?\b|caption|copyright|©|all\ rights
        |more\ from|related)
      |.*\b(?:contributed\ to\ this\ (?:report|story|article)|all\ rights\ reserved
        |(?:opinions|views)\ expressed\ (?:in|are|here)
        |(?:this|the)\ (?:material|story)\ (?:may\ not\ be|was\ first)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
"""Credits, notes and appeals: about the page, not of the story."""

_DATELINE = re.compile(
    r"""(?:[A-Z][\w.’'-]*(?:,?\ [A-Z][\w.’'-]*){0,5}\ ?)?
        \((?:CNN|AP|Associated\ Press|Reuters|AFP|UPI|Xinhua|Bloomberg|BBC)\)
        \s?(?:--?|—|–)?\s?""",
    re.VERBOSE,
)


class Standing(Enum):
    """How a sentence reads alone."""

    ALONE = "alone"
    """It needs nobody."""
    LEANS = "leans"
    """It needs the sentence before it: an opening pronoun, a quotation without its speaker."""
    UNFIT = "unfit"
    """A scrap, a question, half a quotation, a credit line: no sentence of a summary."""


def standing(sentence: str) -> Standing:
    """Judge one sentence, white space around it removed; an opening dateline is looked past."""
    body = sentence[dateline(sentence) :]
    if _is_unfit(body):
        return Standing.UNFIT
    return Standing.LEANS if _leans(body) else Standing.ALONE


def dateline(sentence: str) -> int:
    """Length of an agency's opening, such as "LONDON, England (CNN) -- "; 0 where there is none."""
    match = _DATELINE.match(sentence)
    return match.end() if match else 0


def _is_unfit(body: str) -> bool:
    return (
        len(body.split()) < _MIN_WORDS
        or not (body[0].isupper() or body[0].isdigit() or body[0] in "\"“‘'$£€")
        or not _ENDING.search(body)
        or body.count('"') % 2 == 1
        or body.count("“") != body.count("”")
        or body.endswith(": .")
        or _QUESTION.search(body) is not None
        or _NOTICE.match(body) is not None
    )


def _leans(body: str) -> bool:
    narration = _QUOTATION.sub("", body)
    return (
        _CONNECTIVE.match(body) is not None
        or _PRONOUN_FIRST.match(body) is not None
        or _PRONOUN_AFTER_SETTING.match(body) is not None
        or _PRONOUN_AFTER_CLAUSE.match(body) is not None
        or _SPEAKER_UNNAMED.search(body) is not None
        or _WHOLE_QUOTATION.fullmatch(body) is not None
        or _FIRST_PERSON.search(narration) is not None
    )
