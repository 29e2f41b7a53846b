"""The pipeline in process, with models whose every answer is known."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from models import Generated
from real_server import DATA, MARIAN, known_phrases
from service.errors import (
    ComputeFailed,
    DeadlineExpired,
    InvalidRequest,
    ModelUnavailable,
    Overloaded,
)
from service.pipeline import Pipeline, Terms
from service.schema import (
    Article,
    DigestRequest,
    FindingKind,
    GlossaryEntry,
    Priority,
    Severity,
    SummarizeRequest,
    SummaryOptions,
    TranslateRequest,
    TranslationOptions,
)
from service.settings import EngineSettings

# One loop for all: the pipeline belongs to the loop it was started on.
pytestmark = pytest.mark.asyncio(loop_scope="module")

PHRASES = known_phrases()
ENGLISH = random.Random(3).sample(sorted(PHRASES), 60)
STORY = "\n\n".join(ENGLISH)


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=["tiny-marian-en-ru", "tiny-decoder-en-ru"]
)
async def pipeline(request: pytest.FixtureRequest) -> AsyncIterator[Pipeline]:
    settings = EngineSettings(
        preset="starter",
        summarizer=str(DATA / "tiny-bart-summarizer"),
        translator=str(DATA / request.param),
    )
    pipeline = Pipeline(settings)
    await pipeline.start()
    yield pipeline
    await pipeline.close()


def digest_of(text: str, **fields: object) -> DigestRequest:
    return DigestRequest(article=Article(text=text), skip_cleaning=True, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("sentences", [5, 12, 60])
async def test_a_written_summary_comes_of_all_windows(pipeline: Pipeline, sentences: int) -> None:
    """The summarizer repeats the first sentence; the longest story takes several windows."""
    digest = await pipeline.digest(digest_of("\n\n".join(ENGLISH[:sentences])), Terms())
    assert digest.summary_en == ENGLISH[0]
    assert digest.summary_ru == PHRASES[ENGLISH[0]]
    ((place,),) = [sentence.evidence for sentence in digest.sentences]
    assert (place.start, place.end, place.score) == (0, len(ENGLISH[0]), 1.0)
    assert digest.findings == ()


async def test_alone_or_in_a_crowd_a_decoder_says_the_same(pipeline: Pipeline) -> None:
    texts = ["\n".join(ENGLISH[n : n + 1 + n % 7]) for n in range(33)]
    requests = [TranslateRequest(text=text, no_cache=True) for text in texts]
    crowd = await asyncio.gather(*(pipeline.translate(r, Terms()) for r in requests))
    alone = [await pipeline.translate(r, Terms()) for r in requests[:5]]
    assert [a.text_ru for a in alone] == [a.text_ru for a in crowd[:5]]
    for text, answer in zip(texts, crowd, strict=True):
        assert answer.text_ru == "\n".join(PHRASES[line] for line in text.split("\n"))


async def test_a_short_article_is_given_whole(pipeline: Pipeline) -> None:
    digest = await pipeline.digest(digest_of(" ".join(ENGLISH[:2])), Terms())
    assert digest.summary_en == " ".join(ENGLISH[:2])
    assert [finding.kind for finding in digest.findings] == [FindingKind.SHORT_ARTICLE]


async def test_what_was_computed_once_is_not_computed_again(pipeline: Pipeline) -> None:
    text = "\n".join(ENGLISH[40:50])
    await pipeline.translate(TranslateRequest(text=text), Terms())
    again = await pipeline.translate(TranslateRequest(text=text), Terms())
    anew = await pipeline.translate(TranslateRequest(text=text, no_cache=True), Terms())
    assert again.usage.cached_units == 10
    assert again.usage.compute_ms == 0
    assert anew.usage.cached_units == 0
    assert anew.usage.compute_ms > 0
    assert again.text_ru == anew.text_ru


KEPT = ("Deep Thought", "XQ-7", "Yahoo! Inc. said", "a  b", "{name}", "https://example.org/a?b=1")


async def test_what_is_kept_survives_any_position(pipeline: Pipeline) -> None:
    """The models have never seen any of it, and make nothing sensible of such sentences."""
    chance = random.Random(7)
    lines = []
    for kept in KEPT * 4:
        words = chance.choice(ENGLISH).split()
        words.insert(chance.randint(0, len(words)), kept)
        lines.append(" ".join(words))
    options = TranslationOptions(keep=KEPT[:4])
    text = "\n\n".join(lines)
    answer = await pipeline.translate(TranslateRequest(text=text, translation=options), Terms())
    assert answer.text_ru is not None
    for kept, line in zip(KEPT * 4, answer.text_ru.split("\n\n"), strict=True):
        assert kept in line
    page = "".join(
        f"<p>{line.replace(k, f'<b>{k}</b>')}</p>" for k, line in zip(KEPT, lines, strict=False)
    )
    answer = await pipeline.translate(TranslateRequest(html=page, translation=options), Terms())
    assert answer.html_ru is not None
    for kept, line in zip(KEPT, answer.html_ru.split("</p>"), strict=False):
        assert kept in line.replace("<b>", "").replace("</b>", "")


async def test_a_glossary_term_stands_where_its_source_did(pipeline: Pipeline) -> None:
    glossary = (GlossaryEntry("talks", "диалог"), GlossaryEntry("Berlin", "Городок на Шпрее"))
    options = TranslationOptions(glossary)
    text = "Talks failed.\nEmma Clark met Thomas Weber in Berlin on Sunday."
    answer = await pipeline.translate(TranslateRequest(text=text, translation=options), Terms())
    assert answer.text_ru is not None
    first, second = answer.text_ru.split("\n")
    assert first.startswith("Диалог")
    assert "в Городке на Шпрее" in second
    assert FindingKind.GLOSSARY not in {finding.kind for finding in answer.findings}


async def test_kept_text_inside_a_longer_word_is_told(pipeline: Pipeline) -> None:
    request = TranslateRequest(text="Talks failed.", translation=TranslationOptions(keep=("alks",)))
    answer = await pipeline.translate(request, Terms())
    (finding,) = answer.findings
    assert (finding.kind, finding.severity) == (FindingKind.PLACEHOLDERS, Severity.INFO)


async def test_white_space_and_wordless_lines_stay(pipeline: Pipeline) -> None:
    first, second = ENGLISH[:2]
    text = f"  {first}\n\n***\n\n\t{second}  \n12.5\n"
    answer = await pipeline.translate(TranslateRequest(text=text), Terms())
    expected = text.replace(first, PHRASES[first]).replace(second, PHRASES[second])
    assert answer.text_ru == expected


async def test_inline_tags_follow_their_words(pipeline: Pipeline) -> None:
    english = "Emma Clark met Thomas Weber in Berlin on Sunday."
    russian = "Эмма Кларк встретилась с Томасом Вебером в Берлине в воскресенье."
    assert PHRASES[english] == russian
    page = (
        '<ul class=x>\n <li><b>Emma Clark</b> met <a href="/p?a=1&b">Thomas <i>Weber</i></a>'
        f" in Berlin on\n Sunday.<br>\n <li>{ENGLISH[1]}<script>let en = 1</script></ul>"
    )
    answer = await pipeline.translate(TranslateRequest(html=page), Terms())
    assert answer.html_ru == (
        "<ul class=x>\n <li><b>Эмма Кларк</b> встретилась с "
        '<a href="/p?a=1&b">Томасом <i>Вебером</i></a>'
        f" в Берлине в воскресенье.<br>\n <li>{PHRASES[ENGLISH[1]]}<script>let en = 1</script></ul>"
    )


async def test_the_bounds_that_leave_no_sentence_are_named(pipeline: Pipeline) -> None:
    request = SummarizeRequest(Article(text=STORY), SummaryOptions(max_words=1), skip_cleaning=True)
    with pytest.raises(InvalidRequest, match=r"summary\.max_words"):
        await pipeline.summarize(request, Terms())


async def test_a_deadline_ends_the_work(pipeline: Pipeline) -> None:
    with pytest.raises(DeadlineExpired):
        await pipeline.digest(digest_of(STORY, no_cache=True), Terms(time.monotonic() + 0.001))
    assert (await pipeline.translate(TranslateRequest(text="Talks failed."), Terms())).text_ru


async def test_who_cannot_be_read_in_time_is_refused_unread(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline._workers, "wait", lambda rank, caller: 10.0 * rank)
    monkeypatch.setattr(pipeline._workers, "run_ranked", None)  # whoever reads fails
    deadline = time.monotonic() + 9.0
    with pytest.raises(Overloaded) as refusal:
        await pipeline.digest(digest_of("The"), Terms(deadline))
    assert refusal.value.retry_after == 10.0
    with pytest.raises(Overloaded) as refusal:
        await pipeline.digest(digest_of("The"), Terms(deadline, Priority.BULK))
    assert refusal.value.retry_after == 20.0


async def test_a_body_sentence_that_fails_stays_english(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One unit is poison: its sentence is a finding; in the summary it is the answer's end."""
    lost = ENGLISH[30]
    poison = await pipeline._workers.run(encoded, lost)
    run = pipeline._scheduler.compute

    async def poisoned(job: object, units: list) -> list:
        results = await run(job, units)  # type: ignore[arg-type]
        return [
            ComputeFailed("poison") if unit.payload == poison else result
            for unit, result in zip(units, results, strict=True)
        ]

    monkeypatch.setattr(pipeline._scheduler, "compute", poisoned)
    digest = await pipeline.digest(digest_of(STORY, translate_body=True), Terms())
    assert digest.body[30].ru == lost
    assert digest.body[31].ru == PHRASES[ENGLISH[31]]
    (finding,) = digest.findings
    assert (finding.kind, finding.severity) == (FindingKind.FAILED, Severity.ERROR)
    assert finding.field == "body[30].ru"
    assert digest.body[30].ru[finding.start : finding.end] == lost
    with pytest.raises(ComputeFailed):
        await pipeline.digest(digest_of("\n\n".join(ENGLISH[30:40])), Terms())


async def test_a_failed_check_is_tried_again_more_safely(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first search loops; the second does not, and its answer is the one that counts."""
    run = pipeline._scheduler.compute
    safer = pipeline._translator._ref.safer

    async def looping(job: object, units: list) -> list:
        results = await run(job, units)  # type: ignore[arg-type]
        if units[0].profile == safer:
            return results
        loop = Generated("снова и снова и снова и снова и снова и снова", 20, truncated=True)
        return [type(result)(loop, 20) for result in results]

    monkeypatch.setattr(pipeline._scheduler, "compute", looping)
    answer = await pipeline.translate(TranslateRequest(text=ENGLISH[5]), Terms())
    assert answer.text_ru == PHRASES[ENGLISH[5]]
    assert answer.findings == ()


def encoded(sentence: str) -> tuple[int, ...]:
    from service.pipeline import drafting

    ((piece,),) = drafting.encode([sentence])
    return piece.ids


async def test_models_that_cannot_be_loaded_say_what_to_do(tmp_path) -> None:
    with pytest.raises(ModelUnavailable, match="missing or empty"):
        Pipeline(EngineSettings(preset="starter", translator=str(tmp_path)))
    for file in MARIAN.iterdir():
        content = file.read_bytes()
        half = file.suffix == ".safetensors"
        (tmp_path / file.name).write_bytes(content[: len(content) // 2] if half else content)
    with pytest.raises(ModelUnavailable, match="cut short or damaged"):
        Pipeline(EngineSettings(preset="starter", translator=str(tmp_path)))
