"""Text to the ids a model reads, and back.

A codec is a tokenizer and what surrounds the text: prompt, special tokens,
language tokens. It loads no weights, so it can work in another process than the
engine. It never truncates: the caller sees the length and splits.

What stands in the text is text: an article that contains ``<eos>`` or
``<start_of_turn>`` ends nothing and starts no turn.

The tokenizer's state is set once, here; padding is the engine's own business. So a
codec may be shared between threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.errors import ModelError
from models.families import FAMILIES, Language
from models.selection import ModelRef


class Codec:
    """The tokenizer's side of one model."""

    def __init__(self, ref: ModelRef, tokenizer: Any) -> None:
        self.max_input_tokens = ref.max_input_tokens
        self._tokenizer = tokenizer
        self._prompt = ref.prompt
        self._chat = ref.chat
        self._marks = {*tokenizer.all_special_ids} - {tokenizer.unk_token_id}
        self.forced_bos_id: int | None = None
        before, after = ([], []) if ref.chat else self._surroundings()
        if language := self._language(FAMILIES[ref.family].languages):
            target = tokenizer.convert_tokens_to_ids(language.target)
            if language.source:
                tokenizer.src_lang = language.source
                before, after = self._surroundings()
            if language.forced:
                self.forced_bos_id = target
            else:
                before = [*before, target]
            self._prompt = "{text}"  # the token says it; the words are for models without one
        self._before, self._after = before, after
        if ref.chat and not tokenizer.chat_template:
            raise ModelError(
                f"{ref.path} has no chat template, so it is no instruction-tuned model; "
                "choose one that is."
            )

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the whole input of a unit: prompt, text and special tokens, uncut."""
        text = self._prompt.replace("{text}", text)
        if self._chat:
            return tuple(
                self._tokenizer.apply_chat_template(
                    [{"role": "user", "content": text}],
                    add_generation_prompt=True,
                    sanitize_control_tokens=True,
                    return_dict=False,
                )
            )
        return (*self._before, *self._plain(text), *self._after)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of output ids, special tokens left out."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True).strip()

    @property
    def pad_id(self) -> int:
        """The id that fills short rows; behind a mask, so any id will do."""
        pad = self._tokenizer.pad_token_id
        return self._tokenizer.eos_token_id or 0 if pad is None else pad

    def _plain(self, text: str) -> list[int]:
        # A leading blank keeps Marian's tokenizer from taking ">>…<<" in a text for a language.
        text = f" {text}" if text.startswith(">>") else text
        ids = self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        # T5's vocabularies hold their marks among the ordinary pieces, so they can still come out.
        return [id_ for id_ in ids if id_ not in self._marks]

    def _language(self, languages: Sequence[Language]) -> Language | None:
        """Return the first row whose target token this model has."""
        unknown = (None, self._tokenizer.unk_token_id)
        for row in languages:
            if self._tokenizer.convert_tokens_to_ids(row.target) not in unknown:
                return row
        return None

    def _surroundings(self) -> tuple[list[int], list[int]]:
        """Return the special tokens that this tokenizer puts before and after a text."""
        probe = "a"
        bare = self._plain(probe)
        full = self._tokenizer.encode(probe)
        for start in range(len(full) - len(bare) + 1):
            if full[start : start + len(bare)] == bare:
                return full[:start], full[start + len(bare) :]
        raise ModelError("The model's tokenizer is of a kind that svodka does not understand.")


def open_codec(ref: ModelRef) -> Codec:
    """Open the tokenizer of a model. Raises ``ModelError`` if that fails."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            ref.path, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:
        raise ModelError(
            f"The tokenizer in {ref.path} cannot be opened ({_first_line(error)}); "
            "fetch or copy the model again."
        ) from error
    return Codec(ref, tokenizer)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
