"""How well cleaning finds the story: precision, recall and F on labelled pages.

    python bench/cleaning.py --pages DIR --labels FILE [--cross-validate [--folds 10]]

Labels give for each page segments that belong to its main text (``with``) and
segments that do not (``without``), and where they are known its ``url`` and its
``flat`` text, which is made from the page otherwise. A ``with`` segment in the
output is a true positive, one that is missing a false negative; a ``without``
segment in the output is a false positive. Intervals are 95 %, by resampling
pages.

No page is judged by a model that has seen it. The shipped weights name the
pages they were trained on, and these are left out. With ``--cross-validate``,
or where none would be left, the model is trained anew for each fold of sites,
on the pages of the others.
The peers read the HTML, or the flat text with each line as a paragraph.
"""

from __future__ import annotations

import argparse
import html
import json
import logging
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import justext
import numpy as np
import trafilatura

from service.cleaning import clean_html, clean_text
from service.cleaning.extraction import parsed
from service.cleaning.flattening import flattened
from service.cleaning.model import WEIGHTS, ParagraphModel, trained_on
from service.cleaning.train import fitted, folds, page_examples, page_key

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
    wanted, unwanted = entry.get("with") or (), entry.get("without") or ()
    found = sum(_spaced(segment) in text for segment in wanted)
    wrong = sum(_spaced(segment) in text for segment in unwanted)
    return np.array([found, len(wanted) - found, wrong])


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
    parser.add_argument(
        "--cross-validate", action="store_true", help="train anew for each fold, of these pages"
    )
    parser.add_argument("--folds", type=int, default=10)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)

    labels: dict[str, Labels] = json.loads(arguments.labels.read_text(encoding="utf-8"))
    for name in [name for name in labels if not (arguments.pages / name).is_file()]:
        print(f"{name}: no such page in {arguments.pages}; left out", file=sys.stderr)
        del labels[name]
    seen = {name for name in labels if page_key(name, labels[name]) in trained_on()}
    print(f"shipped weights: trained on {len(trained_on())} pages, listed in {WEIGHTS.name}")
    print(f"{len(seen)} of the {len(labels)} pages given are among them")
    models: Mapping[str, ParagraphModel] = {}
    if arguments.cross_validate or len(seen) == len(labels):
        models = unseen_models(arguments.pages, labels, arguments.folds)
        print(f"so models trained on the pages given stand in, {arguments.folds} folds by site")
    elif seen:
        labels = {name: entry for name, entry in labels.items() if name not in seen}
        print("and left out")
    pages = {
        name: (arguments.pages / name).read_bytes().decode("utf-8", "replace") for name in labels
    }
    urls = {name: labels[name].get("url") or "" for name in labels}
    flat = {name: labels[name].get("flat") or flattened(parsed(pages[name])) for name in labels}
    methods: dict[str, Callable[[str], str]] = {
        "HTML  svodka": lambda name: (
            clean_html(pages[name], urls[name], model=models.get(name)).text
        ),
        "HTML  trafilatura": lambda name: with_trafilatura(pages[name]),
        "HTML  jusText": lambda name: with_justext(pages[name]),
        "flat  svodka": lambda name: clean_text(flat[name], model=models.get(name)).text,
        "flat  trafilatura": lambda name: with_trafilatura(as_page(flat[name])),
        "flat  jusText": lambda name: with_justext(as_page(flat[name])),
        "flat  everything": lambda name: flat[name],
    }
    news = np.array([bool(NEWS.search(name + urls[name])) for name in labels])
    segments = sum(len(entry.get("with") or ()) for entry in labels.values())
    lost = sum(int(hits(labels[name], flat[name])[1]) for name in labels)
    print(f"{len(labels)} pages measured, {news.sum()} of them news")
    print(f"{lost} of the {segments} segments to be found are not in the flat texts")
    print(f"{'':34} {'precision':21}  {'recall':21}  {'F':21}  seconds")
    for method, output in methods.items():
        began = time.process_time()
        counts = np.array([hits(labels[name], output(name)) for name in labels])
        seconds = time.process_time() - began
        print(row(method, counts, seconds))
        if news.any():
            print(row(f"{method}, news", counts[news], 0.0))


def unseen_models(
    pages: Path, labels: Mapping[str, Labels], count: int
) -> dict[str, ParagraphModel]:
    """For each page, a model trained without it and without the other pages of its site."""
    examples = page_examples(pages, labels)
    models: dict[str, ParagraphModel] = {}
    for hand in folds({name: labels[name].get("url") or "" for name in labels}, count):
        model = fitted([example for example in examples if example.page not in hand])
        models.update(dict.fromkeys(hand, model))
    return models


if __name__ == "__main__":
    main()
