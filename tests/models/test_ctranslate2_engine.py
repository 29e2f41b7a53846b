"""CTranslate2's greedy answers are the reference's; nothing is cut, and rows keep apart."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from models import Decoding, conversion, open_codec, open_engine
from models import ctranslate2_engine as module
from models.ctranslate2_engine import Network, generator
from models.placement import CTRANSLATE2, TRANSFORMERS, place
from models.selection import named, refer
from zoo.snapshots import SNAPSHOTS
from zoo.texts import LINES

DATA = Path(__file__).parents[1] / "data"
LINES = LINES[:4]
CONVERTED = [name for name in SNAPSHOTS if name not in ("bert", "led")]
BEND = {"repetition_penalty": 1.2, "no_repeat_ngram_size": 3}


pytestmark = pytest.mark.usefixtures("conversions")


@pytest.fixture(scope="module")
def pair(folder, tmp_path_factory, conversions):
    """Return a model's codec and both its engines in float32, by the model's name."""
    opened = {}
    root = tmp_path_factory.mktemp("converted")

    def get(name):
        if name not in opened:
            place_of = root / name
            shutil.copytree(folder(name), place_of)
            settle(place_of)
            ref = refer(named(SNAPSHOTS[name].role, str(place_of)), root)
            codec = open_codec(ref)
            opened[name] = (
                codec,
                *(
                    open_engine(place(ref, "cpu", engine, "float32"), 1, codec=codec)
                    for engine in (TRANSFORMERS, CTRANSLATE2)
                ),
            )
        return opened[name]

    return get


def settle(folder):
    """Keep a random model from what CTranslate2 leaves out.

    No trained model pads its output, which moves M2M100's positions in the reference
    alone; and what lies outside a sliding window is not computed here at all.
    """
    told, config = folder / "generation_config.json", folder / "config.json"
    content = json.loads(config.read_text())
    if told.exists() and content["model_type"] == "m2m_100":
        never = {"bad_words_ids": [[content["pad_token_id"]]]}
        told.write_text(json.dumps(json.loads(told.read_text()) | never))
    text = content.get("text_config", content)
    if text.get("sliding_window"):
        text["sliding_window"] = 1024
        config.write_text(json.dumps(content))


def encoded(codec, texts):
    return [codec.encode(text) for text in texts]


@pytest.mark.parametrize(
    "decoding",
    [
        Decoding(max_tokens=24, max_ratio=0.3),
        Decoding(max_tokens=24, min_tokens=12),
        Decoding(max_tokens=24, **BEND),
    ],
    ids=["bounded", "long", "bent"],
)
@pytest.mark.parametrize("name", CONVERTED)
def test_greedy_answers_are_the_references(name, decoding, pair):
    codec, reference, engine = pair(name)
    batch = encoded(codec, ["rain", *LINES, "two roads"])
    assert engine.run(batch, decoding) == reference.run(batch, decoding)


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("name", ["bart", "nllb", "gemma3", "qwen2"])
def test_a_row_does_not_see_its_neighbours(name, beams, pair):
    codec, _, engine = pair(name)
    batch = encoded(codec, ["rain", *LINES, "two roads"])
    decoding = Decoding(num_beams=beams, max_ratio=0.3, max_tokens=40, **BEND)
    alone = [engine.run([row], decoding)[0] for row in batch]
    assert engine.run(batch, decoding) == alone
    assert engine.run(batch[::-1], decoding) == alone[::-1]


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("name", ["bart", "gemma3"])
def test_every_row_stops_at_its_own_bound(name, beams, pair):
    codec, _, engine = pair(name)
    batch = encoded(codec, ["rain", " ".join(LINES)[:100]])
    decoding = Decoding(num_beams=beams, max_ratio=0.2, max_tokens=20, min_tokens=20)
    answers = engine.run(batch, decoding)
    assert [answer.output_tokens for answer in answers] == [
        decoding.bound(len(row)) for row in batch
    ]
    assert all(answer.truncated for answer in answers)


def test_nothing_is_cut_on_the_way_in(pair):
    """CTranslate2 takes 1,024 tokens unless told otherwise, and says nothing."""
    told = []
    for name in ("t5", "madlad", "mt5"):  # their positions have no end
        codec, reference, engine = pair(name)
        text = codec.encode(" ".join(LINES))
        row = (*text[:-1] * (1400 // len(text)), *codec.encode("?" * 60))
        assert len(row) > 1024
        decoding = Decoding(max_tokens=16)
        before = engine._ref
        reference._ref = engine._ref = replace(before, max_input_tokens=len(row))
        assert engine.run([row], decoding) == reference.run([row], decoding)
        told.append(engine.run([row], decoding) != engine.run([row[:1024]], decoding))
        reference._ref = engine._ref = before
    assert any(told), "the tail changes nothing, so this test shows nothing"


@pytest.mark.parametrize("compute_type", ["int8", "float32"])
@pytest.mark.parametrize("decoding", ["decoding", "safer"])
def test_a_trained_model_says_what_it_knows(decoding, compute_type, tmp_path):
    folder = DATA / "tiny-marian-en-ru"
    lines = (folder / "phrases.tsv").read_text(encoding="utf-8").splitlines()[::4]
    english, russian = zip(*(line.split("\t") for line in lines), strict=True)
    ref = refer(named("translator", str(folder)), tmp_path)
    codec = open_codec(ref)
    engine = open_engine(place(ref, "cpu", CTRANSLATE2, compute_type), 1, codec=codec)
    answers = engine.run(encoded(codec, english), getattr(ref, decoding))
    assert [answer.text for answer in answers] == list(russian)
    assert not any(answer.truncated for answer in answers)


def test_a_dropped_row_ends_and_the_others_do_not(pair):
    codec, _, engine = pair("marian")
    batch = encoded(codec, LINES)
    decoding = Decoding(max_tokens=30, min_tokens=30)
    whole = engine.run(batch, decoding)
    answers = engine.run(batch, decoding, lambda: [1])
    assert answers[1].output_tokens == 1
    assert [answers[row] for row in (0, 2, 3)] == [whole[row] for row in (0, 2, 3)]


def test_what_does_not_fit_is_refused_not_cut(pair):
    codec, _, engine = pair("bart")
    with pytest.raises(ValueError, match="the model takes 1 to"):
        engine.run([codec.encode(" ".join(LINES * 3))], Decoding())
    with pytest.raises(ValueError, match="0 tokens"):
        engine.run([()], Decoding())


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("name", ["bart", "qwen2"])
def test_threads_share_a_batch_and_change_nothing(name, beams, pair):
    codec, _, one = pair(name)
    network = Network(one._ref, conversion.ensure(one._ref), 3)
    three = generator(one._ref, codec, network)
    decoding = Decoding(num_beams=beams, max_ratio=0.3, max_tokens=40, **BEND)
    for lines in (LINES[:1], LINES, [*LINES, "rain", "two roads", *LINES]):
        batch = encoded(codec, lines)
        assert three.run(batch, decoding) == one.run(batch, decoding)
        assert three.run(batch[:2], decoding, lambda: [0])[1:] == one.run(batch[1:2], decoding)


def test_threads_without_a_call_of_their_own_help_where_there_is_much_to_read(pair, monkeypatch):
    codec, _, one = pair("bart")
    network = Network(one._ref, conversion.ensure(one._ref), 4)
    four = generator(one._ref, codec, network)
    told = []
    monkeypatch.setattr(module, "_let_help", told.append)
    monkeypatch.setattr(module, "_MUCH", 2 * len(codec.encode(LINES[0])))
    for count in (0, 1, 2, 4, 8):
        four.run(encoded(codec, LINES[:1] * count), Decoding(max_tokens=4))
    assert told == [1, 1, 1, 1, 1], "short rows"
    told.clear()
    monkeypatch.setattr(module, "_MUCH", len(codec.encode(LINES[0])))
    for count in (0, 1, 2, 4, 8):
        four.run(encoded(codec, LINES[:1] * count), Decoding(max_tokens=4))
    assert told == [1, 4, 2, 1, 1]


@pytest.mark.parametrize(("much", "calls"), [(1000, [6, 6]), (1, [2] * 6)])
def test_long_rows_are_computed_fewer_together(much, calls, pair, monkeypatch):
    codec, _, one = pair("bart")
    engine = generator(one._ref, codec, Network(one._ref, conversion.ensure(one._ref), 2))
    call, sizes = engine._call, []

    def noted(rows, *rest):
        sizes.append(len(rows))
        return call(rows, *rest)

    monkeypatch.setattr(engine, "_call", noted)
    monkeypatch.setattr(module, "_MUCH", much)
    batch = encoded(codec, LINES[:1] * 12)
    decoding = Decoding(num_beams=4, max_tokens=8)
    assert engine.run(batch, decoding) == one.run(batch[:1], decoding) * 12
    assert sizes == calls


def test_out_of_memory_is_pythons_own_and_comes_when_all_has_ended(pair, monkeypatch):
    codec, _, engine = pair("bart")
    ended = []

    class Full:
        def translate_batch(self, rows, *_, **__):
            ended.append(rows)
            if len(ended) == 1:
                raise RuntimeError("CUDA failed with error out of memory")

    monkeypatch.setattr(engine._network, "compute", Full())
    monkeypatch.setattr(engine._network, "together", 1)
    with pytest.raises(MemoryError):
        engine.run(encoded(codec, LINES), Decoding())
    assert len(ended) == len(LINES)


@pytest.mark.parametrize("beams", [1, 3])
def test_a_batch_begun_in_the_room_that_another_leaves_changes_nothing(beams, pair):
    """One model's beside another's; the rest of the first has what threads it had."""
    decoding, engines = Decoding(num_beams=beams, max_tokens=60, **BEND), []
    for name in ("bart", "marian"):
        codec, _, one = pair(name)
        network = Network(one._ref, conversion.ensure(one._ref), 2)
        batch = encoded(codec, [LINES[0] * 2, *LINES])
        engines.append((generator(one._ref, codec, network), batch, one.run(batch, decoding)))
    with ThreadPoolExecutor() as threads:
        for _ in range(5):
            beside = []

            def begin(second=engines[1], beside=beside):
                engine, batch, _ = second
                beside.append(threads.submit(engine.run, batch, decoding))

            engine, batch, alone = engines[0]
            assert engine.run(batch, decoding, spare=begin) == alone
            (other,) = beside
            assert other.result() == engines[1][2]


def test_the_same_weights_are_loaded_once(folder, tmp_path):
    ref = refer(named("translator", str(folder("qwen2"))), tmp_path)
    reader = replace(ref, role="summarizer")
    for engine in (TRANSFORMERS, CTRANSLATE2):
        one, two = (open_engine(place(r, "cpu", engine, "float32")) for r in (ref, reader))
        assert one is not two
        network = "_model" if engine == TRANSFORMERS else "_network"
        assert getattr(one, network) is getattr(two, network)
