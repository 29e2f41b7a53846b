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
from pathlib import Path
from typing import Any

from models import gguf_files, sentencepieces
from models.errors import ModelError, first_line
from models.families import FAMILIES, LANGUAGE_CODE, SUMMARIZER, Language
from models.selection import ModelRef

# What a chat template is told beside the message. Models that can think aloud first must not:
# the answer is all that is asked for. Llama's writes today's date into the prompt unless given
# one, and the same article must get the same answer tomorrow.
_TOLD = {"enable_thinking": False, "date_string": "26 Jul 2024"}


class Codec:
    """The tokenizer's side of one model.

    ``told`` is what says English to Russian to it, "" where nothing does because it can
    do nothing else.
    """

    def __init__(self, ref: ModelRef, tokenizer: Any) -> None:
        self.max_input_tokens = ref.max_input_tokens
        self._tokenizer = tokenizer
        self._prompt = ref.prompt
        self._chat = ref.chat
        self._marks = {*tokenizer.all_special_ids} - {tokenizer.unk_token_id}
        self.forced_bos_id: int | None = None
        self.told = ""
        self._before: list[int] = []
        self._after: list[int] = []
        if ref.chat:
            self._open_chat(ref)
        else:
            self._open_plain(ref)

    def _open_chat(self, ref: ModelRef) -> None:
        if not self._tokenizer.chat_template:
            raise ModelError(
                f"{ref.path} has no chat template, so it is no instruction-tuned model; "
                "choose one that is."
            )
        self._by_code = LANGUAGE_CODE in str(self._tokenizer.chat_template)
        self.told = "the codes en and ru in its template" if self._by_code else "the prompt"

    def _open_plain(self, ref: ModelRef) -> None:
        family = FAMILIES[ref.family]
        language = self._language(family.languages)
        if language is None:
            others = getattr(self._tokenizer, "supported_language_codes", ())  # Marian's targets
            if family.always_told or others:
                raise ModelError(
                    f"{ref.path} cannot translate into Russian: its vocabulary has no mark for it; "
                    "choose another model as --translator."
                )
            self._before, self._after = self._surroundings()
            self.told = "" if self._prompt == "{text}" else "the prompt"
            return
        if ref.role == SUMMARIZER:
            raise ModelError(
                f"{ref.path} cannot be the summarizer: its vocabulary has languages to translate "
                "into; pass it as --translator."
            )
        self._prompt = "{text}"  # the token says it; the words are for models without one
        self.told = " and ".join(filter(None, (language.source, language.target)))
        if language.source:
            self._tokenizer.src_lang = language.source
        if language.forced:
            self.forced_bos_id = self._tokenizer.convert_tokens_to_ids(language.target)
            self._before, self._after = self._surroundings()
        else:
            self._before, self._after = self._surroundings(f"{language.target} ")

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the whole input of a unit: prompt, text and special tokens, uncut."""
        if self._chat:
            return tuple(
                self._tokenizer.apply_chat_template(
                    [{"role": "user", "content": self._message(text)}],
                    add_generation_prompt=True,
                    sanitize_control_tokens=True,
                    return_dict=False,
                    **_TOLD,
                )
            )
        return (*self._before, *self._plain(self._prompt.replace("{text}", text)), *self._after)

    def _message(self, text: str) -> str | list[dict[str, str]]:
        if not self._by_code:
            return self._prompt.replace("{text}", text)
        codes = {"source_lang_code": "en", LANGUAGE_CODE: "ru"}
        return [{"type": "text", **codes, "text": text}]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of output ids, special tokens left out."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True).strip()

    def shown(self, ids: Sequence[int]) -> str:
        """Return ids as text with all special tokens, for somebody to look at."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=False)

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

    def _surroundings(self, first: str = "") -> tuple[list[int], list[int]]:
        """Return the ids before and after a text that follows ``first``, special tokens all."""
        probe = "a"
        bare = self._plain(probe)
        full = self._tokenizer.encode(first + probe)
        for start in reversed(range(len(full) - len(bare) + 1)):
            if full[start : start + len(bare)] == bare:
                return full[:start], full[start + len(bare) :]
        raise ModelError("The model's tokenizer is of a kind that svodka does not understand.")


def open_codec(ref: ModelRef) -> Codec:
    """Open the tokenizer of a model. Raises ``ModelError`` if that fails."""
    try:
        tokenizer = open_tokenizer(ref.path)
    except Exception as error:
        raise ModelError(
            f"The tokenizer in {ref.path} cannot be opened ({first_line(error)}); "
            "fetch or copy the model again."
        ) from error
    return Codec(ref, tokenizer)


def open_tokenizer(folder: Path) -> Any:
    """Return transformers' tokenizer of a model folder. Raises whatever that raises."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast, T5Tokenizer

    sentencepieces.make_readable()
    told: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    told |= gguf_files.option(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder, **told)
    if isinstance(tokenizer, T5Tokenizer) and (folder / "tokenizer.json").is_file():
        # transformers 5 builds T5's anew with <unk> as id 2, which is </s> in MADLAD: an emoji
        # would end the sentence. The file says it right.
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, **told)
    return tokenizer
