"""The tiny trained models, through transformers alone, called as its documentation shows.

Other tests lean on them: what they know must come out exactly, whoever shares the batch. The
scripts that made them tried everything in every way; here is as much as a few seconds allow.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

DATA = Path(__file__).parents[1] / "data"
MARIAN = DATA / "tiny-marian-en-ru"
SUMMARIZER = DATA / "tiny-bart-summarizer"
DECODER = DATA / "tiny-decoder-en-ru"

PAIRS = [line.split("\t") for line in (MARIAN / "phrases.tsv").read_text("utf-8").splitlines()]
random.Random(1).shuffle(PAIRS)  # so that the lengths in a batch differ


class Marian:
    def __init__(self):
        self.tokenizer = AutoTokenizer.from_pretrained(MARIAN)
        self.model = AutoModelForSeq2SeqLM.from_pretrained(MARIAN)
        self.known = PAIRS

    def answer(self, texts: list[str], beams: int) -> list[str]:
        batch = self.tokenizer(texts, padding=True, return_tensors="pt")
        output = self.model.generate(**batch, num_beams=beams)
        return self.tokenizer.decode(output, skip_special_tokens=True)


class Summarizer(Marian):
    def __init__(self):
        self.tokenizer = AutoTokenizer.from_pretrained(SUMMARIZER)
        self.model = AutoModelForSeq2SeqLM.from_pretrained(SUMMARIZER)
        self.known = [(self.article(start), english) for start, (english, _) in enumerate(PAIRS)]

    def article(self, start: int) -> str:
        """Return the sentence at ``start`` and up to six after it, within the positions."""
        sentences = [english for english, _ in (PAIRS[start:] + PAIRS)[: start % 7 + 1]]
        while len(" ".join(sentences).split()) > 45:
            sentences.pop()
        return " ".join(sentences)


class Decoder:
    def __init__(self):
        self.tokenizer = AutoTokenizer.from_pretrained(DECODER)
        self.model = AutoModelForCausalLM.from_pretrained(DECODER)
        self.known = PAIRS

    def answer(self, texts: list[str], beams: int) -> list[str]:
        prompts = [f"English: {text}\nRussian:" for text in texts]
        batch = self.tokenizer(prompts, padding=True, return_tensors="pt")
        output = self.model.generate(**batch, num_beams=beams)[:, batch["input_ids"].shape[1] :]
        return [text.strip() for text in self.tokenizer.decode(output, skip_special_tokens=True)]


@pytest.fixture(scope="module", params=[Marian, Summarizer, Decoder])
def student(request):
    return request.param()


def test_every_phrase_is_exact_in_a_crowd(student):
    for start in range(0, len(student.known), 62):
        questions, answers = zip(*student.known[start : start + 62], strict=True)
        assert student.answer(list(questions), beams=1) == list(answers)


def test_phrases_are_exact_in_a_crowd_with_four_beams(student):
    questions, answers = zip(*student.known[:32], strict=True)
    assert student.answer(list(questions), beams=4) == list(answers)


@pytest.mark.parametrize("beams", [1, 4])
def test_phrases_are_exact_alone(student, beams):
    by_length = sorted(student.known, key=lambda pair: len(pair[0]))
    for question, answer in by_length[::31]:
        assert student.answer([question], beams) == [answer]


@pytest.mark.parametrize("folder", [MARIAN, SUMMARIZER, DECODER], ids=lambda path: path.name)
def test_the_folders_are_small_and_hold_no_pickle(folder):
    assert sum(path.stat().st_size for path in folder.iterdir()) < 3_000_000
    assert (folder / "model.safetensors").is_file()
    assert not list(folder.glob("*.bin"))


def test_the_marian_is_laid_out_like_opus_mt():
    """Pad is last, begins the decoding, is never an answer, and its embedding is nothing."""
    marian = Marian()
    pad = marian.tokenizer.pad_token_id
    assert pad == len(marian.tokenizer) - 1 == marian.model.generation_config.decoder_start_token_id
    assert marian.model.generation_config.bad_words_ids == [[pad]]
    assert marian.tokenizer.eos_token_id == 0
    assert not marian.model.get_input_embeddings().weight[pad].any()
