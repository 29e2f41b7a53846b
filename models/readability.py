"""Does an English sentence read well on its own?

Sentences lifted out of an article lose their neighbours, and some do not survive it:
"He said so on Tuesday." needs the sentence before, "(AP photo)" needs none and tells
nothing. This module judges the words alone, by a few patterns a reader can check; it
knows neither meaning nor grammar, and it never changes a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

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
    rf"[^,]{{0,60}},\ (?:{_PRONOUN}|this|these|those)\b",
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
        \s?(?:--?|—|–)?\s?
        |[A-Z]{3,}(?:[ ,.’'-]{1,2}[A-Z0-9][\w.’'-]*){0,4}\s?(?:--|—|–)\s(?=["“A-Z])""",
    re.VERBOSE,
)


_NAME = re.compile(
    r"""[A-Z][\w’'-]*\.?
        (?:\ (?:(?:al|el|de|du|di|da|van|von|bin|ben|la|le)[ -])?[A-Z][\w’'-]*\.?)*""",
    re.VERBOSE,
)
"""Capitalized words in a row, particles and initials included."""

_NOT_A_NAME = re.compile(
    r"""(?:A|After|All|An|And|As|At|Before|But|By|Despite|During|For|From|He|Her|His|How|I|If|In
        |It|Its|Last|Many|Most|Mrs?\.?|Ms\.?|No|Not|Now|On|One|Our|She|Since|So|Some|That|The|Their
        |Then|There|These|They|This|Those|To|Two|Under|Until|We|What|When|Where|While|Who|With
        |You)""",
    re.VERBOSE,
)
"""Words whose capital only says that they open the sentence, and titles that introduce nobody."""

_AROUND_SURNAME = re.compile(r"^[a-z]+-|['’]s?$|[.,-]$")

_CARRIED_ON = re.compile(r"(?!(?:al|el|de|du|di|da|van|von|bin|ben|la|le)[ -][A-Z])[a-z]+\b")
"""A lower-case opening, "iPhone" and "de Gaulle" excepted: the end of the sentence before."""


@dataclass(frozen=True)
class Reading:
    """How one sentence reads away from its place."""

    fit: bool
    """Whether it can stand in a summary: no scrap, question, half quotation or credit line."""
    needs: int | None
    """The sentence a reader must have seen to follow this one: the one before, where this opens
    with a pronoun or quotes an unnamed speaker; the one that gave the full name, where this has
    the surname alone. None if it needs nobody."""


def readings(sentences: Sequence[str]) -> list[Reading]:
    """Judge the sentences of one article, given in its order; datelines are looked past.

    The opening sentence needs nobody: an author meant it to be read first.
    """
    bodies = [sentence[dateline(sentence) :] for sentence in sentences]
    introduced: dict[str, int] = {}
    result: list[Reading] = []
    for index, body in enumerate(bodies):
        broken_off = index + 1 < len(bodies) and _CARRIED_ON.match(bodies[index + 1])
        stranger = _introduction_needed(body, index, introduced)
        needs = index - 1 if index and _leans(body) else stranger
        result.append(Reading(fit=_is_fit(body) and not broken_off, needs=needs))
    return result


def dateline(sentence: str) -> int:
    """Length of an agency's opening, such as "LONDON, England (CNN) -- "; 0 where there is none."""
    match = _DATELINE.match(sentence)
    return match.end() if match else 0


def _is_fit(body: str) -> bool:
    return (
        len(body.split()) >= _MIN_WORDS
        and (body[0].isupper() or body[0].isdigit() or body[0] in "\"“‘'$£€")
        and _ENDING.search(body) is not None
        and body.count('"') % 2 == 0
        and body.count("“") == body.count("”")
        and not body.endswith(" .")  # a linked headline, closed by the page's own software
        and not _QUESTION.search(body)
        and not _NOTICE.match(body)
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


def _introduction_needed(body: str, index: int, introduced: dict[str, int]) -> int | None:
    """Where the first bare surname of ``body`` was given in full; notes the full names here."""
    needed: int | None = None
    here: set[str] = set()
    for match in _NAME.finditer(body):
        name = [word for word in match.group().split() if not _NOT_A_NAME.fullmatch(word)]
        if not name:
            continue
        surname = _AROUND_SURNAME.sub("", name[-1])
        if len(name) > 1:
            here.add(surname)
        elif needed is None and surname not in here:
            needed = introduced.get(surname)
    for surname in here:
        introduced.setdefault(surname, index)
    return needed
