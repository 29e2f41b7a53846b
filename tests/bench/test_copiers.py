"""The constructed models do what they are constructed for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import copiers
from models import open_codec, open_engine, select
from service.sentences import sentence_offsets

SENTENCES = [
    "Heavy rain closed two roads near the coast on Monday, and more is expected.",
    "The bank will not raise its rates, said Charles Martin, who has 3.5 million clients.",
    'Officials in Geneva called the plan "a first step" and asked for time.',
]
ARTICLE = " ".join(SENTENCES * 6)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("copiers")
    return copiers.build(folder, SENTENCES * 50, [ARTICLE], small=True, beams=2)


def test_a_translation_is_as_long_as_its_sentence_and_as_foreseen(folders: tuple[Path, Path]):
    summarizer, translator = map(str, folders)
    ref = select("starter", summarizer=summarizer, translator=translator).translator
    codec, engine = open_codec(ref), open_engine(ref)
    ids = [codec.encode(text) for text in SENTENCES]
    answers = engine.run(ids, ref.decoding)
    foreseen = [copiers.translated(folders[1], text) for text in SENTENCES]
    assert [answer.text for answer in answers] == foreseen
    assert [answer.output_tokens for answer in answers] == [len(row) - 1 for row in ids]
    assert "3.5" in answers[1].text


def test_a_summary_is_the_beginning_up_to_the_end_of_a_sentence(folders: tuple[Path, Path]):
    summarizer, translator = map(str, folders)
    ref = select("starter", summarizer=summarizer, translator=translator).summarizer
    codec, engine = open_codec(ref), open_engine(ref)
    (answer,) = engine.run([codec.encode(ARTICLE)], ref.decoding)
    assert ARTICLE.startswith(answer.text)
    assert answer.text == copiers.summarized(folders[0], ARTICLE)
    assert answer.text.endswith(".")
    assert answer.output_tokens >= copiers.LEAST
    assert not answer.truncated
    before = list(sentence_offsets(answer.text))[-1][0]
    assert len(codec.encode(answer.text[:before].strip())) <= copiers.LEAST + 3
