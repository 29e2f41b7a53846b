"""How good are the texts? Published metrics on data you bring, in one table each.

    python -m bench.quality translation --source news.en --reference news.ru
    python -m bench.quality summary --articles news.jsonl --skip 250

Everything goes through the product's own pipeline, as a request would. The numbers
compare systems on the same data; they do not say that a text is right, or that it
reads well. Tune on other articles than you report on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.scoring import Score
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from models import Generated, ModelRef, open_codec, open_engine, select
from service.errors import SvodkaError
from service.schema import Article, SummarizeRequest, SummaryOptions, TranslateRequest
from service.sentences import sentence_offsets
from service.settings import EngineSettings

IN_WORK = 64  # requests at once, enough to fill the batches
RESAMPLES = 1000
METRICS = ("rouge1", "rouge2", "rougeL")

PUBLISHED_TRANSLATION = """\
Published: opus-mt-tc-big-en-zle, BLEU 31.8, chrF 57.9 on the 1,997 sentences of newstest2019
(huggingface.co/Helsinki-NLP/opus-mt-tc-big-en-zle, benchmark_results.txt)."""

PUBLISHED_SUMMARY = """\
Published: distilbart-cnn-12-6, ROUGE-2 21.26, ROUGE-L 30.59; bart-large-cnn 21.06, 30.63, on the
CNN/DailyMail test set: other articles and mostly another paper, so no more than a landmark
(huggingface.co/sshleifer/distilbart-cnn-12-6, model card)."""


@dataclass(frozen=True)
class Pair:
    """A sentence, its human translation, and a stored one to compare with, if the data has it."""

    en: str
    reference: str
    stored: str = ""


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % confidence interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.2f} [{self.low:.2f}, {self.high:.2f}]"


def bootstrap(values: Sequence[float]) -> Interval:
    """Mean of ``values`` with the percentile bootstrap's interval over their items.

    Of differences between two systems on the same items this is the paired bootstrap
    (Efron and Tibshirani, 1993; Koehn, 2004). The seed is fixed.
    """
    data = np.asarray(values, dtype=np.float64)
    chance = np.random.default_rng(12345)
    means = [chance.choice(data, len(data)).mean() for _ in range(10 * RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(data.mean()), float(low), float(high))


def corpus_score(metric: BLEU | CHRF, outputs: Sequence[str], references: Sequence[str]) -> str:
    """Score of a whole corpus, with sacreBLEU's own bootstrap interval (95 %)."""
    try:
        score = metric.corpus_score(outputs, [references], n_bootstrap=RESAMPLES)
    except TypeError:  # sacreBLEU 2.6 trips over a resample that scores nothing at all
        return f"{metric.corpus_score(outputs, [references]).score:.2f}"
    signature = str(metric.get_signature())
    told = json.loads(score.format(width=2, signature=signature, is_json=True))
    return f"{told['score']:.2f} ± {told['confidence_var']:.2f}"


def rouge(references: Sequence[str], summaries: Sequence[str]) -> dict[str, list[float]]:
    """F scores in percent, with stemming, article by article."""
    scorer = RougeScorer(list(METRICS), use_stemmer=True)
    scores: list[dict[str, Score]] = [
        scorer.score(reference, summary)
        for reference, summary in zip(references, summaries, strict=True)
    ]
    return {name: [100 * score[name].fmeasure for score in scores] for name in METRICS}


def lead(article: str, sentences: int) -> str:
    """Return the opening sentences of an article, the summary to beat."""
    return " ".join(article[a:b] for a, b in islice(sentence_offsets(article), sentences))


def table(rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows in columns; the first row is the heading."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def translation_table(
    pairs: Sequence[Pair], outputs: Sequence[str], seconds: float, name: str
) -> str:
    """Compare translations with the human ones, and with the stored ones where there are any."""
    references = [pair.reference for pair in pairs]
    systems = {name: (list(outputs), f"{len(pairs) / seconds:.2f}")}
    if all(pair.stored for pair in pairs):
        systems["the file's own"] = ([pair.stored for pair in pairs], "")
    rows = [["", "BLEU (95 %)", "chrF (95 %)", "sentences/s"]]
    for system, (texts, speed) in systems.items():
        scores = [corpus_score(metric, texts, references) for metric in (BLEU(), CHRF())]
        rows.append([system, *scores, speed])
    return table(rows)


def summary_table(
    references: Sequence[str], ours: Sequence[str], leads: Sequence[str], sentences: int, name: str
) -> str:
    """Compare summaries with the human ones, beside the articles' opening sentences."""
    mine, theirs = rouge(references, ours), rouge(references, leads)
    rows = [["", "ROUGE-1 F (95 %)", "ROUGE-2 F (95 %)", "ROUGE-L F (95 %)", "words"]]
    rows.append([name, *(str(bootstrap(mine[m])) for m in METRICS), _words(ours)])
    rows.append([f"lead-{sentences}", *(str(bootstrap(theirs[m])) for m in METRICS), _words(leads)])
    differences = (np.subtract(mine[m], theirs[m]).tolist() for m in METRICS)
    rows.append(["paired difference", *(str(bootstrap(d)) for d in differences), ""])
    return table(rows)


def _words(texts: Sequence[str]) -> str:
    return f"{np.mean([len(text.split()) for text in texts]):.1f}"


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


def read_pairs(source: Path, reference: Path | None, limit: int | None) -> list[Pair]:
    """Read two parallel text files, or JSON lines with ``en``, ``reference`` and perhaps ``ru``."""
    if reference is None:
        rows = map(json.loads, source.read_text("utf-8").splitlines())
        pairs = [Pair(row["en"], row["reference"], row.get("ru", "")) for row in rows]
    else:
        texts = (path.read_text("utf-8").split("\n") for path in (source, reference))
        pairs = [Pair(en, ru) for en, ru in zip(*texts, strict=True) if en.strip()]
    return pairs[:limit]


def _translation(options: argparse.Namespace, settings: EngineSettings) -> None:
    pairs = read_pairs(options.source, options.reference, options.limit)
    sentences = [pair.en for pair in pairs]
    if options.beams:
        chosen = select(settings.preset, translator=settings.translator, cache=settings.cache)
        outputs, seconds, name = translate_directly(chosen.translator, sentences, options.beams)
    else:
        outputs, seconds, name = asyncio.run(translate(settings, sentences))
    print(f"English → Russian, {len(pairs)} sentences of {options.source.name}")
    print(translation_table(pairs, outputs, seconds, name), PUBLISHED_TRANSLATION, sep="\n\n")


def _summary(options: argparse.Namespace, settings: EngineSettings) -> None:
    lines = options.articles.read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines[options.skip :][: options.limit]]
    articles = [row["article"] for row in rows]
    wanted = options.max_sentences
    ours, name = asyncio.run(summarize(settings, articles, wanted, options.skip_cleaning))
    first, last = options.skip + 1, options.skip + len(rows)
    print(f"Summaries of {wanted} sentences, articles {first} to {last} of {options.articles.name}")
    leads = [lead(article, wanted) for article in articles]
    compared = summary_table([row["summary"] for row in rows], ours, leads, wanted, name)
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
    command.add_argument("--skip", type=int, default=0, help="articles to leave out at the start")
    command.add_argument("--max-sentences", type=int, default=3, help="of a summary (3)")
    command.add_argument("--skip-cleaning", action="store_true", help="summarize the text as it is")
    _common(command)
    return root


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--limit", type=int, help="stop after so many")
    command.add_argument("--preset", help="models to use; as `svodka --preset`")
    command.add_argument("--summarizer", help="hub id or folder, instead of the preset's")
    command.add_argument("--translator", help="hub id or folder, instead of the preset's")
    command.add_argument("--cache", type=Path, help="folder of built and fetched models")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one comparison and print its table."""
    options = parser().parse_args(arguments)
    settings = EngineSettings(
        preset=options.preset,
        summarizer=options.summarizer,
        translator=options.translator,
        cache=options.cache,
    )
    options.run(options, settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
