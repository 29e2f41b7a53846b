"""How well cleaning finds the story: precision, recall and F on labelled pages.

    python bench/cleaning.py --pages DIR --labels FILE [--folds 10]

Labels give for each page segments that belong to its main text (``with``) and
segments that do not (``without``). A ``with`` segment in the output is a true
positive, one that is missing a false negative; a ``without`` segment in the
output is a false positive. Intervals are 95 %, by resampling pages.

No page is judged by a model that has seen it: the paragraph model is trained
anew for each fold, on the pages of the others. The peers read the HTML, or
the flat text with each line as a paragraph.
"""

from __future__ import annotations

import argparse
import html
import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import justext
import numpy as np
import trafilatura

from service.cleaning import clean_html, clean_text
from service.cleaning.model import ParagraphModel
from service.cleaning.train import fitted, folds, page_examples

Labels = Mapping[str, Any]

# What newspapers, agencies and broadcasters call themselves.
NEWS = re.compile(
    r"news|times|post|herald|tribune|guardian|telegraph|standard|star\b|nation|voice|globe|gazette"
    r"|journal|weekly|reuters|bbc|cnn|\bdw\b|kbs|kxan|politico|scmp|atlantic|searchlight|reporter"
    r"|today|sun\b|mail|independent|local\.|boston|wired|verge|vice\."
)


def hits(entry: Labels, output: str) -> np.ndarray:
    """(true positives, false negatives, false positives) of one page."""
    text = _spaced(output)
    found = sum(_spaced(segment) in text for segment in entry["with"])
    wrong = sum(_spaced(segment) in text for segment in entry["without"])
    return np.array([found, len(entry["with"]) - found, wrong])


def _spaced(text: str) -> str:
    return " ".join(text.split())


def rates(counts: np.ndarray) -> np.ndarray:
    """(…, 3) counts → (…, 3): precision, recall, F."""
    found, missed, wrong = np.moveaxis(counts.astype(float), -1, 0)
    return np.stack(
        [
            found / np.maximum(found + wrong, 1),
            found / np.maximum(found + missed, 1),
            2 * found / np.maximum(2 * found + missed + wrong, 1),
        ],
        axis=-1,
    )


def row(name: str, counts: np.ndarray, seconds: float) -> str:
    """One line of the table; ``counts`` is (pages, 3)."""
    precision, recall, score = rates(counts.sum(axis=0))
    draws = np.random.default_rng(0).integers(len(counts), size=(2_000, len(counts)))
    low, high = np.quantile(rates(counts[draws].sum(axis=1)), [0.025, 0.975], axis=0)
    return (
        f"{name:34} {precision:.3f} [{low[0]:.3f} {high[0]:.3f}]  {recall:.3f} "
        f"[{low[1]:.3f} {high[1]:.3f}]  {score:.3f} [{low[2]:.3f} {high[2]:.3f}]  {seconds:7.1f}"
    )


def as_page(flat: str) -> str:
    """A flat text as the plainest of pages, for peers that read HTML only."""
    return "".join(f"<p>{html.escape(line)}</p>\n" for line in flat.splitlines())


def with_trafilatura(page: str) -> str:
    """Its main text, without comments."""
    return trafilatura.extract(page, include_comments=False) or ""


def with_justext(page: str) -> str:
    """What it does not hold for boilerplate."""
    try:
        paragraphs = justext.justext(page, justext.get_stoplist("English"))
    except Exception:
        return ""
    return "\n".join(p.text for p in paragraphs if not p.is_boilerplate)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pages", type=Path, required=True, help="folder of HTML pages")
    parser.add_argument("--labels", type=Path, required=True, help="their labels, JSON")
    parser.add_argument("--folds", type=int, default=10)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)

    labels: dict[str, Labels] = json.loads(arguments.labels.read_text(encoding="utf-8"))
    pages = {
        name: (arguments.pages / name).read_bytes().decode("utf-8", "replace") for name in labels
    }
    models = unseen_models(arguments.pages, arguments.labels, arguments.folds)
    methods: dict[str, Callable[[str], str]] = {
        "HTML  svodka": lambda name: (
            clean_html(pages[name], labels[name]["url"], model=models[name]).text
        ),
        "HTML  trafilatura": lambda name: with_trafilatura(pages[name]),
        "HTML  jusText": lambda name: with_justext(pages[name]),
        "flat  svodka": lambda name: clean_text(labels[name]["flat"], model=models[name]).text,
        "flat  trafilatura": lambda name: with_trafilatura(as_page(labels[name]["flat"])),
        "flat  jusText": lambda name: with_justext(as_page(labels[name]["flat"])),
        "flat  everything": lambda name: labels[name]["flat"],
    }
    news = np.array([bool(NEWS.search(name + labels[name]["url"])) for name in labels])
    print(f"{len(labels)} pages, {news.sum()} of them news; {arguments.folds} folds by page")
    print(f"{'':34} {'precision':21}  {'recall':21}  {'F':21}  seconds")
    for method, output in methods.items():
        began = time.process_time()
        counts = np.array([hits(labels[name], output(name)) for name in labels])
        seconds = time.process_time() - began
        print(row(method, counts, seconds))
        print(row(f"{method}, news", counts[news], 0.0))


def unseen_models(pages: Path, labels: Path, count: int) -> dict[str, ParagraphModel]:
    """For each page, a model trained without it."""
    examples = page_examples(pages, labels)
    models: dict[str, ParagraphModel] = {}
    for hand in folds([example.page for example in examples], count):
        model = fitted([example for example in examples if example.page not in hand])
        models.update(dict.fromkeys(hand, model))
    return models


if __name__ == "__main__":
    main()
