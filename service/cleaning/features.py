"""What the paragraph model sees in a paragraph's own words, as numbers.

A plain dictionary of values between 0 and 1, zeros left out, so that the
weights beside each name can be read. What it sees around a paragraph is in
`service.cleaning.places`. Nothing is decided here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from service.cleaning.roles import form_of
from service.cleaning.vocabulary import CUES
from service.cleaning.words import (
    FIRST_PERSON,
    FUNCTION_WORDS,
    IMPERATIVES,
    MONTHS,
    PAST,
    REPORTING,
    SECOND_PERSON,
    WE,
)

Features = dict[str, float]

# A long paragraph has shown what it is by here; reading on costs time only.
LOOKED_AT = 2_000

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SENTENCE_BREAK = re.compile(r"[.!?][\"”’')\]]?\s+[\"“‘'(\[]?[A-Z]")
_DATE = re.compile(
    rf"\b{MONTHS}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}|\b\d{{1,2}}(?:st|nd|rd|th)? {MONTHS},?"
    r" \d{4}|\b\d{4}-\d\d-\d\d\b|\b\d{1,2}[/.]\d{1,2}[/.]\d{2,4}\b|\b\d{1,2}:\d\d\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“][^\"“”]{1,600}[\"”]")
# Spammers swap letters for their likes in another script; writers do not.
_MIXED = re.compile(r"[a-zA-Z][\u0400-\u052f]|[\u0400-\u052f][a-zA-Z]")
# Names, and at once what their bearer is or does: so begin the notes about authors.
_BIOGRAPHY = re.compile(
    r"(?:[A-Z][\w.'’-]{1,20} ){1,4}(?:is|has|writes|works|worked|covers|lives|serves|teaches|"
    r"reports|joined|studied|studies|runs|holds|speciali[sz]es)\b"
)
# In the present tense, what a photograph shows.
_PICTURED = re.compile(
    r"\((?:left|right|centre|center|far left|far right|pictured|l|r|above|file)[^)]{0,20}\)|"
    r"\b(?:looks? on|poses?|pictured|is seen|are seen|seen here|shakes? hands|from left|"
    r"left to right|walks? past|stands? (?:in|at|near|outside|beside|next)|"
    r"holds? (?:a|up|his|her|their)|"
    r"attends?|gestures?|smiles?|waves?|speaks? (?:during|at|to)|arrives? (?:at|for|in)|"
    r"file (?:photo|image|picture)|photographed)\b",
    re.IGNORECASE,
)
_COLUMN = re.compile(r"\t|(?<=\S) ?\| ?(?=\S)")
_QUOTES = '"“”'
_TERMINAL = (".", "!", "?", ".”", '."', "!”", '!"', "?”", '?"', ".’", ".'", ".)", "。", "…”")


@dataclass(frozen=True)
class Passage:
    """A paragraph's text on one line, with what several features need of it."""

    text: str

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Its words as written."""
        return tuple(_WORD.findall(self.text[:LOOKED_AT]))

    @cached_property
    def lower_words(self) -> tuple[str, ...]:
        """Its words in small letters, with straight apostrophes."""
        return tuple(word.lower().replace("’", "'") for word in self.words)

    @cached_property
    def content(self) -> frozenset[str]:
        """The words that say what it is about."""
        return frozenset(w for w in self.lower_words if len(w) > 3 and w not in FUNCTION_WORDS)

    @cached_property
    def cues(self) -> tuple[str, ...]:
        """The names of the kinds of chrome it sounds like, most telling first."""
        head = self.text[:LOOKED_AT].lower().replace("’", "'")
        return tuple(cue.name for cue in CUES if cue.pattern.search(head))

    @cached_property
    def cue_count(self) -> int:
        """How many phrases of chrome are in it."""
        head = self.text[:LOOKED_AT].lower().replace("’", "'")
        return sum(len(cue.pattern.findall(head)) for cue in CUES if cue.name in self.cues)

    @cached_property
    def opens_with_cue(self) -> bool:
        """Do its very first words sound like chrome?"""
        head = self.text[:80].lower().replace("’", "'")
        return any(cue.pattern.match(head) for cue in CUES if cue.name in self.cues)

    @cached_property
    def unquoted(self) -> frozenset[str]:
        """Its words in small letters, without what it quotes."""
        text = _QUOTED.sub(" ", self.text[:LOOKED_AT])
        return frozenset(_WORD.findall(text.lower().replace("’", "'")))

    @cached_property
    def speaks_to_readers(self) -> float:
        """How plainly a site addresses its readers in it: we, and you, and neither in quotes."""
        return 0.5 * (not WE.isdisjoint(self.unquoted)) + 0.5 * (
            not SECOND_PERSON.isdisjoint(self.unquoted)
        )

    @cached_property
    def opens_as_biography(self) -> bool:
        """Does it begin with somebody's name and what they are or do?"""
        return bool(_BIOGRAPHY.match(self.text)) and self.lower_words[0] not in FUNCTION_WORDS

    @cached_property
    def form(self) -> str:
        """The role that its form gives away, if any."""
        return form_of(self.text)

    @cached_property
    def columns(self) -> int:
        """Into how many columns tabs or bars part it; sentences have none."""
        return 0 if self.ends_sentence else len(_COLUMN.findall(self.text[:LOOKED_AT])) + 1

    @cached_property
    def is_title_like(self) -> bool:
        """Could it be a title: some words that end like no sentence, in no special form?"""
        return 3 < len(self.words) <= 25 and not (
            self.form or self.text.endswith((".", ",", ";", ":", "!"))
        )

    @cached_property
    def key(self) -> str:
        """What is equal for paragraphs that repeat each other."""
        return " ".join(self.lower_words) or self.text

    @cached_property
    def ends_sentence(self) -> bool:
        """Does it end as a sentence does?"""
        return self.text.endswith(_TERMINAL) and not self.text.endswith("...")


def passages_of(texts: Sequence[str]) -> list[Passage]:
    """The passages of ``texts``; equal ones are the same, and looked at once: menus repeat."""
    known = {text: Passage(text) for text in set(texts)}
    return [known[text] for text in texts]


def own_features(passage: Passage) -> Features:
    """Features of the paragraph's own words."""
    text, words, lower = passage.text[:LOOKED_AT], passage.words, passage.lower_words
    count = len(words) or 1
    function_share = sum(word in FUNCTION_WORDS for word in lower) / count
    capitals = sum(word[0].isupper() for word in words) / count
    unquoted = _WORD.findall(_QUOTED.sub(" ", text).lower().replace("’", "'"))
    form = passage.form
    sentences = len(_SENTENCE_BREAK.findall(text)) + 1
    found: Features = {
        "bias": 1.0,
        "words": min(1.0, math.log1p(len(words)) / math.log(60)),
        "at most 3 words": float(len(words) <= 3),
        "at most 8 words": float(len(words) <= 8),
        "at most 15 words": float(len(words) <= 15),
        "over 30 words": float(len(words) > 30),
        "ends a sentence": float(passage.ends_sentence),
        "ends a long sentence": float(passage.ends_sentence and len(words) > 8),
        "ends with dots": float(text.endswith(("...", "…", "[…]", "…]"))),
        "ends with colon": float(text.endswith(":")),
        "ends with bang": float(text.endswith("!")),
        "ends with question": float(text.endswith("?")),
        "function words": function_share,
        "hardly function words": float(function_share < 0.15),
        "function words, long": function_share * min(1.0, len(words) / 30),
        "sentences": min(1.0, (sentences - 1) / 4),
        "commas": min(1.0, text.count(",") / 5),
        "capitalised": capitals,
        "capitalised, long": capitals * float(len(words) > 6),
        "capitals only": float(text.isupper()),
        "starts small": float(text[:1].islower()),
        "digits": min(1.0, 3 * sum(c.isdigit() for c in text) / len(text)),
        "symbols": min(
            1.0, 3 * sum(not c.isalnum() and c not in " .,'’-" for c in text) / len(text)
        ),
        "bars": min(1.0, sum(text.count(c) for c in "|»›·•>→×©") / 2),
        "quotes": min(1.0, sum(text.count(c) for c in _QUOTES) / 2),
        "past": min(1.0, sum(w in PAST or w.endswith("ed") for w in lower) / 4),
        "reporting": min(1.0, sum(w in REPORTING for w in lower) / 2),
        "second person": min(1.0, 8 * sum(w in SECOND_PERSON for w in lower) / count),
        "first person": min(1.0, 8 * sum(w in FIRST_PERSON for w in lower) / count),
        "first person, unquoted": min(1.0, 8 * sum(w in FIRST_PERSON for w in unquoted) / count),
        "we and you": float(passage.speaks_to_readers == 1),
        "we, no quotes": float(
            not WE.isdisjoint(passage.unquoted) and not any(c in text for c in _QUOTES)
        ),
        "mixed scripts": float(bool(_MIXED.search(text))),
        "imperative": float(bool(lower) and lower[0] in IMPERATIVES),
        "imperative, short": float(bool(lower) and lower[0] in IMPERATIVES and len(words) <= 12),
        "date": float(bool(_DATE.search(text[:200]))),
        "date, short": float(len(words) <= 12 and bool(_DATE.search(text[:200]))),
        "no words": float(not words),
        "opens as a biography": float(passage.opens_as_biography),
        "describes a picture": float(bool(_PICTURED.search(text))),
        "money": float("$" in text or "£" in text or "€" in text),
    }
    if form:
        found[f"form {form}"] = 1.0
    if passage.cues:
        # A phrase in a long text says less than one in a short one.
        density = min(1.0, 20 / count)
        for name in passage.cues:
            found[f"cue {name}"] = density
            if len(words) <= 12:
                found[f"cue {name}, short"] = 1.0
        found["cue opens"] = density * passage.opens_with_cue
        found["cue kinds"] = density * min(1.0, (len(passage.cues) - 1) / 3)
        found["cue count"] = density * min(1.0, (passage.cue_count - 1) / 4)
    return said(found)


def said(features: Features) -> Features:
    """The features that say something: zeros weigh nothing and cost time."""
    return {name: value for name, value in features.items() if value}
