"""The commands.

Results go to standard output, everything else to standard error. Exit codes:
0 all good, 1 a failure, 2 wrong usage, 3 finished but some inputs failed,
130 interrupted.

What computes is imported inside the commands, so that ``--help`` is quick.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import click

from service.cli.asking import (
    bounds_options,
    server_options,
    take_access,
    take_bounds,
    take_terms,
    terms_options,
)
from service.cli.batch import batch
from service.cli.exit_codes import FAILED, INTERRUPTED, OK, PARTIAL, USAGE
from service.cli.inputs import Document, read_document
from service.cli.inventory import models
from service.cli.options import settings_options, take
from service.cli.printing import (
    coverage_line,
    digest_lines,
    finding_lines,
    summary_lines,
    translation_lines,
)
from service.errors import InvalidRequest, SvodkaError
from service.schema import (
    Article,
    DigestRequest,
    Range,
    SummarizeRequest,
    TranslateRequest,
)
from service.settings import EngineSettings, ServerSettings


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        return int(app.main(list(arguments), prog_name="svodka", standalone_mode=False) or OK)
    except click.ClickException as error:
        error.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt, asyncio.CancelledError):
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output left
        sys.stderr.close()
        return FAILED
    except SvodkaError as error:
        _say(str(error))
        return FAILED


def _say(line: str) -> None:
    click.echo(f"svodka: {line}", err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="svodka")
def app() -> None:
    """English articles in; faithful English summaries and their Russian translation out."""


def _inputs(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.argument("files", nargs=-1, metavar="[FILE|-]...")(command)
    command = click.option(
        "--format",
        "form",
        type=click.Choice(["auto", "text", "html"]),
        default="auto",
        show_default=True,
        help="How to read the input; auto goes by extension and first tag.",
    )(command)
    return click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")(command)


def _compute(command: Callable[..., Any]) -> Callable[..., Any]:
    command = settings_options(EngineSettings)(command)
    command = click.option("--no-cache", is_flag=True, help="Compute everything anew.")(command)
    command = click.option(
        "--timeout", type=click.FloatRange(0, min_open=True), help="Seconds for each answer."
    )(command)
    return server_options(command)


def _reading(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option(
        "--exclude",
        multiple=True,
        metavar="START:END",
        help="Leave out these code points of the text; may be given again.",
    )(command)
    command = click.option(
        "--skip-cleaning", is_flag=True, help="Read the whole text as the story."
    )(command)
    command = click.option("--url", default="", help="Where the article was published.")(command)
    return click.option("--headline", default="", help="The headline, if not in the text.")(command)


@app.command()
@_inputs
@_reading
@bounds_options
@terms_options
@click.option("--translate-body", is_flag=True, help="Translate the story too.")
@_compute
def digest(files: tuple[str, ...], translate_body: bool, **given: Any) -> int:
    """Summarize articles in English and translate the summaries into Russian."""
    request = DigestRequest(
        article=_article(given),
        summary=take_bounds(given),
        translation=take_terms(given),
        timeout=given.pop("timeout"),
        translate_body=translate_body,
        skip_cleaning=given.pop("skip_cleaning"),
        excluded=_ranges(given.pop("exclude")),
        no_cache=given.pop("no_cache"),
    )

    def about(document: Document) -> DigestRequest:
        return replace(request, article=document.described(request.article))

    return _answer("digest", files, given, about, digest_lines)


@app.command()
@_inputs
@_reading
@bounds_options
@_compute
def summarize(files: tuple[str, ...], **given: Any) -> int:
    """Summarize articles in English."""
    request = SummarizeRequest(
        article=_article(given),
        summary=take_bounds(given),
        timeout=given.pop("timeout"),
        skip_cleaning=given.pop("skip_cleaning"),
        excluded=_ranges(given.pop("exclude")),
        no_cache=given.pop("no_cache"),
    )

    def about(document: Document) -> SummarizeRequest:
        return replace(request, article=document.described(request.article))

    return _answer("summarize", files, given, about, summary_lines)


@app.command()
@_inputs
@terms_options
@_compute
def translate(files: tuple[str, ...], **given: Any) -> int:
    """Translate English text or HTML into Russian, its paragraphs kept."""
    request = TranslateRequest(
        translation=take_terms(given),
        timeout=given.pop("timeout"),
        no_cache=given.pop("no_cache"),
    )

    def about(document: Document) -> TranslateRequest:
        return replace(request, text=document.text, html=document.html)

    return _answer("translate", files, given, about, translation_lines)


@app.command()
@_inputs
@_reading
def clean(files: tuple[str, ...], as_json: bool, form: str, **given: Any) -> int:
    """Show the story of articles, and with --json what was left out and why. Needs no models."""
    from service.cleaning import clean_article
    from service.wire import to_json

    article = _article(given)
    excluded = _ranges(given["exclude"])

    def answer(document: Document) -> None:
        cleaned = clean_article(
            document.described(article), skip_cleaning=given["skip_cleaning"], excluded=excluded
        )
        if not as_json:
            click.echo(cleaned.text)
            return
        record: dict[str, Any] = {
            "input": document.name,
            "text": cleaned.text,
            "spans": [to_json(span) for span in cleaned.spans()],
        }
        if document.html is not None:
            record["flat"] = cleaned.flat
        click.echo(json.dumps(record, ensure_ascii=False))

    failures = 0
    for name in files or ("-",):
        try:
            answer(read_document(name, form))
        except SvodkaError as error:
            _say(str(error))
            failures += 1
    return _exit_code(failures, len(files or ("-",)))


app.add_command(batch)
app.add_command(models)


@app.command()
@settings_options(EngineSettings, ServerSettings)
def serve(**values: Any) -> int:
    """Serve the models over gRPC until SIGTERM or Ctrl-C."""
    from service.cli.serving import serve_forever

    server = take(ServerSettings, values)
    return serve_forever(take(EngineSettings, values), server)


def _article(given: dict[str, Any]) -> Article:
    return Article(headline=given.pop("headline"), url=given.pop("url"))


def _ranges(values: Iterable[str]) -> tuple[Range, ...]:
    ranges = []
    for value in values:
        start, colon, end = value.partition(":")
        if not (colon and start.isdecimal() and end.isdecimal()):
            raise click.UsageError(f"--exclude wants START:END, got {value!r}")
        ranges.append(Range(int(start), int(end)))
    return tuple(ranges)


def _answer(
    rpc: str,
    files: tuple[str, ...],
    given: dict[str, Any],
    request: Callable[[Document], Any],
    lines: Callable[[Any], Iterator[str]],
) -> int:
    """Ask for an answer to each file, print them in order, and count the failures."""
    from service.cli.backend import answers
    from service.wire import to_json

    as_json, form, server = given.pop("as_json"), given.pop("form"), given.pop("server")
    access = take_access(given)
    settings = take(EngineSettings, given)
    names = files or ("-",)

    def requests() -> Iterator[tuple[str, Any]]:
        for name in names:
            try:
                yield name, request(read_document(name, form))
            except InvalidRequest as error:
                yield name, error

    def show(name: str, answer: Any) -> None:
        if as_json:
            click.echo(json.dumps({"input": name, **to_json(answer)}, ensure_ascii=False))
            return
        if len(names) > 1:
            click.echo(f"== {name}")
        if coverage := getattr(answer, "coverage", None):
            _say(coverage_line(coverage))
        for line in lines(answer):
            click.echo(line)
        if len(names) > 1:
            click.echo("")
        for line in finding_lines(answer.findings):
            click.echo(line, err=True)

    async def work() -> int:
        failures = 0
        async for name, answer in answers(rpc, requests(), server, access, settings):
            if isinstance(answer, SvodkaError):
                _say(_blame(name, answer))
                failures += 1
            else:
                show(name, answer)
        return _exit_code(failures, len(names))

    return asyncio.run(work())


def _blame(name: str, error: SvodkaError) -> str:
    """One line that names the input once."""
    text = str(error)
    return text if text.startswith(name) else f"{name}: {text}"


def _exit_code(failures: int, total: int) -> int:
    if not failures:
        return OK
    return PARTIAL if failures < total else FAILED
