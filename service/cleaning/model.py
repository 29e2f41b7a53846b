"""The paragraph model: how likely each paragraph belongs to the story.

Two logistic regressions with readable weights. The first judges a paragraph
by its own words; the second judges it again, with those words and with the
first one's verdicts on its neighbours. It knows nothing of HTML, and nothing
of what a caller does with its verdicts. `service.cleaning.train` makes the
weights.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from service.cleaning.features import Features, Passage, own_features
from service.cleaning.places import place_features

WEIGHTS = Path(__file__).with_name("weights.json")


@dataclass(frozen=True)
class ParagraphModel:
    """Weights by feature name, a set for each reading of the article.

    The first reading has the paragraphs' own words to go by; each later one
    also the verdicts of the reading before it on their neighbours. A feature
    without a weight counts nothing.
    """

    readings: tuple[Mapping[str, float], ...]
    threshold: float  # above it, a paragraph is kept
    doubt: float  # a text with nothing below it is kept whole

    def likelihoods(self, passages: Sequence[Passage], headline: str = "") -> list[float]:
        """For each of an article's paragraphs, 0 to 1: is it part of the story?"""
        # Menus repeat themselves; each line is looked at once.
        known = {passage.text: passage for passage in passages}
        features = {text: own_features(passage) for text, passage in known.items()}
        own = [features[passage.text] for passage in passages]
        likely = judged(self.readings[0], own)
        for weights in self.readings[1:]:
            likely = judged(weights, placed(passages, own, likely, headline))
        return likely


def placed(
    passages: Sequence[Passage], own: Sequence[Features], likely: Sequence[float], headline: str
) -> list[Features]:
    """The features of a later reading: the paragraphs' own, and those of their places."""
    places = place_features(passages, likely, headline)
    return [features | place for features, place in zip(own, places, strict=True)]


def judged(weights: Mapping[str, float], rows: Sequence[Features]) -> list[float]:
    """The likelihood that ``weights`` give to each row of features."""
    return [_logistic(weights, features) for features in rows]


@cache
def shipped_model() -> ParagraphModel:
    """The model that comes with the package."""
    weights = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return ParagraphModel(tuple(weights["readings"]), weights["threshold"], weights["doubt"])


@cache
def trained_on() -> frozenset[str]:
    """The pages that made the shipped weights: their addresses, or failing that, file names."""
    return frozenset(json.loads(WEIGHTS.read_text(encoding="utf-8"))["trained_on"])


def _logistic(weights: Mapping[str, float], features: Features) -> float:
    total = sum([weights.get(name, 0.0) * value for name, value in features.items()])
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
