"""A GGUF file alone is a model, and says what the model it was made of says."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

import pytest

from models import Decoding, ModelError, open_codec, open_engine, placement, verification
from models.selection import named, refer
from zoo.snapshots import build_gguf
from zoo.texts import LINES, UNICODE


@pytest.fixture(scope="module")
def alone(folder):
    return build_gguf("qwen2", folder("qwen2").parent)


def test_it_answers_as_the_model_it_was_made_of(alone, folder):
    """But for text in decomposed letters, which Qwen's own tokenizer composes first."""
    texts = [*LINES, *(text for kind, text in UNICODE.items() if kind != "combining marks")]
    answers = []
    for place in (alone, folder("qwen2")):
        ref = replace(refer(named("translator", str(place)), place), compute_type="float64")
        codec, engine = open_codec(ref), open_engine(ref, 1)
        rows = [codec.encode(text) for text in texts]
        for beams in (1, 3):
            found = engine.run(rows, Decoding(num_beams=beams, max_tokens=12))
            # Ids that no token has have names in GGUF, and none elsewhere.
            written = [re.sub(r"\[PAD\d+\]", "", answer.text) for answer in found]
            answers.append((ref.max_input_tokens, rows, written))
    assert answers[:2] == answers[2:]


def test_it_is_verified_and_left_to_transformers(alone, tmp_path):
    (report,) = verification.verify(str(alone), cache=tmp_path, threads=1)
    assert (report.family, report.role) == ("qwen2", "translator")
    ref = refer(named("translator", str(alone)), tmp_path)
    assert placement.place(ref, "cpu").engine == "transformers"
    with pytest.raises(ModelError, match="does not convert GGUF files"):
        placement.place(ref, "cpu", "ctranslate2")


def test_two_of_them_are_no_choice(alone, tmp_path):
    for name in ("a.gguf", "b.gguf"):
        shutil.copy(next(alone.iterdir()), tmp_path / name)
    with pytest.raises(ModelError, match=r"several GGUF files, a\.gguf and b\.gguf"):
        refer(named("translator", str(tmp_path)), tmp_path)


def test_a_damaged_one_is_told(alone, tmp_path):
    (tmp_path / "a.gguf").write_bytes(next(alone.iterdir()).read_bytes()[:900])
    with pytest.raises(ModelError, match=r"a\.gguf is damaged"):
        refer(named("translator", str(tmp_path)), tmp_path)
