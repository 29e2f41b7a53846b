"""Every family through the pipeline: nothing is cut off at its limit, and a digest comes out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from models import open_codec, open_engine
from models.families import SUMMARIZER
from models.selection import ModelRef, named, refer
from service.cli import app
from service.pipeline.splitting import Ids, fit, windows
from zoo.snapshots import SNAPSHOTS, build
from zoo.texts import LINES

FAMILIES = [name for name in SNAPSHOTS if name != "bert"]
SUMMARIZERS = [name for name in FAMILIES if SNAPSHOTS[name].role == SUMMARIZER]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("zoo")
    return lambda name: build(name, root)


@pytest.fixture(scope="module")
def opened(folder):
    made = {}

    def get(name: str) -> tuple[ModelRef, Callable[[str], Ids], dict[Ids, str]]:
        """Return the reference, an ``encode`` that remembers, and what it remembers."""
        if name not in made:
            ref = refer(named(SNAPSHOTS[name].role, str(folder(name))), folder(name).parent)
            codec, texts = open_codec(ref), {}

            def encode(text: str) -> Ids:
                ids = codec.encode(text)
                texts[ids] = text
                return ids

            made[name] = ref, encode, texts
        return made[name]

    return get


def sentence_of(tokens: int, encode: Callable[[str], Ids]) -> str:
    """A sentence without a full stop within that encodes to exactly so many tokens."""
    words = " ".join(LINES[:4]).replace(".", "").replace('"', "").split()
    text = words[0]
    while len(encode(longer := f"{text} {words[len(text) % len(words)]}")) <= tokens:
        text = longer
    while (now := len(encode(text))) < tokens:
        grown = [text + more for more in (" a", "a", "s", " is", "e")]
        text = next(longer for longer in grown if now < len(encode(longer)) <= tokens)
    return text


@pytest.mark.parametrize("name", FAMILIES)
def test_nothing_is_cut_at_the_limit_one_over_or_far_over(name, opened):
    ref, encode, texts = opened(name)
    limit = ref.max_input_tokens
    engine = open_engine(ref, 1)
    just = sentence_of(limit, encode)
    assert len(encode(just)) == limit
    far = " ".join([just] * 10)
    for text, least in ((just, 1), (just + " a", 2), (far, 10)):
        pieces = fit(text, encode, limit)
        assert len(pieces) >= least
        joined = "".join(texts[piece.ids] + piece.glue for piece in pieces)
        assert joined.removesuffix(pieces[-1].glue) == text
        for piece in (pieces[0], pieces[-1]):
            engine.run([piece.ids], ref.decoding)  # refuses what has no position


@pytest.mark.parametrize("name", SUMMARIZERS)
def test_every_sentence_of_a_long_article_is_in_a_window(name, opened):
    ref, encode, texts = opened(name)
    words = " ".join(LINES[:4]).split()
    sentences = [" ".join([*words[n:], *words][:12]) for n in range(len(words))]
    inputs = windows(sentences, encode, ref.max_input_tokens)
    assert len(inputs) > 1
    assert max(map(len, inputs)) <= ref.max_input_tokens
    for sentence in sentences:
        assert any(sentence in texts[ids] for ids in inputs)


NEWS = """Heavy rain closes roads

Heavy rain closed two roads near the coast on Monday, and more is expected this week.

Officials in Geneva called the plan a first step and asked for time to look at all of it.

The president said on Tuesday that talks would go on. Prices rose by 3.5 per cent in May.

Schools in two towns stayed closed for the day, and trains ran late, and buses, and ferries, and
planes, and the post, and the papers, and the milk, and the bread, and the coal, and all the rest
that a town waits for in the morning when the rain has been falling since the evening before.
"""


PAIRS = [
    *zip(
        SUMMARIZERS, ["marian", "marian_zle", "m2m_100", "nllb", "mbart50", "madlad"], strict=True
    ),
    ("qwen2", "translategemma"),
    ("qwen3", "gemma3"),
    ("llama", "llama"),
]


def test_every_family_is_in_a_pair():
    assert {name for pair in PAIRS for name in pair} == set(FAMILIES)


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_a_digest_comes_of_every_model(pair, folder, tmp_path, capfd):
    """Through the command line, as a user would."""
    article = tmp_path / "news.txt"
    article.write_text(NEWS)
    command = ["digest", "--json", "--translate-body", "--skip-cleaning", str(article)]
    for role, name in zip(("--summarizer", "--translator"), pair, strict=True):
        command += [role, str(folder(name))]
    code = app.run([*command, "--cache", str(tmp_path), "--threads", "1"])
    printed, said = capfd.readouterr()
    assert (code, said.count("Traceback")) == (0, 0), said
    digest = json.loads(printed)
    assert [model["name"] for model in digest["models"]] == list(pair)
    assert digest["summary_en"]
    assert len(digest["body"]) == 5
    assert not [found for found in digest["findings"] if found["kind"] == "FAILED"]
