"""One row per architecture: how it is fed and what it can be asked for.

Everything is decided from a model folder's ``config.json`` alone, before any
weights or any of the big libraries are loaded. A family is the config's
``model_type``; two models of one family differ by numbers and vocabulary only.

This module neither tokenizes nor computes; ``codec`` and ``engine`` do, by the row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from models.decoding import Decoding
from models.errors import ModelError

SUMMARIZER, TRANSLATOR = "summarizer", "translator"
BOTH = frozenset({SUMMARIZER, TRANSLATOR})


class Shape(Enum):
    """What the network is, and so how it is padded and run."""

    ENCODER_DECODER = "encoder-decoder"
    DECODER = "decoder"
    ENCODER = "encoder"


@dataclass(frozen=True)
class Language:
    """How a multilingual model is told English to Russian.

    ``target`` is a token of the vocabulary; a model without it ignores this row.
    ``source`` is what the tokenizer calls English, "" if it needs no telling.
    The target goes first into the input, or, with ``forced``, first into the output.
    """

    target: str
    source: str = ""
    forced: bool = False


@dataclass(frozen=True)
class Family:
    """One architecture.

    ``positions`` are the config keys that bound its input, tried in order; without
    one, its positions are relative and ``default_limit`` tokens are what such models
    were trained on. ``prompts`` holds the text around a role's input.
    """

    shape: Shape = Shape.ENCODER_DECODER
    roles: frozenset[str] = BOTH
    languages: tuple[Language, ...] = ()
    positions: tuple[str, ...] = ("max_position_embeddings",)
    default_limit: int = 512
    prompts: Mapping[str, str] | None = None


_CHAT = Family(
    shape=Shape.DECODER,
    prompts={
        SUMMARIZER: "Summarize the article below in three sentences. Use only what it says, keep "
        "names and numbers exactly, and reply with the summary alone.\n\n{text}",
        TRANSLATOR: "Translate the text below from English to Russian. Keep names and numbers "
        "exactly, and reply with the translation alone.\n\n{text}",
    },
)
_T5 = Family(
    languages=(Language("<2ru>"),),
    positions=("n_positions",),
    prompts={SUMMARIZER: "summarize: {text}", TRANSLATOR: "translate English to Russian: {text}"},
)
_MT5 = replace(_T5, prompts=None)
_PEGASUS = Family(roles=frozenset({SUMMARIZER}))
_MBART = Family(languages=(Language("ru_RU", "en_XX", forced=True),))
_SENTENCES = Family(shape=Shape.ENCODER, roles=frozenset({SUMMARIZER}))

FAMILIES: Mapping[str, Family] = {
    "marian": Family(roles=frozenset({TRANSLATOR}), languages=(Language(">>rus<<"),)),
    "bart": Family(roles=frozenset({SUMMARIZER})),
    "pegasus": _PEGASUS,
    "mbart": _MBART,
    "m2m_100": Family(
        roles=frozenset({TRANSLATOR}),
        languages=(
            Language("rus_Cyrl", "eng_Latn", forced=True),  # NLLB
            Language("__ru__", "en", forced=True),
        ),
    ),
    "t5": _T5,
    "mt5": _MT5,
    "umt5": _MT5,
    "gemma": _CHAT,
    "gemma2": _CHAT,
    "gemma3": _CHAT,
    "gemma3_text": _CHAT,
    "llama": _CHAT,
    "mistral": _CHAT,
    "qwen2": _CHAT,
    "qwen3": _CHAT,
    "phi3": _CHAT,
    "bert": _SENTENCES,
    "mpnet": _SENTENCES,
}


@dataclass(frozen=True)
class Config:
    """What a model folder says of itself."""

    family: str
    content: Mapping[str, Any]

    @property
    def row(self) -> Family:
        """The family's row of the table."""
        return FAMILIES[self.family]

    def limit(self) -> int:
        """Return the most tokens the encoder, or input and output together, can hold."""
        text = self.content.get("text_config", self.content)
        for key in self.row.positions:
            if isinstance(text.get(key), int):
                return text[key]
        return self.row.default_limit

    def told_prompt(self, role: str) -> str:
        """Return the prompt that the model's own config gives for a role, "" if none.

        T5's configs give a prefix there; the starter's gives the whole prompt.
        """
        task = {SUMMARIZER: "summarization", TRANSLATOR: "translation_en_to_ru"}[role]
        told = (self.content.get("task_specific_params") or {}).get(task) or {}
        prefix = told.get("prefix")
        return told.get("prompt") or ("" if prefix is None else prefix + "{text}")

    def prompt(self, role: str) -> str:
        """Return the text around an input, ``{text}`` in its place."""
        return self.told_prompt(role) or (self.row.prompts or {}).get(role, "{text}")

    def decoding(self, role: str, folder: Path) -> Decoding:
        """Return the search that the model's authors recommend, as far as it is written.

        A minimum length is left out: it makes short articles' summaries up.
        """
        told = dict(self.content)
        generation = folder / "generation_config.json"
        if generation.is_file():
            told |= read_json(generation)
        stopping = told.get("early_stopping")
        room = {SUMMARIZER: 192, TRANSLATOR: 512}[role]
        return Decoding(
            num_beams=told.get("num_beams") or 1,
            length_penalty=float(told.get("length_penalty") or 1.0),
            repetition_penalty=float(told.get("repetition_penalty") or 1.0),
            no_repeat_ngram_size=told.get("no_repeat_ngram_size") or 0,
            early_stopping=stopping if stopping in (True, "never") else False,
            max_tokens=min(room, self.limit() // 2),
            max_ratio=0.0 if role == SUMMARIZER else 3.0,
        )


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON file's object. Raises ``ModelError`` if it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ModelError(f"{path} is damaged; fetch or copy the model again.")
    return content


def read_config(folder: Path, role: str) -> Config:
    """Read a model folder's config for one role.

    Raises ``ModelError`` if there is none, if the family is unknown, or if it cannot
    do what the role asks.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise ModelError(
            f"{folder} holds no model: config.json is missing; name a folder that "
            "save_pretrained or `svodka models fetch` wrote."
        )
    content = read_json(path)
    family = str(content.get("model_type", ""))
    if family not in FAMILIES:
        raise ModelError(
            f"{folder} is a model of the family {family or '(none named)'!r}, which svodka does "
            f"not know; it knows {', '.join(sorted(FAMILIES))}."
        )
    if role not in FAMILIES[family].roles:
        other = SUMMARIZER if role == TRANSLATOR else TRANSLATOR
        raise ModelError(
            f"{folder} ({family}) cannot be the {role}: it is a {other}; pass it as --{other}."
        )
    return Config(family, content)


def sentence_limit(folder: Path) -> int:
    """Return the longest input, in tokens, that a sentence encoder was trained on."""
    path = folder / "sentence_bert_config.json"
    told = read_json(path).get("max_seq_length") if path.is_file() else None
    return told if isinstance(told, int) else FAMILIES["bert"].default_limit
