"""A page to judge digests by eye: each beside its article, with a rubric to fill in.

    python -m bench.review --articles news.jsonl --every 13 --output review.html

The page holds everything it needs. What the reader enters stays in the browser and is
added up at its foot. Nothing here scores a text; ``bench.quality`` measures, this shows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from bench.quality import answers, opened
from service.errors import SvodkaError
from service.schema import Article, Digest, DigestRequest, Range, SpanKind
from service.settings import EngineSettings

RUBRIC = (
    ("story", "Story told? 0 no, 1 in part, 2 yes"),
    ("facts", "Facts right? 0 a wrong one that matters, 1 small slips, 2 all right"),
    ("russian", "Russian readable? 0 no, 1 with effort, 2 yes"),
)

_STYLE = """
body { font: 16px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 86rem; color: #222 }
article { border-top: 2px solid #999; padding: 1rem 0; display: grid;
          grid-template-columns: 1fr 1fr; gap: 2rem }
h2 { grid-column: 1 / -1; font-size: 1.1rem; margin: 0 }
.source { max-height: 34rem; overflow: auto; color: #555; font-size: .9rem; white-space: pre-line }
.source mark { background: #fff3b0; color: #222 }
.ru { font-size: 1.1rem }
.ERROR { color: #b00020 } .WARNING { color: #9a5b00 } .INFO { color: #555 }
label { display: block; margin: .2rem 0 } input[type=number] { width: 3rem }
"""

_SCRIPT = """
const fields = [...document.querySelectorAll('input')];
function total() {
  const sums = {};
  for (const f of fields) if (f.type === 'number' && f.value !== '') {
    const s = sums[f.dataset.question] ??= [0, 0]; s[0] += +f.value; s[1] += 2;
  }
  document.querySelector('output').textContent =
    Object.entries(sums).map(([k, [a, b]]) => `${k} ${a} of ${b}`).join(' · ');
}
for (const f of fields) {
  f.value = localStorage.getItem(location.pathname + f.name) ?? '';
  f.addEventListener('input',
    () => { localStorage.setItem(location.pathname + f.name, f.value); total(); });
}
total();
"""


def page(title: str, models: str, articles: Sequence[str], replies: Sequence[Any]) -> str:
    """Return the whole page as HTML. A reply is a ``Digest``, or the error instead of one."""
    numbered = enumerate(zip(articles, replies, strict=True), start=1)
    sections = "\n".join(_section(number, *pair) for number, pair in numbered)
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>
<h1>{escape(title)}</h1>
<p>{escape(models)}. What the summary rests on is marked in the article.</p>
{sections}
<p>Total: <output></output></p>
<script>{_SCRIPT}</script>
</html>
"""


def _section(number: int, article: str, reply: Any) -> str:
    if not isinstance(reply, Digest):
        source = f"<div class=source>{escape(article)}</div>"
        return (
            f'<article><h2>{number}</h2>{source}<p class="ERROR">{escape(str(reply))}</p></article>'
        )
    evidence = [Range(e.start, e.end) for s in reply.sentences for e in s.evidence[:1]]
    findings = "".join(
        f'<li class="{finding.severity.name}">{finding.severity.name.lower()}, '
        f"{escape(finding.field)}: {escape(finding.message)}</li>"
        for finding in reply.findings
    )
    questions = "".join(
        f'<label><input type=number min=0 max=2 name="{number}-{key}" data-question="{key}"> '
        f"{question}</label>"
        for key, question in RUBRIC
    )
    return f"""<article><h2>{number}. {escape(reply.headline_en)}</h2>
<div class=source>{_marked(article, evidence)}</div>
<div><p>{escape(reply.summary_en)}</p>
<p lang=ru class=ru><b>{escape(reply.headline_ru)}</b></p>
<p lang=ru class=ru>{escape(reply.summary_ru)}</p>
<ul>{findings}</ul>{questions}
<label>Worst error <input name="{number}-worst" size=40></label>
<p>{_left_out(reply)}</p></div></article>"""


def _marked(text: str, ranges: Sequence[Range]) -> str:
    """Return escaped text with ranges of it marked; ranges may touch and repeat."""
    held = {n for place in ranges for n in range(place.start, place.end)}
    borders = [n for n in range(len(text) + 1) if (n in held) != (n - 1 in held)]
    pieces = []
    for start, end in zip([0, *borders], [*borders, len(text)], strict=True):
        piece = escape(text[start:end])
        pieces.append(f"<mark>{piece}</mark>" if start in held and piece else piece)
    return "".join(pieces)


def _left_out(digest: Digest) -> str:
    spans = [span for span in digest.coverage.spans if span.kind is SpanKind.BOILERPLATE]
    return f"{len(spans)} paragraphs left out as boilerplate." if spans else ""


async def digests(settings: EngineSettings, articles: Sequence[str]) -> tuple[list[Any], str]:
    """Return a digest or an error for each article, and the models' names."""
    async with opened(settings) as pipeline:
        requests = [DigestRequest(article=Article(text=article)) for article in articles]
        replies = await answers(pipeline.digest, requests)
        return replies, " + ".join(model.name for model in pipeline.info.models)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write one page."""
    parser = argparse.ArgumentParser(prog="python -m bench.review", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--articles", type=Path, required=True, help="JSON lines with `article`")
    parser.add_argument("--every", type=int, default=1, help="take every so-manieth (all)")
    parser.add_argument("--limit", type=int, default=30, help="at most so many (30)")
    parser.add_argument("--output", type=Path, required=True, help="the page")
    parser.add_argument("--preset", help="models to use; as `svodka --preset`")
    parser.add_argument("--summarizer", help="hub id or folder, instead of the preset's")
    parser.add_argument("--translator", help="hub id or folder, instead of the preset's")
    options = parser.parse_args(arguments)
    lines = options.articles.read_text("utf-8").splitlines()
    articles = [json.loads(line)["article"] for line in lines[:: options.every][: options.limit]]
    settings = EngineSettings(
        preset=options.preset, summarizer=options.summarizer, translator=options.translator
    )
    replies, models = asyncio.run(digests(settings, articles))
    failed = sum(isinstance(reply, SvodkaError) for reply in replies)
    title = f"{len(articles)} digests of {options.articles.name}"
    options.output.write_text(page(title, models, articles, replies), "utf-8")
    print(f"{title}, {failed} failed: {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
