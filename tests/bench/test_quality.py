"""The quality benchmark on data small enough to know its answers."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench import quality
from bench.scores import bootstrap, lead, rouge
from models import Decoding, Generated, ModelRef
from service.errors import EmptyArticle, Violation

ENGLISH = ["The river broke its banks.", "Two hundred families were moved.", "Nobody was hurt."]
RUSSIAN = [
    "Река вышла из берегов в понедельник.",
    "Двести семей были переселены в школы города.",
    "Никто из жителей не пострадал при наводнении.",
]
ARTICLE = "The river broke its banks. Two hundred families were moved. Nobody was hurt. It rained."


class TinyPipeline:
    """Answers from a table; what is not there fails as the product's pipeline would."""

    def __init__(self, known: dict[str, str]) -> None:
        self.known = known
        model = SimpleNamespace(name="tiny", engine="table", compute_type="exact")
        self.info = SimpleNamespace(models=(model, model))

    async def translate(self, request, terms):
        if request.text not in self.known:
            raise EmptyArticle(Violation("text", "is empty"))
        return SimpleNamespace(text_ru=self.known[request.text])

    async def summarize(self, request, terms):
        count = request.summary.max_sentences
        return SimpleNamespace(summary_en=lead(request.article.text, count))


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> TinyPipeline:
    tiny = TinyPipeline(dict(zip(ENGLISH, RUSSIAN, strict=True)))

    @asynccontextmanager
    async def opened(settings):
        yield tiny

    async def answers(method, requests):
        async def ask(request):
            try:
                return await method(request, None)
            except EmptyArticle as error:
                return error

        return [await ask(request) for request in requests]

    monkeypatch.setattr(quality, "opened", opened)
    monkeypatch.setattr(quality, "answers", answers)
    return tiny


@pytest.fixture
def parallel(tmp_path: Path) -> tuple[Path, Path]:
    source, reference = tmp_path / "news.en", tmp_path / "news.ru"
    source.write_text("\n".join(ENGLISH) + "\n", "utf-8")
    reference.write_text("\n".join(RUSSIAN) + "\n", "utf-8")
    return source, reference


def test_a_perfect_translation_scores_a_hundred(pipeline, parallel, capsys) -> None:
    source, reference = map(str, parallel)
    assert quality.main(["translation", "--source", source, "--reference", reference]) == 0
    printed = capsys.readouterr().out
    assert "3 sentences of news.en" in printed
    assert "100.00 ± 0.00" in printed
    assert "tiny (table, exact)" in printed


def test_stored_translations_are_compared_on_the_same_sentences(pipeline, tmp_path, capsys) -> None:
    lines = tmp_path / "reference.jsonl"
    rows = [
        {"en": en, "reference": ru, "ru": "Совсем не то."}
        for en, ru in zip(ENGLISH, RUSSIAN, strict=True)
    ]
    lines.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    quality.main(["translation", "--source", str(lines)])
    ours, stored = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith(("tiny", "the fi"))
    ]
    assert "100.00" in ours
    assert "100.00" not in stored


def test_a_failed_sentence_counts_against_us_and_is_told(pipeline, parallel, capsys) -> None:
    del pipeline.known[ENGLISH[1]]
    source, reference = map(str, parallel)
    quality.main(["translation", "--source", source, "--reference", reference])
    printed = capsys.readouterr().out
    assert "1 failed and count as empty" in printed
    assert "100.00 ±" not in printed


def test_the_lead_against_itself_differs_by_nothing(pipeline, tmp_path, capsys) -> None:
    articles = tmp_path / "articles.jsonl"
    row = json.dumps({"article": ARTICLE, "summary": "The river broke its banks."})
    articles.write_text("\n".join([row] * 4), "utf-8")
    quality.main(["summary", "--articles", str(articles), "--skip", "1", "--max-sentences", "2"])
    printed = capsys.readouterr().out
    assert "3 articles from number 2 on of articles.jsonl" in printed
    difference = next(line for line in printed.splitlines() if line.startswith("paired"))
    assert difference.split() == ["paired", "difference", "1", *["0.00", "[0.00,", "0.00]"] * 4]


def test_a_saved_run_is_compared_on_the_same_sentences(
    pipeline, parallel, tmp_path, capsys
) -> None:
    common = ["translation", "--source", str(parallel[0]), "--reference", str(parallel[1])]
    first = str(tmp_path / "first.jsonl")
    quality.main([*common, "--save", first])
    pipeline.known = dict.fromkeys(ENGLISH, "Совсем не то.")
    capsys.readouterr()
    quality.main([*common, "--against", first])
    printed = capsys.readouterr().out.splitlines()
    worse, better, difference = (
        next(line for line in printed if line.startswith(name))
        for name in ("tiny", "first.jsonl", "paired difference")
    )
    assert "100.00" in better
    assert "100.00" not in worse
    assert "-" in difference
    assert "p = " in difference
    other = str(tmp_path / "other")
    Path(other).write_text("Another.", "utf-8")
    with pytest.raises(SystemExit, match="lacks 1 of the 1 items"):
        quality.main(["translation", "--source", other, "--reference", other, "--against", first])


def test_a_sample_is_drawn_the_same_each_time_and_keeps_the_order() -> None:
    options = SimpleNamespace(skip=10, limit=None, sample=5)
    sample = quality.taken(list(range(100)), options)
    assert sample == quality.taken(list(range(100)), options) == sorted(sample)
    assert len(sample) == 5
    assert min(sample) >= 10
    assert sample != list(range(10, 15))


def test_rouge_lsum_sees_sentences_in_any_order() -> None:
    scores = rouge(["Rain fell. The river rose."], ["The river rose. Rain fell."])
    assert scores["rougeLsum"] == [100]
    assert scores["rougeL"][0] < 100


def test_rouge_counts_shared_words_stemmed() -> None:
    [perfect, half] = rouge(["rivers flooding"] * 2, ["river floods", "river dry"])["rouge1"]
    assert (perfect, half) == (100, 50)


def test_the_interval_holds_the_mean_and_narrows_with_more_data() -> None:
    few, many = bootstrap([0, 1] * 5), bootstrap([0, 1] * 500)
    for interval in (few, many):
        assert interval.low < interval.mean < interval.high
    assert many.high - many.low < few.high - few.low


def test_the_lead_is_the_opening_sentences() -> None:
    assert lead(ARTICLE, 2) == "The river broke its banks. Two hundred families were moved."


def test_pairs_of_unequal_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one\ntwo", "utf-8")
    (tmp_path / "b").write_text("раз", "utf-8")
    with pytest.raises(ValueError, match="shorter"):
        quality.read_pairs(tmp_path / "a", tmp_path / "b")


def test_the_engine_alone_keeps_the_order_and_takes_the_beams(monkeypatch) -> None:
    seen = []

    class Codec:
        max_input_tokens = 5

        def encode(self, text: str) -> tuple[int, ...]:
            return tuple(map(ord, text))

    class Engine:
        def run(self, batch, decoding):
            seen.append(decoding.num_beams)
            return [Generated("".join(map(chr, row)).upper(), len(row), False) for row in batch]

    monkeypatch.setattr(quality, "open_codec", lambda ref: Codec())
    monkeypatch.setattr(quality, "open_engine", lambda ref: Engine())
    ref = ModelRef(
        role="translator", task="generate", name="tiny", revision="1", path=Path(),
        engine="table", compute_type="exact", family="none", max_input_tokens=5,
        decoding=Decoding(), safer=Decoding(),
    )  # fmt: skip
    texts, _, name = quality.translate_directly(ref, ["three", "a", "too long"], beams=4)
    assert texts == ["THREE", "A", ""]
    assert seen == [4]
    assert "num_beams=4" in name


def test_help_names_what_can_be_asked(capsys) -> None:
    with pytest.raises(SystemExit) as left:
        quality.main(["--help"])
    assert left.value.code == 0
    assert "translation" in capsys.readouterr().out


def test_requests_go_to_the_products_pipeline() -> None:
    from service.pipeline import Terms

    asked = []

    async def method(request, terms):
        assert isinstance(terms, Terms)
        asked.append(request)
        if request == "bad":
            raise EmptyArticle(Violation("text", "is empty"))
        return request.upper()

    good, bad = asyncio.run(quality.answers(method, ["good", "bad"]))
    assert good == "GOOD"
    assert isinstance(bad, EmptyArticle)
