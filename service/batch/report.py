"""The output as a page for people: ``--report report.html``.

One file that needs nothing else: each article's digest beside its source, what
the checks found marked in it, what cleaning dropped greyed out, with search and
filters. It reads the output and the inputs again; it computes nothing.
"""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files as resources
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from service.batch.completion import Places
from service.batch.extras import needed
from service.batch.inputs import files
from service.batch.job import Job
from service.batch.outputs import text_lines
from service.batch.reading import Journey, Selector, records
from service.batch.record import Place, Record

MOST = 1000  # articles on a page; a browser is slow with many more

Line = Mapping[str, Any]
_SEVERITIES = ("ERROR", "WARNING", "INFO")


class Mark(NamedTuple):
    """A piece of a text with a class and a word about it."""

    start: int
    end: int
    name: str
    title: str


def write_report(
    path: Path,
    digests: Iterable[Line],
    errors: Iterable[Line],
    texts: Mapping[Place, str],
    totals: Mapping[str, str],
) -> None:
    """Write the page, whole or not at all.

    ``texts`` has the source of each article that came as text; that of a page
    is in its digest. Only the first ``MOST`` of either kind are shown.
    """
    fresh = path.with_name(path.name + ".tmp")
    frame = resources("service.batch").joinpath("report.html").read_text("utf-8")
    head, tail = frame.split("<!-- articles -->")
    with fresh.open("w", encoding="utf-8", errors="replace") as page:
        rows = "".join(
            f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>"
            for name, value in totals.items()
        )
        page.write(head.replace("<!-- totals -->", rows))
        kinds = _write_articles(page, islice(digests, MOST), texts)
        for line in islice(errors, MOST):
            page.write(_failed(line))
        choices = "".join(
            f'<option value="{kind}">{kind.lower().replace("_", " ")} ({count})</option>'
            for kind, count in sorted(kinds.items())
        )
        page.write(tail.replace("<!-- kinds -->", choices))
    fresh.replace(path)


def _write_articles(
    page: TextIO, digests: Iterable[Line], texts: Mapping[Place, str]
) -> Counter[str]:
    kinds: Counter[str] = Counter()
    for line in digests:
        kinds.update({finding["kind"] for finding in line["findings"]})
        page.write(_article(line, texts.get(_source_of(line), "")))
    return kinds


def _article(line: Line, text: str) -> str:
    coverage = line["coverage"]
    findings: list[Line] = line["findings"]
    worst = next((s for s in _SEVERITIES if any(f["severity"] == s for f in findings)), "")
    kinds = " ".join(sorted({finding["kind"] for finding in findings}))
    sentences: list[Line] = line["sentences"]
    english = " ".join(
        _marked(s["en"], _marks(findings, "summary_en", n)) for n, s in enumerate(sentences)
    )
    russian = " ".join(
        _marked(s["ru"], _marks(findings, "summary_ru", n)) for n, s in enumerate(sentences)
    )
    body = (
        f"""<details><summary>The story in Russian</summary>
<p lang="ru" class="body">{html.escape(line["body_ru"])}</p></details>"""
        if line["body_ru"]
        else ""
    )
    source = _source(coverage["text"] or text, coverage["spans"])
    return f"""<article data-kinds="{kinds}" data-worst="{worst}">
<header>{_where(line)}</header>
<section class="digest">
<h2>{_marked(line["headline_en"], _marks(findings, "headline_en", -1))}</h2><p>{english}</p>
<h2 lang="ru">{_marked(line["headline_ru"], _marks(findings, "headline_ru", -1))}</h2>
<p lang="ru">{russian}</p>
{body}
<ul>{"".join(_finding(finding) for finding in findings)}</ul>
</section>
<section class="source" lang="en" tabindex="0">{source}</section>
</article>
"""


def _failed(line: Line) -> str:
    reason, message = html.escape(line["reason"]), html.escape(line["message"])
    return f"""<article class="failed" data-kinds="" data-worst="FAILED">
<header>{_where(line)}</header><p><b>{reason}</b> {message}</p></article>
"""


def _where(line: Line) -> str:
    where = _named(line)
    if first := line.get("duplicate_of"):
        where += f" is a copy of {_named(first)} ({first['similarity']:.0%} alike)"
        where += ", whose digest this is" if first["reused"] else ""
    return where


def _named(line: Line) -> str:
    place, name = html.escape(line["input"]), html.escape(line["id"])
    return f"<b>{name}</b> <code>{place}</code>" if name != place else f"<code>{place}</code>"


def _source_of(line: Line) -> Place:
    """Where the text is that a digest was computed of: a copy may have its first's."""
    first = line.get("duplicate_of")
    return Place.parse(first["input"] if first and first["reused"] else line["input"])


def _finding(finding: Line) -> str:
    severity = finding["severity"]
    where = finding["field"]
    if finding["sentence_index"] >= 0:
        where += f", sentence {finding['sentence_index'] + 1}"
    return (
        f'<li class="{severity}"><b>{finding["kind"].lower().replace("_", " ")}</b> '
        f"{html.escape(where)}: {html.escape(finding['message'])}</li>"
    )


def _marks(findings: Sequence[Line], field: str, sentence: int) -> Iterator[Mark]:
    for finding in findings:
        if finding["field"] == field and finding["sentence_index"] == sentence:
            yield Mark(finding["start"], finding["end"], finding["severity"], finding["message"])


def _marked(text: str, marks: Iterable[Mark]) -> str:
    """The text as HTML with its pieces marked; a mark without a place is the whole text's."""
    placed = [m if m.end > m.start else m._replace(start=0, end=len(text)) for m in marks]
    inside = {border for m in placed for border in (m.start, m.end) if border <= len(text)}
    borders = sorted({0, len(text)} | inside)
    parts: list[str] = []
    for start, end in pairwise(borders):
        over = [m for m in placed if m.start <= start and end <= m.end]
        piece = html.escape(text[start:end])
        if over:
            worst = min(over, key=lambda mark: _SEVERITIES.index(mark.name))
            titles = html.escape("; ".join(mark.title for mark in over))
            piece = f'<mark class="{worst.name}" title="{titles}">{piece}</mark>'
        parts.append(piece)
    return "".join(parts)


def _source(text: str, spans: Sequence[Line]) -> str:
    if not text:
        return "<i>The source could not be read again.</i>"
    parts: list[str] = []
    for span in spans:
        piece = html.escape(text[span["start"] : span["end"]])
        if span["kind"] not in ("USED", "NOT_NEEDED"):
            title = html.escape(f"{span['kind'].lower().replace('_', ' ')}: {span['reason']}")
            piece = f'<s class="{span["kind"]}" title="{title}">{piece}</s>'
        parts.append(piece)
    return "".join(parts)


def report(job: Job, totals: Mapping[str, str], path: Path) -> None:
    """Write the report of what a job has put out so far."""
    digests = list(islice(read_lines(job.paths.output), MOST))
    errors = islice(read_lines(job.paths.errors), MOST)
    places = Places()
    for line in digests:
        if not line["coverage"]["text"]:
            places.add(_source_of(line))
    write_report(path, digests, errors, _texts(job, places), totals)


def _texts(job: Job, places: Places) -> dict[Place, str]:
    """The articles at ``places`` as they were submitted: the inputs are read again."""
    texts: dict[Place, str] = {}
    if not len(places):
        return texts
    selector = Selector(lambda place: place not in places)
    inputs = files(job.inputs, job.form, job.own)
    for item in records(inputs, job.mapping, selector, Journey(0)):
        if isinstance(item, Record):
            texts[item.place] = item.article.text or ""
            if len(texts) == len(places):
                break
    return texts


def read_lines(path: Path) -> Iterator[Line]:
    """The records of an output, whatever its form."""
    if path.suffix == ".parquet":
        parquet = needed("pyarrow.parquet", "Parquet files")
        for part in sorted(path.glob("*.parquet")):
            yield from parquet.read_table(part).to_pylist()
        return
    for line in text_lines(path):
        yield json.loads(line)
