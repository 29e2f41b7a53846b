"""How good are the texts? Published metrics on data you bring, in one table each.

    python -m bench.quality translation --source news.en --reference news.ru --sample 200
    python -m bench.quality summary --articles news.jsonl --skip 250

Everything goes through the product's own pipeline, as a request would. ``--save`` keeps
the texts of a run and ``--against`` compares another run with them on the same items.
The numbers compare systems on the same data (``bench.scores`` says how); they do not say
that a text is right, or that it reads well (``bench.review`` is for that). Tune on other
articles than you report on.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from bench.scores import SEED, lead, summary_table, translation_table
from models import Generated, ModelRef, open_codec, open_engine, select
from service.errors import SvodkaError
from service.schema import Article, SummarizeRequest, SummaryOptions, TranslateRequest
from service.settings import EngineSettings

T = TypeVar("T")

IN_WORK = 64  # requests at once, enough to fill the batches

PUBLISHED_TRANSLATION = """\
Published, on all 1,997 sentences of newstest2019: opus-mt-tc-big-en-zle BLEU 31.8, chrF 57.9
(its benchmark_results.txt); opus-mt-en-ru BLEU 27.1, chrF 53.3 (its model card)."""

PUBLISHED_SUMMARY = """\
Published: distilbart-cnn-6-6 ROUGE-2 20.17, ROUGE-L 29.70; distilbart-cnn-12-6 21.26, 30.59;
bart-large-cnn 21.06, 30.63, on the CNN/DailyMail test set: other articles and mostly another
paper, so no more than a landmark (huggingface.co/sshleifer/distilbart-cnn-12-6, model card)."""


@dataclass(frozen=True)
class Pair:
    """A sentence, its human translation, and a stored one to compare with, if the data has it."""

    en: str
    reference: str
    stored: str = ""


@asynccontextmanager
async def opened(settings: EngineSettings) -> AsyncIterator[Any]:
    """Give the product's pipeline, started."""
    from service.pipeline import Pipeline

    pipeline = Pipeline(settings)
    try:
        await pipeline.start()
        yield pipeline
    finally:
        await pipeline.close()


async def answers(method: Callable[..., Any], requests: Sequence[Any]) -> list[Any]:
    """Ask all requests, ``IN_WORK`` at once; a failed one's place holds its SvodkaError."""
    from service.pipeline import Terms

    room = asyncio.Semaphore(IN_WORK)

    async def ask(request: Any) -> Any:
        async with room:
            try:
                return await method(request, Terms(wait=True))
            except SvodkaError as error:
                return error

    return list(await asyncio.gather(*map(ask, requests)))


async def translate(
    settings: EngineSettings, sentences: Sequence[str]
) -> tuple[list[str], float, str]:
    """Return the Russian of each sentence, the seconds it took, and the model's name.

    What failed is empty, and scored as such.
    """
    requests = [TranslateRequest(text=sentence) for sentence in sentences]
    async with opened(settings) as pipeline:
        began = time.perf_counter()
        replies = await answers(pipeline.translate, requests)
        seconds = time.perf_counter() - began
        name = _described(pipeline.info.models[1])
    texts = ["" if isinstance(reply, SvodkaError) else reply.text_ru for reply in replies]
    return _without_failures(replies, [" ".join(text.split()) for text in texts]), seconds, name


async def summarize(
    settings: EngineSettings, articles: Sequence[str], sentences: int, skip_cleaning: bool
) -> tuple[list[str], str]:
    """Return the English summary of each article and the model's name; a failure is empty."""
    requests = [
        SummarizeRequest(
            Article(text=article),
            SummaryOptions(max_sentences=sentences),
            skip_cleaning=skip_cleaning,
        )
        for article in articles
    ]
    async with opened(settings) as pipeline:
        replies = await answers(pipeline.summarize, requests)
        name = _described(pipeline.info.models[0])
    texts = ["" if isinstance(reply, SvodkaError) else reply.summary_en for reply in replies]
    return _without_failures(replies, texts), name


def translate_directly(
    ref: ModelRef, sentences: Sequence[str], beams: int
) -> tuple[list[str], float, str]:
    """Translate with the engine alone and a search of our choice: no pipeline, no checks.

    A sentence too long for the model comes out empty.
    """
    codec, engine = open_codec(ref), open_engine(ref)
    decoding = replace(ref.decoding, num_beams=beams)
    units = [codec.encode(sentence) for sentence in sentences]
    order = [n for n, unit in enumerate(units) if len(unit) <= codec.max_input_tokens]
    order.sort(key=lambda n: len(units[n]))  # rows of like length waste no padding
    texts = [""] * len(units)
    began = time.perf_counter()
    for start in range(0, len(order), 16):
        batch = order[start : start + 16]
        generated = engine.run([units[n] for n in batch], decoding)
        for n, answer in zip(batch, generated, strict=True):
            assert isinstance(answer, Generated)
            texts[n] = answer.text
    return texts, time.perf_counter() - began, f"{_described(ref)}, num_beams={beams}, engine alone"


def _described(model: Any) -> str:
    return f"{model.name} ({model.engine}, {model.compute_type})"


def _without_failures(replies: Sequence[Any], texts: list[str]) -> list[str]:
    failures = [reply for reply in replies if isinstance(reply, SvodkaError)]
    if failures:
        print(f"{len(failures)} failed and count as empty; the first: {failures[0]}")
    return texts


def read_pairs(source: Path, reference: Path | None) -> list[Pair]:
    """Read two parallel text files, or JSON lines with ``en``, ``reference`` and perhaps ``ru``."""
    if reference is None:
        rows = map(json.loads, source.read_text("utf-8").splitlines())
        return [Pair(row["en"], row["reference"], row.get("ru", "")) for row in rows]
    texts = (path.read_text("utf-8").split("\n") for path in (source, reference))
    return [Pair(en, ru) for en, ru in zip(*texts, strict=True) if en.strip()]


def taken(items: list[T], options: argparse.Namespace) -> list[T]:
    """Return the items to work on: after ``--skip``, ``--limit`` of them, ``--sample`` by lot."""
    rest = items[options.skip :][: options.limit]
    if options.sample is None or options.sample >= len(rest):
        return rest
    return [rest[n] for n in sorted(random.Random(SEED).sample(range(len(rest)), options.sample))]


def _chosen(options: argparse.Namespace, count: int, what: str) -> str:
    drawn = f" drawn with seed {SEED}" if options.sample is not None else ""
    first = f" from number {options.skip + 1} on" if options.skip else ""
    return f"{count} {what}{drawn}{first}"


def save(path: Path, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Keep a run's texts, each beside the hash of what it was made from."""
    rows = ({"input": _key(i), "output": o} for i, o in zip(inputs, outputs, strict=True))
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, "utf-8")


def saved(path: Path, inputs: Sequence[str]) -> list[str]:
    """Return an earlier run's texts for the same items; exits if it lacks one."""
    rows = map(json.loads, path.read_text("utf-8").splitlines())
    outputs = {row["input"]: row["output"] for row in rows}
    missing = sum(_key(i) not in outputs for i in inputs)
    if missing:
        sys.exit(f"{path} lacks {missing} of the {len(inputs)} items; take the same ones.")
    return [outputs[_key(i)] for i in inputs]


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _compared(
    options: argparse.Namespace, name: str, inputs: Sequence[str], outputs: Sequence[str]
) -> dict[str, Sequence[str]]:
    """Return this run and those to compare it with; keep it if that is wanted."""
    if options.save:
        save(options.save, inputs, outputs)
    return {name: outputs} | {str(path.name): saved(path, inputs) for path in options.against}


def _translation(options: argparse.Namespace, settings: EngineSettings) -> None:
    pairs = taken(read_pairs(options.source, options.reference), options)
    sentences = [pair.en for pair in pairs]
    if options.beams:
        chosen = select(
            settings.preset,
            translator=settings.translator,
            cache=settings.cache,
            engine=settings.engine,
            compute_type=settings.compute_type,
        )
        outputs, seconds, name = translate_directly(chosen.translator, sentences, options.beams)
    else:
        outputs, seconds, name = asyncio.run(translate(settings, sentences))
    systems = _compared(options, name, sentences, outputs)
    if all(pair.stored for pair in pairs):
        systems["the file's own"] = [pair.stored for pair in pairs]
    chosen_ones = _chosen(options, len(pairs), "sentences")
    print(f"English → Russian, {chosen_ones} of {options.source.name}")
    compared = translation_table(
        [pair.reference for pair in pairs], systems, f"{len(pairs) / seconds:.2f}"
    )
    print(compared, PUBLISHED_TRANSLATION, sep="\n\n")


def _summary(options: argparse.Namespace, settings: EngineSettings) -> None:
    rows = taken(list(map(json.loads, options.articles.read_text("utf-8").splitlines())), options)
    articles = [row["article"] for row in rows]
    wanted = options.max_sentences
    ours, name = asyncio.run(summarize(settings, articles, wanted, options.skip_cleaning))
    systems = _compared(options, name, articles, ours)
    systems[f"lead-{wanted}"] = [lead(article, wanted) for article in articles]
    chosen_ones = _chosen(options, len(rows), "articles")
    print(f"Summaries of {wanted} sentences, {chosen_ones} of {options.articles.name}")
    compared = summary_table([row["summary"] for row in rows], systems)
    print(compared, PUBLISHED_SUMMARY, sep="\n\n")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    root = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__)
    root.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = root.add_subparsers(required=True, metavar="translation | summary")

    command = commands.add_parser(
        "translation", help="BLEU and chrF of the Russian (sacreBLEU's defaults)"
    )
    command.set_defaults(run=_translation)
    command.add_argument(
        "--source", type=Path, required=True, help="English text, a sentence a line; or JSON lines"
    )
    command.add_argument(
        "--reference", type=Path, help="its human translation; JSON lines hold theirs (`reference`)"
    )
    command.add_argument(
        "--beams", type=int, help="search so wide, with the engine alone instead of the pipeline"
    )
    _common(command)

    command = commands.add_parser("summary", help="ROUGE of summaries, beside the opening's")
    command.set_defaults(run=_summary)
    command.add_argument(
        "--articles", type=Path, required=True, help="JSON lines with `article` and `summary`"
    )
    command.add_argument("--max-sentences", type=int, default=3, help="of a summary (3)")
    command.add_argument("--skip-cleaning", action="store_true", help="summarize the text as it is")
    _common(command)
    return root


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--skip", type=int, default=0, help="items to leave out at the start")
    command.add_argument("--limit", type=int, help="stop after so many")
    command.add_argument("--sample", type=int, help=f"of these, so many by lot (seed {SEED})")
    command.add_argument("--save", type=Path, help="keep the texts in this file")
    command.add_argument(
        "--against", type=Path, action="append", default=[], help="compare with a saved run"
    )
    command.add_argument("--preset", help="models to use; as `svodka --preset`")
    command.add_argument("--summarizer", help="hub id or folder, instead of the preset's")
    command.add_argument("--translator", help="hub id or folder, instead of the preset's")
    command.add_argument("--cache", type=Path, help="folder of built and fetched models")
    command.add_argument("--engine", default="auto", help="as `svodka --engine`")
    command.add_argument("--compute-type", default="auto", help="as `svodka --compute-type`")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one comparison and print its table."""
    options = parser().parse_args(arguments)
    settings = EngineSettings(
        preset=options.preset,
        summarizer=options.summarizer,
        translator=options.translator,
        cache=options.cache,
        engine=options.engine,
        compute_type=options.compute_type,
    )
    options.run(options, settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
