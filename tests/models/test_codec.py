"""Ids are what each model's own documentation says, and text stays text."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from models import ModelError, open_codec
from models.codec import open_tokenizer
from zoo import texts
from zoo.snapshots import SNAPSHOTS

TEXT = texts.LINES[0]
CHATS = ["gemma3", "qwen2", "llama"]
MARKS = "</s> <s> <eos> <bos> <|turn|> <pad> [SEP] <2ru> >>ukr<< __de__ deu_Latn"


@pytest.fixture(scope="module")
def codec(ref):
    opened = {}

    def get(name):
        if name not in opened:
            opened[name] = open_codec(ref(name))
        return opened[name]

    return get


@pytest.mark.parametrize("name", ["pegasus", "marian", "mt5", "bert"])
def test_plain_families_get_what_their_tokenizer_gives(name, codec, folder):
    assert list(codec(name).encode(TEXT)) == open_tokenizer(folder(name)).encode(TEXT)


@pytest.mark.parametrize("name", ["bart", "distilbart", "led"])
def test_a_prefix_of_the_configs_goes_before_the_text(name, codec, folder):
    """BART's summarizers want a blank there, so that the first word is a word like others."""
    assert list(codec(name).encode(TEXT)) == open_tokenizer(folder(name)).encode(f" {TEXT}")


@pytest.mark.parametrize("name", ["marian_zle", "madlad"])
def test_the_target_language_goes_first_into_the_input(name, codec, folder):
    token = {"marian_zle": ">>rus<<", "madlad": "<2ru>"}[name]
    expected = open_tokenizer(folder(name)).encode(f"{token} {TEXT}")
    assert list(codec(name).encode(TEXT)) == expected
    assert codec(name).forced_bos_id is None


@pytest.mark.parametrize(
    ("name", "english", "russian"), [("m2m_100", "en", "__ru__"), ("nllb", "eng_Latn", "rus_Cyrl")]
)
def test_the_target_language_goes_first_into_the_output(name, english, russian, codec, folder):
    tokenizer = AutoTokenizer.from_pretrained(folder(name), src_lang=english)
    assert list(codec(name).encode(TEXT)) == tokenizer.encode(TEXT)
    assert codec(name).forced_bos_id == tokenizer.convert_tokens_to_ids(russian)


def test_t5_is_told_in_words_what_to_do(codec, folder):
    tokenizer = AutoTokenizer.from_pretrained(folder("t5"))
    expected = tokenizer.encode(f"summarize: {TEXT}")
    assert list(codec("t5").encode(TEXT)) == expected


@pytest.mark.parametrize("name", CHATS)
def test_chat_models_get_their_own_template(name, codec, ref, folder):
    tokenizer = AutoTokenizer.from_pretrained(folder(name))
    message = {"role": "user", "content": ref(name).prompt.replace("{text}", TEXT)}
    expected = tokenizer.apply_chat_template(
        [message], add_generation_prompt=True, return_dict=False, date_string="26 Jul 2024"
    )
    assert list(codec(name).encode(TEXT)) == expected


def test_a_decoder_without_chat_template_is_refused_by_name(ref, folder, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    for path in folder("gemma3").iterdir():
        if path.suffix != ".jinja":
            (bare / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ModelError, match="no chat template"):
        open_codec(replace(ref("gemma3"), path=bare))


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_marks_in_a_text_mark_nothing(name, codec, folder):
    """No mark of the model's comes out of a text that spells it."""
    tokenizer = open_tokenizer(folder(name))
    marks = {*tokenizer.all_special_ids} - {tokenizer.unk_token_id}
    empty, full = codec(name).encode("x"), codec(name).encode(f"x {MARKS}")
    assert len(full) > len(empty)
    assert [id_ for id_ in full if id_ in marks] == [id_ for id_ in empty if id_ in marks]


@pytest.mark.parametrize("name", ["bart", "marian_zle", "nllb", "gemma3"])
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(words=st.lists(st.sampled_from(["rain", "closed", "roads", "Geneva"]), min_size=1))
def test_nothing_is_cut(name, words, codec):
    """Over any limit, a longer text still has more tokens."""
    text = " ".join(words)
    assert len(codec(name).encode(text * 20)) > len(codec(name).encode(text * 19))


def test_answers_come_back_as_text(codec, folder):
    tokenizer = AutoTokenizer.from_pretrained(folder("bart"))
    assert codec("bart").decode(tokenizer.encode(TEXT)) == TEXT


def test_threads_share_a_codec(codec):
    lines = texts.LINES * 50
    alone = [codec("gemma3").encode(line) for line in lines]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(codec("gemma3").encode, lines)) == alone


def test_a_broken_tokenizer_is_an_error_that_names_the_folder(ref, folder, tmp_path):
    for path in folder("bart").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match=r"tokenizer in .* cannot be opened"):
        open_codec(replace(ref("bart"), path=tmp_path))
