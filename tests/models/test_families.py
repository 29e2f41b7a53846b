"""What a config says becomes limits, prompts and a search."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Decoding, ModelError, languages, licences
from models.families import FAMILIES, SUMMARIZER, TRANSLATOR, read_config, sentence_limit


@pytest.fixture
def config(tmp_path):
    def write(role=SUMMARIZER, **content):
        (tmp_path / "config.json").write_text(json.dumps(content))
        return read_config(tmp_path, role)

    return write


def test_limits_are_the_configs_positions(config, tmp_path):
    assert config(model_type="bart", max_position_embeddings=1024).limit() == 1024
    assert config(model_type="t5", n_positions=256).limit() == 256
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}")
    chat = config(model_type="gemma3", text_config={"max_position_embeddings": 9999})
    assert chat.limit() == 9999
    (tmp_path / "chat_template.jinja").write_text("{{ messages[0].target_lang_code }}")
    told = {"text_config": {"max_position_embeddings": 9999}}
    assert config(TRANSLATOR, model_type="gemma3", **told).limit() == 2048


def test_relative_positions_have_the_limit_of_their_training(config):
    assert config(model_type="mt5").limit() == 512


def test_a_told_prompt_comes_before_the_familys(config):
    told = {"summarization": {"prefix": "tl;dr: "}}
    assert config(model_type="t5").prompt(SUMMARIZER) == "summarize: {text}"
    assert config(model_type="t5", task_specific_params=told).prompt(SUMMARIZER) == "tl;dr: {text}"
    empty = {"summarization": {"prefix": ""}}
    assert config(model_type="t5", task_specific_params=empty).prompt(SUMMARIZER) == "{text}"
    whole = {"translation_en_to_ru": {"prompt": "English: {text}\nRussian:"}}
    model = config(TRANSLATOR, model_type="gemma3_text", task_specific_params=whole)
    assert model.prompt(TRANSLATOR) == "English: {text}\nRussian:"
    assert config(model_type="bart").prompt(SUMMARIZER) == "{text}"


def test_the_authors_search_is_taken_without_its_sampling(config, tmp_path):
    (tmp_path / "generation_config.json").write_text(
        json.dumps({"no_repeat_ngram_size": 3, "early_stopping": True, "top_k": 9})
    )
    told = {"num_beams": 4, "length_penalty": 2.0, "max_length": 142, "min_length": 56}
    model = config(model_type="bart", max_position_embeddings=1024, **told)
    assert model.decoding(SUMMARIZER) == Decoding(
        num_beams=4,
        length_penalty=2.0,
        no_repeat_ngram_size=3,
        early_stopping=True,
        min_tokens=55,  # the config's numbers count the start mark, and the last the end mark
        max_tokens=140,
        min_ratio=0.25,
        max_ratio=1.0,
    )


def test_a_task_of_the_configs_own_has_the_last_word(config):
    task = {"summarization": {"num_beams": 4, "max_length": 200, "min_length": 30}}
    decoding = config(model_type="t5", task_specific_params=task).decoding(SUMMARIZER)
    assert (decoding.num_beams, decoding.min_tokens, decoding.max_tokens) == (4, 29, 198)


def test_a_translation_is_bounded_by_its_input_alone(config):
    decoding = config(TRANSLATOR, model_type="marian", max_length=20, min_length=10).decoding(
        TRANSLATOR
    )
    assert (decoding.least(50), decoding.bound(50)) == (0, 166)


def test_sentence_encoders_name_their_own_limit(tmp_path):
    assert sentence_limit(tmp_path) == 512
    (tmp_path / "sentence_bert_config.json").write_text('{"max_seq_length": 256}')
    assert sentence_limit(tmp_path) == 256


@pytest.mark.parametrize(
    ("name", "config", "tokenizer", "expected"),
    [
        ("any", {}, {"source_lang": "en", "target_lang": "ru"}, ("en", "ru")),
        ("any", {}, {"source_lang": "eng", "target_lang": "zle"}, ("eng", "zle")),
        ("any", {"_name_or_path": "Helsinki-NLP/opus-mt-ru-en"}, {}, ("ru", "en")),
        ("any", {}, {"name_or_path": "marian/opus-mt-tc-big-zle-en"}, ("zle", "en")),
        ("opus-mt-en-uk", {}, {}, ("en", "uk")),
        ("models--Helsinki-NLP--opus-mt-de-ru/snapshots/abc", {}, {}, ("de", "ru")),
        ("any", {"_name_or_path": "facebook/mbart-large-50-many-to-one-mmt"}, {}, ("", "en")),
        ("opus-mt-ru-en-trials/mine", {}, {}, ("", "")),
    ],
)
def test_a_pair_is_told_by_the_tokenizer_or_the_name(name, config, tokenizer, expected, tmp_path):
    assert languages.pair(tmp_path / name, config, tokenizer) == expected


@pytest.mark.parametrize(
    ("pair", "wrong"),
    [("en ru", False), ("eng zle", False), ("mul mul", False), ("", False), ("ru en", True),
     ("en uk", True), ("de ru", True)],
)  # fmt: skip
def test_only_english_to_russian_will_do(pair, wrong):
    source, _, target = pair.partition(" ")
    assert languages.wrong(source, target) is wrong


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_damaged_config_is_an_error(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelError, match="is damaged"):
        read_config(tmp_path, SUMMARIZER)


def test_no_config_is_an_error(tmp_path):
    with pytest.raises(ModelError, match="holds no model"):
        read_config(tmp_path, SUMMARIZER)


def test_every_family_can_do_something():
    assert all(row.roles for row in FAMILIES.values())


@given(
    st.integers(1, 600),
    st.integers(0, 4000),
    st.floats(0.01, 8, allow_nan=False),
)
def test_a_rows_bound_grows_with_its_input_up_to_the_hard_bound(most, tokens, ratio):
    decoding = Decoding(max_tokens=most, max_ratio=ratio)
    assert 1 <= decoding.bound(tokens) <= decoding.bound(tokens + 1) <= most
    assert Decoding(max_tokens=most).bound(tokens) == most


@given(st.integers(0, 400), st.integers(1, 400), st.integers(0, 4000))
def test_nothing_has_to_be_made_up_to_fill_a_length(least, most, tokens):
    """However long an author wants summaries, a short input's may be short."""
    decoding = Decoding(min_tokens=least, max_tokens=most, min_ratio=0.25, max_ratio=1.0)
    assert 0 <= decoding.least(tokens) <= min(least, tokens / 4, decoding.bound(tokens))
    assert decoding.least(tokens) <= decoding.least(tokens + 1)


@pytest.mark.parametrize(
    ("licence", "forbids"),
    [("cc-by-nc-4.0", True), ("cc-by-nc-sa-4.0", True), ("apache-2.0", False), (None, False)],
)
def test_non_commercial_licences_are_told_by_name(licence, forbids):
    assert licences.forbids_commerce(licence) is forbids


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlanguage: en\nlicense: mit\n---\nText", "mit"),
        ('---\nlicense: "cc-by-nc-4.0"\n---\n', "cc-by-nc-4.0"),
        ("---\nlanguage: en\n---\nlicense: mit", None),
        ("No front matter. license: mit", None),
    ],
)
def test_a_cards_licence_is_read_from_its_head(card, licence):
    assert licences.stated(card) == licence
