"""What the paragraph model sees: numbers about a paragraph and its neighbours.

Two sets, both plain dictionaries of values between 0 and 1, zeros left out,
so that the weights beside each name can be read. `own_features` looks at one paragraph's
words; `place_features` at where it stands: what surrounds it, whether the
story has begun, whether it speaks of what the story speaks of. Nothing is
decided here.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
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
    def key(self) -> str:
        """What is equal for paragraphs that repeat each other."""
        return " ".join(self.lower_words) or self.text

    @cached_property
    def ends_sentence(self) -> bool:
        """Does it end as a sentence does?"""
        return self.text.endswith(_TERMINAL) and not self.text.endswith("...")


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
    return _said(found)


def _said(features: Features) -> Features:
    """The features that say something: zeros weigh nothing and cost time."""
    return {name: value for name, value in features.items() if value}


# What sites ask of their readers.
_ASKING = frozenset(
    {"cookies", "newsletter", "donation", "appeal", "subscription", "account", "app"}
)

# A story goes on behind a box of at most so many lines.
_REACH = 6

# Headings under which no story goes on.
_ENDINGS = {"comments": "comments began", "teaser": "teasers began"}


def place_features(
    passages: Sequence[Passage], likely: Sequence[float], headline: str
) -> list[Features]:
    """Features of each paragraph's place; ``likely`` holds the own words' verdicts, 0 to 1."""
    block = main_block(passages, likely)
    heading = Passage(headline).content
    spoken: Counter[str] = Counter()
    for index in range(*block):
        if likely[index] > 0.5:
            spoken.update(passages[index].content)
    site: Counter[str] = Counter()
    for passage, own in zip(passages, likely, strict=True):
        if own < 0.3 and not _ASKING.isdisjoint(passage.cues):
            site.update(passage.content)
    asking = _surroundings([float(not _ASKING.isdisjoint(p.cues)) for p in passages])
    copies = Counter(passage.key for passage in passages)
    authors = {word for p in passages if p.form == "byline" for word in p.words[:8]} - {"By", "by"}
    around = _surroundings(likely)
    begun = dict.fromkeys(_ENDINGS, 0)
    gap = len(passages)
    found: list[Features] = []
    for index, passage in enumerate(passages):
        before, after = around[index]
        inside = block[0] <= index < block[1]
        away = block[0] - index if index < block[0] else max(0, index - block[1] + 1)
        short = len(passage.words) <= 12
        own = likely[index]
        previous = likely[index - 1] if index else 0.0
        following = likely[index + 1] if index + 1 < len(passages) else 0.0
        topic = _overlap(passage, spoken, own > 0.5 and inside)
        sure = math.log(max(own, 1e-3) / max(1 - own, 1e-3)) / 7
        found.append(
            _said(
                {
                    "bias": 1.0,
                    "own words for": max(0.0, sure),
                    "own words against": max(0.0, -sure),
                    "previous": previous,
                    "following": following,
                    "before": before,
                    "after": after,
                    "before and after": before * after,
                    "inside": float(inside),
                    "inside, short": float(inside and short),
                    "inside, no sentence": float(inside and not passage.ends_sentence),
                    "between": previous * following,
                    "the weaker neighbour": min(previous, following),
                    "prose between": min(previous, following)
                    * float(not short and passage.ends_sentence),
                    "plain prose, story on both sides": float(_is_plain_prose(passage))
                    * min(
                        max(likely[max(0, index - _REACH) : index], default=0.0),
                        max(likely[index + 1 : index + 1 + _REACH], default=0.0),
                    ),
                    "title between": min(previous, following)
                    * float(short and index > 0 and passages[index - 1].ends_sentence),
                    "before the block": float(index < block[0]),
                    "after the block": float(index >= block[1]),
                    "away": min(1.0, math.log1p(away) / 4),
                    "edge of the block": float(index == block[1] - 1),
                    "biography at the end": float(
                        passage.opens_as_biography and index >= block[1] - 2
                    ),
                    "opens with the author's name": float(
                        not short and len(authors.intersection(passage.words[:2])) == 2
                    ),
                    "topic": topic,
                    "topic, long": topic * float(not short),
                    "topic, short": topic * float(short),
                    "speaks of the site": _overlap(passage, site, own < 0.3) * (1 - topic),
                    "asking before": asking[index][0],
                    "asking after": asking[index][1],
                    "asking before and after": asking[index][0] * asking[index][1],
                    "asks, to readers": passage.speaks_to_readers
                    * min(1.0, 3 * max(asking[index])),
                    "asks, to readers only": float(
                        passage.speaks_to_readers == 1 and max(asking[index]) > 0.1
                    ),
                    **_beside("after", passage, passages[index - 1] if index else None),
                    **_beside(
                        "before",
                        passage,
                        passages[index + 1] if index + 1 < len(passages) else None,
                    ),
                    "headline": _shared(passage.content, heading),
                    "repeated": float(copies[passage.key] > 1),
                    "position": index / len(passages),
                    "since prose": min(1.0, math.log1p(gap) / 4),
                    **{name: float(begun[cue] > 0) for cue, name in _ENDINGS.items()},
                    **{
                        f"{name}, often": min(1.0, begun[cue] / 4) for cue, name in _ENDINGS.items()
                    },
                }
            )
        )
        if inside or index >= block[1]:
            for cue in _ENDINGS:
                begun[cue] += len(passage.words) <= 5 and cue in passage.cues
        gap = 0 if own > 0.5 else gap + 1
    return found


def _is_plain_prose(passage: Passage) -> bool:
    """Is it a sentence of some length in which no site speaks?"""
    return (
        passage.ends_sentence
        and len(passage.words) > 12
        and not passage.cues
        and not passage.speaks_to_readers
    )


def _beside(side: str, passage: Passage, neighbour: Passage | None) -> Features:
    """What a short line above or below says of itself: a heading, a date, a credit.

    It means one thing to prose and another to lines like itself.
    """
    prose = "prose " if passage.ends_sentence and len(passage.words) > 12 else ""
    if neighbour is None:
        return {f"{prose}{side} nothing": 1.0}
    found: Features = {}
    if len(neighbour.words) <= 12:
        for name in {neighbour.form, *neighbour.cues} - {""}:
            found[f"{prose}{side} {name}"] = 1.0
    elif not neighbour.ends_sentence:
        found[f"{prose}{side} a long line without end"] = 1.0
    return found


def main_block(passages: Sequence[Passage], likely: Sequence[float]) -> tuple[int, int]:
    """(first, last + 1) of the run of paragraphs that holds most of the story.

    The run with the greatest sum of what speaks for each paragraph, weighted
    by the root of its length (Kadane's algorithm).
    """
    best, best_run, total, start = 0.0, (0, 0), 0.0, 0
    for index, (passage, own) in enumerate(zip(passages, likely, strict=True)):
        total += (own - 0.4) * math.sqrt(min(50, len(passage.words)) + 1)
        if total <= 0:
            total, start = 0.0, index + 1
        elif total > best:
            best, best_run = total, (start, index + 1)
    return best_run


def _surroundings(likely: Sequence[float], fade: float = 0.7) -> list[tuple[float, float]]:
    """For each paragraph, how likely those before and those after it are, fading with distance."""
    return list(
        zip(_faded(likely, fade), reversed(_faded(list(reversed(likely)), fade)), strict=True)
    )


def _faded(likely: Sequence[float], fade: float) -> list[float]:
    level, levels = 0.0, []
    for own in likely:
        levels.append(level)
        level = fade * level + (1 - fade) * own
    return levels


def _overlap(passage: Passage, spoken: Mapping[str, int], counted: bool) -> float:
    """Share of its content words that the story uses elsewhere too."""
    content = passage.content
    if not content:
        return 0.0
    return sum(spoken.get(word, 0) > counted for word in content) / len(content)


def _shared(content: frozenset[str], other: frozenset[str]) -> float:
    return len(content & other) / len(content | other) if content and other else 0.0
