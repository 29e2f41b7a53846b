"""Lanes on several devices give one text one answer, or do not start."""

import asyncio
from pathlib import Path

import pytest

import models.placement
from service.errors import ModelUnavailable
from service.pipeline import Pipeline
from service.pipeline.terms import Terms
from service.schema import TranslateRequest
from service.settings import EngineSettings

DATA = Path(__file__).parents[2] / "data"
ENGLISH, RUSSIAN = (
    (DATA / "tiny-marian-en-ru" / "phrases.tsv").read_text("utf-8").splitlines()[0].split("\t")
)


def settings(device: str, **others: object) -> EngineSettings:
    return EngineSettings(
        preset="starter",
        summarizer=str(DATA / "tiny-bart-summarizer"),
        translator=str(DATA / "tiny-marian-en-ru"),
        device=device,
        **others,  # pyright: ignore[reportArgumentType]
    )


async def test_each_device_has_a_lane() -> None:
    pipeline = Pipeline(settings("cpu, cpu"))
    await pipeline.start()
    try:
        request = TranslateRequest(text=ENGLISH, no_cache=True)
        answers = await asyncio.gather(*(pipeline.translate(request, Terms()) for _ in range(4)))
        assert [answer.text_ru for answer in answers] == [RUSSIAN] * 4
        assert pipeline.stats().lanes_serving == 2
    finally:
        await pipeline.close()


@pytest.mark.parametrize(
    ("cores", "others", "lanes"),
    [
        (1, {}, 1),
        (2, {}, 2),
        (16, {}, 2),
        (2, {"threads": 2}, 1),
        (4, {"threads": 2}, 2),
        (4, {"engine": "ctranslate2"}, 2),
        (4, {"lanes": 3}, 3),
    ],
)
def test_as_many_lanes_as_are_fastest(cores, others, lanes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("service.pipeline.pipeline.usable_cores", lambda: cores)
    assert Pipeline(settings("cpu", **{"lanes": 0, **others})).stats().lanes == lanes


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(ModelUnavailable, match="cuda:7"):
        Pipeline(settings("cpu,cuda:7"))


def test_devices_that_would_compute_differently_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(models.placement, "check_device", lambda _: None)
    with pytest.raises(ModelUnavailable, match="two answers"):
        Pipeline(settings("cpu,cuda"))
    Pipeline(settings("cpu,cuda", engine="transformers", compute_type="float32"))
