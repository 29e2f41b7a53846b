"""A conversion is made once, whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from models import ModelError, conversion, making, open_codec, open_engine
from models.decoding import Decoding
from models.placement import CTRANSLATE2, place
from models.selection import named, refer

MARIAN = Path(__file__).parents[1] / "data" / "tiny-marian-en-ru"
RUN = making._run  # the real one
ASK = """
import sys
from pathlib import Path
from models import conversion
from models.placement import place
from models.selection import named, refer
print(conversion.ensure(place(refer(named("translator", sys.argv[1]), Path(sys.argv[2])), "cpu")))
"""


@pytest.fixture
def source(tmp_path):
    return shutil.copytree(MARIAN, tmp_path / "marian")


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def ref_of(folder, cache):
    return place(refer(named("translator", str(folder)), cache), "cpu", CTRANSLATE2)


def ask(folder, cache):
    return subprocess.Popen(
        [sys.executable, "-c", ASK, str(folder), str(cache)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def quickly(conversions):
    conversions.clear()
    return conversions


def test_two_who_ask_at_once_get_one_conversion(source, cache):
    both = [ask(source, cache) for _ in range(2)]
    folders, said = zip(*(process.communicate(timeout=240) for process in both), strict=True)
    assert len(set(folders)) == 1
    assert "".join(said).count("svodka: converting marian for CTranslate2, once") == 1
    ref = ref_of(source, cache)
    codec = open_codec(ref)
    english, russian = (MARIAN / "phrases.tsv").read_text("utf-8").splitlines()[0].split("\t")
    (answer,) = open_engine(ref, 1).run([codec.encode(english)], ref.decoding)
    assert answer.text == russian


def test_whoever_is_killed_leaves_nothing_that_looks_finished(source, cache, quickly):
    victim = ask(source, cache)
    folder = cache / "ctranslate2"
    assert victim.stderr.readline() == "svodka: converting marian for CTranslate2, once\n"
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    whole = conversion.ensure(ref_of(source, cache))
    left = whole.with_name(f"{whole.name}.0badf00d.making")
    left.mkdir()
    (left / "model.bin").write_bytes(b"half")
    (whole / "model.bin").write_bytes(b"half")
    assert conversion.ensure(ref_of(source, cache)) == whole
    assert (whole / "model.bin").stat().st_size > 100_000
    assert [path for path in folder.iterdir() if path.is_dir()] == [whole]
    assert len(quickly) == 2


def test_the_converter_ends_with_whoever_started_it():
    code = "from models.making import end_with_parent as e; e(); import time; time.sleep(300)"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    child.stdin.close()
    assert child.wait(timeout=60) == 1


def test_it_is_made_once_and_again_for_other_weights_or_another_format(source, cache, quickly):
    first = conversion.ensure(ref_of(source, cache))
    assert conversion.ensure(ref_of(source, cache)) == first
    assert len(quickly) == 1
    exact = place(refer(named("translator", str(source)), cache), "cpu", CTRANSLATE2, "float32")
    assert conversion.ensure(exact) != first
    weights = bytearray((source / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (source / "model.safetensors").write_bytes(weights)
    assert conversion.ensure(ref_of(source, cache)) != first
    assert len(quickly) == 3


def test_no_space_left_is_one_sentence(source, cache, monkeypatch):
    """A file may not grow past 100 kB here: what a full disk comes to."""
    monkeypatch.setattr(making, "_run", RUN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(ModelError) as said:
            conversion.ensure(ref_of(source, cache))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(said.value).startswith("Converting marian for CTranslate2 failed (OSError: ")
    assert "and their size on disk: make room" in str(said.value)
    assert "\n" not in str(said.value)
    assert [path for path in (cache / "ctranslate2").iterdir() if path.is_dir()] == []


def test_a_cache_that_cannot_be_written_is_one_sentence(source, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"cannot be written .*; name another folder with --cache"):
        conversion.ensure(ref_of(source, tmp_path / "file"))


def test_every_id_comes_back_as_itself(source, cache, quickly):
    """The vocabulary is the ids in decimal: none missing, none twice, whatever the pieces are."""
    folder = conversion.ensure(ref_of(source, cache))
    (vocabulary,) = folder.glob("*vocabulary.json")
    tokens = json.loads(vocabulary.read_text("utf-8"))
    assert list(map(int, tokens)) == list(range(conversion.told(folder).vocabulary))


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"rope_scaling": {"type": "yarn", "factor": 4}}, "does not compute yarn positions"),
        ({"rope_parameters": {"full_attention": {"rope_type": "yarn"}}}, "compute yarn positions"),
        ({"quantization_config": {"bits": 4}}, "its weights are quantized already"),
        ({"sliding_window": 64}, "at most 64 tokens of a model with a sliding window"),
        ({"sliding_window": 64, "use_sliding_window": False}, ""),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8}}, ""),
    ],
)
def test_what_a_config_rules_out(config, reason, folder, tmp_path):
    place_of = shutil.copytree(folder("qwen2"), tmp_path / "qwen2")
    content = json.loads((place_of / "config.json").read_text()) | {"use_sliding_window": True}
    (place_of / "config.json").write_text(json.dumps(content | config))
    ref = refer(named("translator", str(place_of)), tmp_path)
    said = conversion.unable(ref)
    assert said.endswith(reason) if reason else said == ""


def test_the_families_are_those_that_the_library_converts():
    from ctranslate2.converters.transformers import _MODEL_LOADERS
    from transformers import CONFIG_MAPPING

    from models.families import FAMILIES

    for family in conversion.FAMILIES:
        assert family in FAMILIES
        assert CONFIG_MAPPING[family].__name__ in _MODEL_LOADERS


def test_an_odd_search_is_no_other_search(source, cache, quickly):
    """Bounds, penalties and beams of every kind still give what the model knows."""
    ref = ref_of(source, cache)
    codec, engine = open_codec(ref), open_engine(ref, 1)
    lines = (MARIAN / "phrases.tsv").read_text("utf-8").splitlines()[::40]
    english, russian = zip(*(line.split("\t") for line in lines), strict=True)
    batch = [codec.encode(text) for text in english]
    for decoding in (
        Decoding(num_beams=6, length_penalty=2.0, early_stopping=True),
        Decoding(num_beams=2, length_penalty=0.0, max_ratio=3.0),
        Decoding(repetition_penalty=1.05, no_repeat_ngram_size=4),
    ):
        assert [answer.text for answer in engine.run(batch, decoding)] == list(russian)
