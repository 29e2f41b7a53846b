"""Scores of texts against human ones: published metrics, intervals, and the tables of them.

Every figure has a 95 % interval; a comparison is a paired bootstrap. BLEU and chrF are
sacreBLEU's, with its defaults. ROUGE is rouge-score's F, stemmed, article by article: L
over the whole text, Lsum sentence by sentence, as the papers' ROUGE-L is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.scoring import Score
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import PairedTest

from service.sentences import sentence_offsets

RESAMPLES = 1000
SEED = 12345  # of all that is drawn, the items too
METRICS = {"rouge1": "1", "rouge2": "2", "rougeL": "L", "rougeLsum": "Lsum"}


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
    chance = np.random.default_rng(SEED)
    means = [chance.choice(data, len(data)).mean() for _ in range(10 * RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(data.mean()), float(low), float(high))


def corpus_scores(
    systems: Mapping[str, Sequence[str]], references: Sequence[str]
) -> list[tuple[str, list[str]]]:
    """BLEU and chrF of each system, with sacreBLEU's bootstrap; differences from the first."""
    try:
        test = PairedTest(
            list(systems.items()),
            {"BLEU": BLEU(), "chrF": CHRF()},
            [references],
            test_type="bs",
            n_samples=RESAMPLES,
        )
        _, scores = test()
    except TypeError:  # sacreBLEU 2.6 trips over a resample that scores nothing at all
        return [
            (name, [f"{m.corpus_score(texts, [references]).score:.2f}" for m in (BLEU(), CHRF())])
            for name, texts in systems.items()
        ]
    names, *columns = scores.values()
    rows = [
        (str(name), [f"{r.score:.2f} ± {r.ci:.2f}" for r in results])
        for name, *results in zip(names, *columns, strict=True)
    ]
    first, *others = zip(*columns, strict=True)
    rows += [
        (f"paired difference {n}", [_difference(*pair) for pair in zip(first, other, strict=True)])
        for n, other in enumerate(others, start=1)
    ]
    return rows


def _difference(ours: Any, theirs: Any) -> str:
    return f"{ours.score - theirs.score:+.2f} (p = {theirs.p_value:.3f})"


def rouge(references: Sequence[str], summaries: Sequence[str]) -> dict[str, list[float]]:
    """F scores in percent, with stemming, article by article."""
    scorer = RougeScorer(list(METRICS), use_stemmer=True)
    scores: list[dict[str, Score]] = [
        scorer.score(lines(reference), lines(summary))
        for reference, summary in zip(references, summaries, strict=True)
    ]
    return {name: [100 * score[name].fmeasure for score in scores] for name in METRICS}


def lines(text: str) -> str:
    """Return a text with a sentence a line, which is how ROUGE-Lsum knows them."""
    return "\n".join(" ".join(text[a:b].split()) for a, b in sentence_offsets(text))


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
    references: Sequence[str], systems: Mapping[str, Sequence[str]], speed: str
) -> str:
    """Compare translations with the human ones, and the first system with the others."""
    rows = [["", "BLEU (95 %)", "chrF (95 %)", "sentences/s"]]
    for n, (name, scores) in enumerate(corpus_scores(systems, references)):
        rows.append([name, *scores, speed if n == 0 else ""])
    return table(rows)


def summary_table(references: Sequence[str], systems: Mapping[str, Sequence[str]]) -> str:
    """Compare summaries with the human ones, and the first system with the others."""
    rows = [["", *(f"ROUGE-{m} F (95 %)" for m in METRICS.values()), "words"]]
    scores = {name: rouge(references, texts) for name, texts in systems.items()}
    for name, texts in systems.items():
        rows.append([name, *(str(bootstrap(scores[name][m])) for m in METRICS), _words(texts)])
    ours, *others = scores.values()
    for n, theirs in enumerate(others, start=1):
        differences = (np.subtract(ours[m], theirs[m]).tolist() for m in METRICS)
        rows.append([f"paired difference {n}", *(str(bootstrap(d)) for d in differences), ""])
    return table(rows)


def _words(texts: Sequence[str]) -> str:
    return f"{np.mean([len(text.split()) for text in texts]):.1f}"
