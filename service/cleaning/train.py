"""Trains the paragraph model: ``python -m service.cleaning.train --pages DIR --labels FILE``.

Labels are a JSON object: per page's file name its ``flat`` text, and segments
``with`` and ``without`` that belong and do not belong to its main text. They
name a few paragraphs only; for the others the extractions of ``trafilatura``
from the HTML stand in, aligned with the flat text, each setting with one
vote. Plain numpy, no randomness: the same pages give the same weights.
Nothing of this is needed to clean.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from service.cleaning.blocks import paragraph_offsets
from service.cleaning.document import one_line
from service.cleaning.features import Features, Passage, own_features
from service.cleaning.model import WEIGHTS, ParagraphModel, judged, placed

SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"fast": True},
    {"favor_precision": True},
    {"favor_recall": True},
)
# Below one half: the model is trained on extractions that miss more of a story than they add.
THRESHOLD, DOUBT = 0.3, 0.15
# Strength of the penalty on large weights: a prior of standard deviation PRIOR.
PRIOR = 0.3
# Blocks of chrome written for training: kinds that few pages have, many sites do.
CHROME = Path(__file__).with_name("chrome.json")
# So many of them are put around a story, and into it.
BLOCKS = 7
READINGS = 3
# What features are believed to mean before any page is seen, by the beginnings of their
# names: words of chrome speak against a paragraph. The extractor that stands in for people
# is too kind to them.
BELIEFS = {
    "cue ": -1.0,
    "cue count": -1.0,
    "cue kinds": -1.0,
    "asks, to readers": -2.0,
    "mixed scripts": -6.0,
}
# A paragraph that people labelled counts as so many that the extractor did, and so many
# does one whose label was corrected.
GOLD, READ = 8.0, 2.0
# Where the extractor was plainly wrong about a page, by page and digest of the paragraph.
CORRECTIONS = Path(__file__).with_name("corrections.json")


@dataclass(frozen=True)
class Example:
    """A page, or a part of one: its paragraphs, how much of the story each is, how sure that is."""

    page: str
    passages: tuple[Passage, ...]
    story: np.ndarray  # (paragraphs,), 0 to 1
    trust: np.ndarray  # (paragraphs,), a weight
    headline: str = ""


def page_key(name: str, entry: Mapping[str, Any]) -> str:
    """What a labelled page is known by: its address, or failing that, its file's name."""
    return entry.get("url") or name


def page_examples(pages: Path, labels: Mapping[str, Mapping[str, Any]]) -> list[Example]:
    """One example for each labelled page."""
    corrections = json.loads(CORRECTIONS.read_text(encoding="utf-8"))
    return [
        _example(name, entry, (pages / name).read_bytes(), corrections.get(name, {}))
        for name, entry in labels.items()
    ]


def _example(
    name: str, entry: Mapping[str, Any], html: bytes, corrections: Mapping[str, Sequence[str]]
) -> Example:
    flat = entry["flat"]
    passages = tuple(Passage(one_line(flat[a:b])) for a, b in paragraph_offsets(flat))
    texts = [_squeezed(passage.text) for passage in passages]
    votes = np.mean([_votes(texts, extraction) for extraction in _extractions(html)], axis=0)
    trust = np.array([_trust(passage) for passage in passages])
    for index, digest in enumerate(map(_digest, texts)):
        if digest in corrections.get("unclear", ()):
            trust[index] = 0.0
        for label, belongs in (("story", 1.0), ("chrome", 0.0)):
            if digest in corrections.get(label, ()):
                votes[index], trust[index] = belongs, READ * _trust(passages[index])
    for segments, belongs in ((entry["with"], 1.0), (entry["without"], 0.0)):
        for segment in map(_squeezed, segments):
            for index, text in enumerate(texts):
                if segment in text:
                    votes[index], trust[index] = belongs, GOLD * _trust(passages[index])
    return Example(name, passages, votes, trust)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _trust(passage: Passage) -> float:
    """Long paragraphs matter more than menu entries."""
    return min(1.0, (len(passage.words) + 2) / 20)


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _extractions(html: bytes) -> list[str]:
    import trafilatura

    return [
        trafilatura.extract(html, include_comments=False, include_tables=True, **setting) or ""
        for setting in SETTINGS
    ]


def _votes(texts: Sequence[str], extraction: str) -> np.ndarray:
    """1 for each paragraph that the extraction holds: short ones as a line of it."""
    whole = _squeezed(extraction)
    lines = {_squeezed(line.lstrip("- ").strip("| ")) for line in extraction.splitlines()}
    return np.array([float(text in whole if len(text) >= 25 else text in lines) for text in texts])


def varied(example: Example) -> Iterator[Example]:
    """The page; its story with less of the chrome around it; its story alone."""
    yield example
    story = np.flatnonzero(example.story > 0.5)
    if len(story) > 3:
        first, last = int(story[0]), int(story[-1]) + 1
        yield _part(example, np.arange(max(0, first - 4), min(len(example.story), last + 12)), 0.5)
        yield _part(example, story, 0.25)


def grafted(host: Example, guest: Example) -> Example | None:
    """``guest``'s story in the place of ``host``'s: another site's chrome around it."""
    old, new = np.flatnonzero(host.story > 0.5), np.flatnonzero(guest.story > 0.5)
    if len(old) < 4 or len(new) < 4:
        return None
    top, bottom = slice(0, old[0]), slice(old[-1] + 1, None)
    story = slice(new[0], new[-1] + 1)
    return Example(
        host.page,
        host.passages[top] + guest.passages[story] + host.passages[bottom],
        np.concatenate([host.story[top], guest.story[story], host.story[bottom]]),
        0.5 * np.concatenate([host.trust[top], guest.trust[story], host.trust[bottom]]),
    )


def adorned(example: Example, blocks: Sequence[Sequence[str]], within: int) -> Example | None:
    """The story with hand-written chrome above it, ``within`` it, and the rest below it."""
    story = np.flatnonzero(example.story > 0.5)
    if len(story) < 4:
        return None
    inner = _part(example, np.arange(story[0], story[-1] + 1), 0.5)
    parts = within + 1
    cuts = [len(inner.passages) * part // parts for part in range(parts + 1)]
    pieces: list[Example] = []
    for place, (start, end) in enumerate(pairwise(cuts)):
        pieces += [_chrome(blocks[place]), _part(inner, np.arange(start, end), 1.0)]
    return _joined(example.page, [*pieces, *map(_chrome, blocks[parts:])])


def _chrome(block: Sequence[str]) -> Example:
    passages = tuple(Passage(line) for line in block)
    trust = np.array([_trust(passage) for passage in passages])
    return Example("", passages, np.zeros(len(passages)), trust)


def _joined(page: str, pieces: Sequence[Example]) -> Example:
    return Example(
        page,
        tuple(passage for piece in pieces for passage in piece.passages),
        np.concatenate([piece.story for piece in pieces]),
        np.concatenate([piece.trust for piece in pieces]),
    )


def _part(example: Example, kept: np.ndarray, trust: float) -> Example:
    return Example(
        example.page,
        tuple(example.passages[i] for i in kept),
        example.story[kept],
        example.trust[kept] * trust,
        example.headline,
    )


def _all_variants(examples: Sequence[Example]) -> Iterator[Example]:
    chrome = json.loads(CHROME.read_text(encoding="utf-8"))
    for index, example in enumerate(examples):
        yield from varied(example)
        made = [grafted(example, examples[index - 1])]
        for step, within in ((1, 2), (5, 4), (7, 2)):
            start = BLOCKS * index * step
            dealt = [chrome[(start + step * place) % len(chrome)] for place in range(BLOCKS)]
            made.append(adorned(example, dealt, within))
        yield from (variant for variant in made if variant)


def fitted(examples: Sequence[Example]) -> ParagraphModel:
    """The model that fits ``examples`` best, reading by reading."""
    examples = list(_all_variants(examples))
    story = np.concatenate([example.story for example in examples])
    trust = np.concatenate([example.trust for example in examples])
    own = [[own_features(p) for p in example.passages] for example in examples]
    rows, readings = own, []
    for reading in range(READINGS):
        weights = _logistic_regression([f for page in rows for f in page], story, trust)
        readings.append(weights)
        if reading + 1 < READINGS:
            rows = [
                placed(example.passages, features, judged(weights, row), example.headline)
                for example, features, row in zip(examples, own, rows, strict=True)
            ]
    return ParagraphModel(tuple(readings), THRESHOLD, DOUBT)


def _logistic_regression(
    rows: Sequence[Features], target: np.ndarray, trust: np.ndarray
) -> dict[str, float]:
    """Weights by name that make ``target`` most likely, by Newton's method."""
    names = sorted({name for row in rows for name in row})
    column = {name: index for index, name in enumerate(names)}
    matrix = np.zeros((len(rows), len(names)))
    for index, row in enumerate(rows):
        for name, value in row.items():
            matrix[index, column[name]] = value
    believed = np.array(
        [sum((v for start, v in BELIEFS.items() if name.startswith(start)), 0.0) for name in names]
    )
    weights = believed.copy()
    penalty = 1 / PRIOR**2
    for _ in range(30):
        likely = 1 / (1 + np.exp(-np.clip(matrix @ weights, -30, 30)))
        gradient = matrix.T @ (trust * (likely - target)) + penalty * (weights - believed)
        curvature = (matrix * (trust * likely * (1 - likely))[:, None]).T @ matrix
        step = np.linalg.solve(curvature + penalty * np.eye(len(names)), gradient)
        weights -= step
        if np.abs(step).max() < 1e-6:
            break
    return {name: round(float(weight), 3) for name, weight in zip(names, weights, strict=True)}


def folds(urls: Mapping[str, str], count: int) -> list[set[str]]:
    """Pages dealt into ``count`` hands, those of one site into the same one.

    ``urls`` gives the address of each page, or "" where it is not known; a
    hand holds names. Sites are dealt in the order of their hashes.
    """
    sites: dict[str, list[str]] = {}
    for name, url in urls.items():
        sites.setdefault(urlsplit(url).hostname or name, []).append(name)
    order = sorted(sites, key=lambda site: hashlib.sha256(site.encode()).digest())
    hands = [{name for site in order[hand::count] for name in sites[site]} for hand in range(count)]
    return [hand for hand in hands if hand]


def main() -> None:
    """Read the pages, write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=Path, required=True, help="folder of HTML pages")
    parser.add_argument("--labels", type=Path, required=True, help="their labels, JSON")
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)  # trafilatura's remarks on single pages
    labels = json.loads(arguments.labels.read_text(encoding="utf-8"))
    model = fitted(page_examples(arguments.pages, labels))
    content = {
        "trained_on": sorted(page_key(name, entry) for name, entry in labels.items()),
        "threshold": model.threshold,
        "doubt": model.doubt,
        "readings": model.readings,
    }
    arguments.output.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
