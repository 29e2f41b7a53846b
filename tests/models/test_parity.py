"""Every family answers as the call in its own documentation does.

For each model of the zoo the reference is written out as its card, or transformers'
page on its family, documents it: ``tokenizer(text)``, ``generate``, ``decode``, one text
at a time. Against it stands our path: codec, engine, decoding from the files alone,
a text alone and in a batch with all the others. Both compute in float64, because the
tokens of random models nearly tie.

What differs on purpose is passed to the reference too: nothing is sampled, each row
has length bounds of its own (``Decoding.least`` and ``bound``), and a penalty on
repetition would count the output alone. A text that spells a model's marks is left
out: here it stays text, there it becomes marks (test_codec has it).

    python -m pytest tests/models/test_parity.py     # prints the matrix below its dots
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf

from models import Decoding, conversion, open_codec, open_engine
from models.families import SUMMARIZER, TRANSLATOR
from zoo.snapshots import SNAPSHOTS
from zoo.texts import LINES, UNICODE

ENGINES = ["transformers", "ctranslate2"]
FAMILIES = [name for name in SNAPSHOTS if name != "bert"]
MODES = ["greedy", "greedy, batch", "beams", "beams, batch"]
TALE = " ".join(LINES[:4] * 9)
MOST = 20  # tokens of an answer; long ones are test_torch_engine's

Search = dict[str, Any]


def to_sequence(tokenizer: Any, model: Any, text: str, search: Search, **inputs: Any) -> str:
    """What all encoder-decoders' documentation comes down to."""
    batch = tokenizer(text, return_tensors="pt")
    return tokenizer.decode(
        model.generate(**batch, **inputs, **search)[0], skip_special_tokens=True
    )


def bart(folder: Path, text: str, search: Search) -> str:
    """``pipeline("summarization")``, which puts the config's ``prefix`` before the text."""
    model = opened(hf.BartForConditionalGeneration, folder)
    return to_sequence(opened(hf.BartTokenizer, folder), model, " " + text, search)


def led(folder: Path, text: str, search: Search) -> str:
    """The first token attends everywhere."""
    tokenizer = opened(hf.AutoTokenizer, folder)
    everywhere = torch.zeros_like(tokenizer(" " + text, return_tensors="pt").input_ids)
    everywhere[:, 0] = 1
    model = opened(hf.LEDForConditionalGeneration, folder)
    return to_sequence(tokenizer, model, " " + text, search, global_attention_mask=everywhere)


def pegasus(folder: Path, text: str, search: Search) -> str:
    model = opened(hf.PegasusForConditionalGeneration, folder)
    return to_sequence(opened(hf.PegasusTokenizer, folder), model, text, search)


def marian(folder: Path, text: str, search: Search) -> str:
    model = opened(hf.MarianMTModel, folder)
    return to_sequence(opened(hf.MarianTokenizer, folder), model, text, search)


def marian_zle(folder: Path, text: str, search: Search) -> str:
    """The sentence begins with the target language's token, in the form ``>>id<<``."""
    return marian(folder, f">>rus<< {text}", search)


def m2m_100(folder: Path, text: str, search: Search) -> str:
    tokenizer = opened(hf.M2M100Tokenizer, folder)
    tokenizer.src_lang = "en"
    model = opened(hf.M2M100ForConditionalGeneration, folder)
    first = tokenizer.get_lang_id("ru")
    return to_sequence(tokenizer, model, text, search, forced_bos_token_id=first)


def nllb(folder: Path, text: str, search: Search) -> str:
    tokenizer = opened(hf.AutoTokenizer, folder, src_lang="eng_Latn")
    model = opened(hf.AutoModelForSeq2SeqLM, folder)
    first = tokenizer.convert_tokens_to_ids("rus_Cyrl")
    return to_sequence(tokenizer, model, text, search, forced_bos_token_id=first)


def mbart50(folder: Path, text: str, search: Search) -> str:
    tokenizer = opened(hf.MBart50Tokenizer, folder)
    tokenizer.src_lang = "en_XX"
    model = opened(hf.MBartForConditionalGeneration, folder)
    first = tokenizer.convert_tokens_to_ids("ru_RU")
    return to_sequence(tokenizer, model, text, search, forced_bos_token_id=first)


def t5(folder: Path, text: str, search: Search) -> str:
    """``task_specific_params`` of its config say prefix and search of each task."""
    model = opened(hf.T5ForConditionalGeneration, folder)
    task = model.config.task_specific_params["summarization"]
    search = {key: task[key] for key in task if key not in ("prefix", "num_beams")} | search
    tokenizer = opened(hf.AutoTokenizer, folder)
    return to_sequence(tokenizer, model, task["prefix"] + text, search)


def madlad(folder: Path, text: str, search: Search) -> str:
    """Not by transformers' T5Tokenizer, which takes id 2, </s> here, for unknown text."""
    tokenizer = opened(hf.PreTrainedTokenizerFast, folder)
    model = opened(hf.T5ForConditionalGeneration, folder)
    return to_sequence(tokenizer, model, f"<2ru> {text}", search)


def mt5(folder: Path, text: str, search: Search) -> str:
    """The card's search is the one in its config."""
    model = opened(hf.AutoModelForSeq2SeqLM, folder)
    return to_sequence(opened(hf.AutoTokenizer, folder), model, text, search)


def chat(folder: Path, text: str, search: Search, *, content: Any = None, **template: Any) -> str:
    """``apply_chat_template`` with one user message, and what follows the prompt."""
    tokenizer = opened(hf.AutoTokenizer, folder)
    asked = (
        "Translate the text below from English to Russian. Keep names and numbers exactly, "
        f"and reply with the translation alone.\n\n{text}"
    )
    batch = tokenizer.apply_chat_template(
        [{"role": "user", "content": content or asked}],
        add_generation_prompt=True,
        return_tensors="pt",
        **template,
    )
    model = opened(hf.AutoModelForCausalLM, folder)
    output = model.generate(**batch, do_sample=False, repetition_penalty=1.0, **search)
    return tokenizer.decode(output[0, batch["input_ids"].shape[1] :], skip_special_tokens=True)


def translategemma(folder: Path, text: str, search: Search) -> str:
    item = {"type": "text", "source_lang_code": "en", "target_lang_code": "ru", "text": text}
    return chat(folder, text, search, content=[item])


def qwen3(folder: Path, text: str, search: Search) -> str:
    return chat(folder, text, search, enable_thinking=False)


def llama(folder: Path, text: str, search: Search) -> str:
    """On the day that its template names where no day is given."""
    return chat(folder, text, search, date_string="26 Jul 2024")


REFERENCES: dict[str, Callable[[Path, str, Search], str]] = {
    "bart": bart,
    "distilbart": bart,
    "led": led,
    "pegasus": pegasus,
    "marian": marian,
    "marian_zle": marian_zle,
    "m2m_100": m2m_100,
    "nllb": nllb,
    "mbart50": mbart50,
    "t5": t5,
    "madlad": madlad,
    "mt5": mt5,
    "gemma3": chat,
    "translategemma": translategemma,
    "qwen2": chat,
    "qwen3": qwen3,
    "llama": llama,
}


@cache
def opened(kind: Any, folder: Path, **told: Any) -> Any:
    if hasattr(kind, "forward") or "Model" in kind.__name__:
        return kind.from_pretrained(folder, dtype=torch.float64).eval()
    return kind.from_pretrained(folder, **told)


def fitting(codec: Any) -> list[str]:
    """Texts of one token and more, of every kind, the last at the model's limit."""
    limit = codec.max_input_tokens
    kinds = [text for kind, text in UNICODE.items() if kind != "marks of models"]
    texts = [LINES[0], *kinds, *LINES[1:4]]
    longest = bisect(range(len(TALE)), limit, key=lambda n: len(codec.encode(TALE[:n]))) - 1
    return [text for text in texts if len(codec.encode(text)) <= limit] + [TALE[:longest]]


@pytest.fixture(scope="module")
def ours(ref, conversions) -> Callable[[str, str], tuple[Any, Any, Decoding]]:
    """Return codec, engine and decoding of a family, opened once, as a user's would be."""

    @cache
    def get(name: str, engine: str) -> tuple[Any, Any, Decoding]:
        chosen = replace(ref(name), engine=engine)
        if engine == "ctranslate2":
            if reason := conversion.unable(chosen):
                pytest.skip(f"CTranslate2: {reason}")
            chosen = replace(chosen, compute_type="float32")
        own = replace(chosen.decoding, repetition_penalty=1.0)
        return (
            open_codec(chosen),
            open_engine(chosen, 1),
            replace(own, max_tokens=min(own.max_tokens, MOST)),
        )

    return get


@pytest.fixture(scope="module")
def reference(folder) -> Callable[[str, str, Decoding, int], str]:
    """Return the reference's answer to a text, computed once."""

    @cache
    def get(name: str, text: str, decoding: Decoding, tokens: int) -> str:
        least, most = decoding.least(tokens), decoding.bound(tokens)
        decoder = not hf.AutoConfig.from_pretrained(folder(name)).is_encoder_decoder
        ends = hf.GenerationConfig.from_model_config(
            hf.AutoConfig.from_pretrained(folder(name))
        ).eos_token_id
        search: Search = {
            "num_beams": decoding.num_beams,
            "forced_eos_token_id": ends[0] if isinstance(ends, list) else ends,
        }
        if decoder:
            search |= {"max_new_tokens": most + 1}
        else:  # these count the start mark
            search |= {"min_length": least + 1, "max_length": most + 2}
        return REFERENCES[name](folder(name), text, search).strip()

    return get


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", FAMILIES)
def test_the_answer_is_the_references(name, engine, mode, ours, reference, record_property):
    codec, network, decoding = ours(name, engine)
    beams = 1 if mode.startswith("greedy") else max(2, decoding.num_beams)
    decoding = replace(decoding, num_beams=beams)
    texts = fitting(codec)
    if not mode.endswith("batch"):
        texts = [*texts[:2], *texts[-4:]]
    rows = [codec.encode(text) for text in texts]
    expected = [
        reference(name, text, decoding, len(row)) for text, row in zip(texts, rows, strict=True)
    ]
    if mode.endswith("batch"):
        answers = network.run(rows, decoding)
    else:
        answers = [network.run([row], decoding)[0] for row in rows]
    got = [answer.text for answer in answers]
    same = sum(a == b for a, b in zip(got, expected, strict=True))
    record_property("parity", (name, engine, mode, same, len(texts)))
    if engine == "ctranslate2" and beams > 1:
        return  # another search: what agrees is told in the matrix
    assert [pair for pair in zip(texts, got, expected, strict=True) if pair[1] != pair[2]] == []


def test_the_answers_are_worth_comparing(ours):
    """Answers depend on the text; some end by themselves, some at their bound."""
    ended = []
    for name in FAMILIES:
        codec, network, decoding = ours(name, "transformers")
        texts = fitting(codec)
        answers = network.run([codec.encode(text) for text in texts], decoding)
        assert len({answer.text for answer in answers}) > len(texts) // 3, name
        ended += [not answer.truncated for answer in answers]
    assert 0.2 < sum(ended) / len(ended) < 0.8


def test_every_family_of_the_zoo_has_a_reference():
    assert set(REFERENCES) == set(FAMILIES)
    assert {SNAPSHOTS[name].role for name in FAMILIES} == {SUMMARIZER, TRANSLATOR}
