"""One row per architecture: how it is fed and what it can be asked for.

Everything is decided from a model folder's JSON files alone, before any weights or
any of the big libraries are loaded. A family is the config's ``model_type``; two
models of one family differ by numbers and vocabulary only.

This module neither tokenizes nor computes; ``codec`` and ``engine`` do, by the row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any

from models import gguf_files, languages
from models.decoding import Decoding
from models.errors import ModelError

SUMMARIZER, TRANSLATOR = "summarizer", "translator"
BOTH = frozenset({SUMMARIZER, TRANSLATOR})

# What a chat template takes that translates by languages' codes.
LANGUAGE_CODE = "target_lang_code"
# TranslateGemma's card: "total input context of 2K tokens", although Gemma 3 has 128K positions.
_CODED_WINDOW = 2048
# Most tokens of an answer, where the authors say nothing.
_MOST = {SUMMARIZER: 192, TRANSLATOR: 512}


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

    ``positions`` is the config key that bounds its input, ``output_positions`` its
    output's where that has its own; without one, its positions are relative and
    ``default_limit`` tokens are what such models were trained on. ``prompts`` holds
    the text around a role's input. With ``global_first`` the first token attends to
    all others and they to it, where the rest see a window. A family that is
    ``always_told`` a language cannot do without one of its ``languages``.
    """

    shape: Shape = Shape.ENCODER_DECODER
    roles: frozenset[str] = BOTH
    languages: tuple[Language, ...] = ()
    positions: str = "max_position_embeddings"
    output_positions: str = ""
    default_limit: int = 512
    prompts: Mapping[str, str] | None = None
    global_first: bool = False
    always_told: bool = False


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
    positions="n_positions",
    prompts={SUMMARIZER: "summarize: {text}", TRANSLATOR: "translate English to Russian: {text}"},
)
_MT5 = replace(_T5, prompts=None)
_SENTENCES = Family(shape=Shape.ENCODER, roles=frozenset({SUMMARIZER}))

FAMILIES: Mapping[str, Family] = {
    "marian": Family(roles=frozenset({TRANSLATOR}), languages=(Language(">>rus<<"),)),
    "bart": Family(roles=frozenset({SUMMARIZER})),
    "led": Family(
        roles=frozenset({SUMMARIZER}),
        positions="max_encoder_position_embeddings",
        output_positions="max_decoder_position_embeddings",
        global_first=True,
    ),
    "pegasus": Family(roles=frozenset({SUMMARIZER})),
    "mbart": Family(
        roles=frozenset({TRANSLATOR}),
        languages=(Language("ru_RU", "en_XX", forced=True),),
        always_told=True,
    ),
    "m2m_100": Family(
        roles=frozenset({TRANSLATOR}),
        languages=(
            Language("rus_Cyrl", "eng_Latn", forced=True),  # NLLB
            Language("__ru__", "en", forced=True),
        ),
        always_told=True,
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
    """What a model folder says of itself.

    ``content`` is config.json, ``generation`` generation_config.json where there is
    one, ``template`` a chat model's template, "" where there is none; ``pair`` is what a
    translator says it translates from and into, "" for what it does not say.
    """

    family: str
    content: Mapping[str, Any]
    generation: Mapping[str, Any] = field(default_factory=dict)
    template: str = ""
    pair: tuple[str, str] = ("", "")

    @property
    def row(self) -> Family:
        """The family's row of the table."""
        return FAMILIES[self.family]

    @property
    def translates_by_code(self) -> bool:
        """Whether the chat template takes languages' codes, as TranslateGemma's does."""
        return LANGUAGE_CODE in self.template

    def limit(self) -> int:
        """Return the most tokens the encoder, or input and output together, can hold."""
        limit = self._positions(self.row.positions) or self.row.default_limit
        return min(limit, _CODED_WINDOW) if self.translates_by_code else limit

    def output_limit(self) -> int:
        """Return the most tokens an encoder-decoder's output has positions for, both marks too."""
        return self._positions(self.row.output_positions) or self.limit()

    def _positions(self, key: str) -> int | None:
        told = self.content.get("text_config", self.content).get(key)
        return told if isinstance(told, int) else None

    def told_prompt(self, role: str) -> str:
        """Return the prompt that the model's own config gives for a role, "" if none.

        T5's and BART's configs give a prefix there; the starter's gives the whole prompt.
        """
        task = self._task(role)
        prefix = task.get("prefix", self.content.get("prefix"))
        return task.get("prompt") or ("" if prefix is None else prefix + "{text}")

    def prompt(self, role: str) -> str:
        """Return the text around an input, ``{text}`` in its place."""
        return self.told_prompt(role) or (self.row.prompts or {}).get(role, "{text}")

    def decoding(self, role: str) -> Decoding:
        """Return the search that the model's authors recommend, as far as it is written.

        A summary's bounds are the authors' too, but clamped to the input: no summary is
        longer than what it summarizes, and none has to be longer than a quarter of it,
        or a short article's would be made up. A translation is bounded by its input alone.
        """
        told = {**self.content, **self.generation, **self._task(role)}
        stopping = told.get("early_stopping")
        least, most = self._lengths(told) if role == SUMMARIZER else (0, _MOST[TRANSLATOR])
        return Decoding(
            num_beams=told.get("num_beams") or 1,
            length_penalty=float(told.get("length_penalty") or 1.0),
            repetition_penalty=float(told.get("repetition_penalty") or 1.0),
            no_repeat_ngram_size=told.get("no_repeat_ngram_size") or 0,
            early_stopping=stopping if stopping in (True, "never") else False,
            min_tokens=least,
            max_tokens=min(most, self.limit() // 2),
            min_ratio=0.25 if role == SUMMARIZER else 0.0,
            max_ratio=1.0 if role == SUMMARIZER else 3.0,
        )

    def _task(self, role: str) -> Mapping[str, Any]:
        """Return what the config says of one task; pipelines used to read it there."""
        task = {SUMMARIZER: "summarization", TRANSLATOR: "translation_en_to_ru"}[role]
        return (self.content.get("task_specific_params") or {}).get(task) or {}

    def _lengths(self, told: Mapping[str, Any]) -> tuple[int, int]:
        """Return a summary's bounds as ``Decoding`` counts, without the end mark.

        ``min_length`` and ``max_length`` count the start mark, and a decoder's prompt, for
        which reason they say nothing there.
        """
        least, most = told.get("min_new_tokens"), told.get("max_new_tokens")
        if self.row.shape is Shape.ENCODER_DECODER:
            least = least or (told.get("min_length") or 1) - 1
            most = most or (told.get("max_length") or 0) - 1
        return max(0, least or 0), (most - 1 if most and most > 1 else _MOST[SUMMARIZER])


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
    template = None
    if file := gguf_files.find(folder):
        content, template = gguf_files.describe(file)
    elif path.is_file():
        content = read_json(path)
    else:
        raise ModelError(
            f"{folder} holds no model: config.json is missing; name a folder that "
            "save_pretrained or `svodka models fetch` wrote."
        )
    family = str(content.get("model_type", ""))
    if family not in FAMILIES:
        raise ModelError(
            f"{folder} is a model of the family {family or '(none named)'!r}, which svodka does "
            f"not know; it knows {', '.join(sorted(FAMILIES))}."
        )
    tokenizer = _optional(folder / "tokenizer_config.json")
    row = FAMILIES[family]
    if template is None:
        template = _template(folder, tokenizer) if row.shape is Shape.DECODER else ""
    config = Config(
        family,
        content,
        _optional(folder / "generation_config.json"),
        template,
        languages.pair(folder, content, tokenizer) if row.languages else ("", ""),
    )
    _insist(folder, config, role)
    return config


def _insist(folder: Path, config: Config, role: str) -> None:
    """Raise ``ModelError`` unless the model, by what its files say, can do what is asked."""
    roles = frozenset({TRANSLATOR}) if config.translates_by_code else config.row.roles
    if role not in roles:
        other = SUMMARIZER if role == TRANSLATOR else TRANSLATOR
        raise ModelError(
            f"{folder} ({config.family}) cannot be the {role}: it is a {other}; "
            f"pass it as --{other}."
        )
    if config.row.shape is Shape.DECODER and not (config.template or config.told_prompt(role)):
        raise ModelError(
            f"{folder} has no chat template, so it is no instruction-tuned model; "
            "choose one that is, often called -it or -Instruct."
        )
    if role == SUMMARIZER:
        return
    source, target = config.pair
    if languages.wrong(source, target):
        raise ModelError(
            f"{folder} translates {source or 'other languages'!r} into {target or 'others'!r}, not "
            "English into Russian; choose a model for en-ru, such as Helsinki-NLP/opus-mt-en-ru."
        )
    tasks = [
        name.removeprefix("translation_")
        for name in config.content.get("task_specific_params") or {}
        if name.startswith("translation_")
    ]
    if tasks and not config.told_prompt(role):
        raise ModelError(
            f"{folder} translates {', '.join(tasks)} by its own config, not English into Russian; "
            "choose another model as --translator."
        )


def _optional(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}


def _template(folder: Path, tokenizer: Mapping[str, Any]) -> str:
    """Return the folder's chat template, from whichever of its three places; "" if none."""
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    for place in (_optional(folder / "chat_template.json"), tokenizer):
        told = place.get("chat_template")
        if isinstance(told, list):  # several, by name
            told = next((each["template"] for each in told if each["name"] == "default"), None)
        if told:
            return str(told)
    return ""


def sentence_limit(folder: Path) -> int:
    """Return the longest input, in tokens, that a sentence encoder was trained on."""
    path = folder / "sentence_bert_config.json"
    told = read_json(path).get("max_seq_length") if path.is_file() else None
    return told if isinstance(told, int) else FAMILIES["bert"].default_limit
