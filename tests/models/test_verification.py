"""A sound model passes and is described; one that is not says why."""

from __future__ import annotations

import shutil

import pytest

from models import ModelError, lock, verification

pytestmark = pytest.mark.usefixtures("conversions")


@pytest.mark.parametrize(
    ("model", "role"), [("marian", "translator"), ("bart", "summarizer"), ("bert", "summarizer")]
)
def test_a_sound_folder_passes_and_says_what_it_is(model, role, folder, tmp_path):
    reports = verification.verify(str(folder(model)), cache=tmp_path, threads=1)
    slow, *fast = reports
    assert [report.engine for report in fast] == (["ctranslate2"] if model != "bert" else [])
    assert slow.memory == 4 * slow.parameters > 0
    for report in reports:
        assert (report.role, report.family) == (role, model)
        assert report.parameters == slow.parameters
        assert slow.memory >= report.memory > 0
        assert report.tokens_per_second > 0
        assert any("without svodka.lock.json" in line for line in report.warnings)


def test_verify_warns_of_what_the_owner_should_know(folder, tmp_path):
    import torch
    from transformers import AutoModelForSeq2SeqLM

    place = shutil.copytree(folder("t5"), tmp_path / "place")
    network = AutoModelForSeq2SeqLM.from_pretrained(place)
    (place / "model.safetensors").unlink()
    torch.save(network.state_dict(), place / "pytorch_model.bin")
    (place / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    report, _ = verification.verify(str(place), cache=tmp_path, threads=1)
    assert any(".bin" in line for line in report.warnings)
    assert any("forbids commercial use" in line for line in report.warnings)


def test_verify_compares_hashes(folder, tmp_path):
    place = shutil.copytree(folder("marian"), tmp_path / "place")
    lock.write(place, "mine", "r1")
    assert verification.verify(str(place), cache=tmp_path)[0].revision == "r1"
    weights = bytearray((place / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (place / "model.safetensors").write_bytes(weights)
    with pytest.raises(ModelError, match="not the file that was locked"):
        verification.verify(str(place), cache=tmp_path)


def test_verify_says_why_a_folder_is_no_model_for_us(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "resnet"}')
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match="does not know"):
        verification.verify(str(tmp_path), cache=tmp_path)
