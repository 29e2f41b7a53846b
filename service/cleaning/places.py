"""What the paragraph model sees around a paragraph, as numbers.

Where it stands, what surrounds it, whether the story has begun, whether it
speaks of what the story speaks of. The numbers are of the same kind as those
of `service.cleaning.features`, which looks at a paragraph's own words.
Nothing is decided here.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from service.cleaning.features import Features, Passage, said

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
    titles = _titles_around(passages)
    begun = dict.fromkeys(_ENDINGS, 0)
    gap, listed = len(passages), False
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
            said(
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
                    "plain prose, story on both sides": _story_on_both_sides(likely, index)
                    if _is_plain_prose(passage)
                    else 0.0,
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
                    "titles above": min(1.0, titles[index][0] / 4),
                    "among titles": float(min(titles[index]) > 0),
                    "one or two titles in prose": float(
                        passage.is_title_like and sum(titles[index]) < 2
                    )
                    * min(previous, following),
                    "below a teaser's heading": float(passage.is_title_like and listed),
                    "prose below a teaser's heading": float(
                        passage.ends_sentence and listed and not short
                    ),
                    "said again below": 0.0 if short else _said_again(passages, index),
                    "second before": likely[index - 2] if index > 1 else 0.0,
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
        heads_teasers = len(passage.words) <= 5 and "teaser" in passage.cues
        listed = heads_teasers or (listed and passage.is_title_like)
        if inside or index >= block[1]:
            for cue in _ENDINGS:
                begun[cue] += len(passage.words) <= 5 and cue in passage.cues
        gap = 0 if own > 0.5 else gap + 1
    return found


def _titles_around(passages: Sequence[Passage]) -> list[tuple[int, int]]:
    """For each paragraph, how many lines like titles stand right above and right below it."""
    above, below = [0], [0]
    for passage in passages[:-1]:
        above.append(above[-1] + 1 if passage.is_title_like else 0)
    for passage in reversed(passages[1:]):
        below.append(below[-1] + 1 if passage.is_title_like else 0)
    return list(zip(above, reversed(below), strict=True))


def _said_again(passages: Sequence[Passage], index: int) -> float:
    """The share of a paragraph's content words that one of the next three has, too."""
    content = passages[index].content
    if len(content) <= 3:
        return 0.0
    below = passages[index + 1 : index + 4]
    return max((len(content & other.content) for other in below), default=0) / len(content)


def _story_on_both_sides(likely: Sequence[float], index: int) -> float:
    """How likely the story goes on within reach, above and below."""
    return min(
        max(likely[max(0, index - _REACH) : index], default=0.0),
        max(likely[index + 1 : index + 1 + _REACH], default=0.0),
    )


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
