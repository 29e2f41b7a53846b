"""``svodka batch``: what is typed, to a job, and what the job came to, to people."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from service.cli.asking import bounds_options, take_bounds, take_terms, terms_options
from service.cli.exit_codes import FAILED, INTERRUPTED, OK, PARTIAL
from service.cli.options import settings_options, take
from service.settings import EngineSettings

_FORMATS = ["jsonl", "json", "csv", "tsv", "parquet", "arrow", "warc", "text", "html"]


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="OUT.jsonl",
    help="Where the digests go: .jsonl, .jsonl.gz, .jsonl.zst or .parquet.",
)
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), help="Of all inputs, where names do not tell."
)
@click.option("--resume", is_flag=True, help="Go on with an output that was begun.")
@click.option("--only-errors", is_flag=True, help="Try again what failed, and nothing else.")
@click.option("--ordered", is_flag=True, help="Keep the inputs' order in the output.")
@click.option("--limit", type=click.IntRange(1), help="Read so many records.")
@click.option(
    "--sample",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    help="Read this share of the records, the same ones on every run.",
)
@click.option("--text-field", default="", help="Field of the text; guessed: text, body, content …")
@click.option("--html-field", default="", help="Field of the page; guessed: html.")
@click.option("--headline-field", default="", help="Field of the headline; guessed: title …")
@click.option("--id-field", default="", help="Field of the id; guessed: id, url.")
@click.option("--url-field", default="", help="Field of the address; guessed: url.")
@click.option("--no-repair", is_flag=True, help="Leave wrongly decoded text as it is.")
@bounds_options
@terms_options
@click.option("--translate-body", is_flag=True, help="Translate the stories too.")
@click.option("--skip-cleaning", is_flag=True, help="Read each whole text as the story.")
@click.option("--no-cache", is_flag=True, help="Compute everything anew.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), help="Seconds for an article.")
@settings_options(EngineSettings)
def batch(inputs: tuple[str, ...], **given: Any) -> int:
    """Digest a dump of articles, each exactly once.

    INPUT is a file, a folder, a pattern, a URL or - for standard input: JSON
    Lines, JSON, CSV, Parquet, Arrow, WARC, text or HTML, compressed or not.
    """
    from service.batch.job import Job, Paths
    from service.batch.mapping import Mapping
    from service.schema import DigestRequest

    job = Job(
        inputs=inputs,
        paths=Paths.of(given.pop("output")),
        form=given.pop("form") or "",
        mapping=Mapping(
            **{
                role: given.pop(f"{role}_field")
                for role in ("text", "html", "headline", "id", "url")
            },
            repair=not given.pop("no_repair"),
        ),
        request=DigestRequest(
            summary=take_bounds(given),
            translation=take_terms(given),
            timeout=given.pop("timeout"),
            translate_body=given.pop("translate_body"),
            skip_cleaning=given.pop("skip_cleaning"),
            no_cache=given.pop("no_cache"),
        ),
        resume=given.pop("resume"),
        only_errors=given.pop("only_errors"),
        ordered=given.pop("ordered"),
        limit=given.pop("limit"),
        sample=given.pop("sample"),
    )
    return asyncio.run(_carry_out(job, take(EngineSettings, given)))


async def _carry_out(job: Any, settings: EngineSettings) -> int:
    from service.batch.computing import InProcess
    from service.batch.progress import Progress, Tally, summary
    from service.batch.run import run

    tally = Tally()
    outcome = await run(job, InProcess(settings), Progress(tally), tally)
    more = {"done before": f"{outcome.skipped:,}"} if outcome.skipped else {}
    if outcome.repeated_ids:
        more["repeated ids"] = f"{outcome.repeated_ids:,}"
    for line in summary(tally, **more):
        click.echo(line, err=True)
    if outcome.interrupted:
        click.echo("svodka: interrupted; --resume goes on", err=True)
        return INTERRUPTED
    if not outcome.digests:
        return FAILED
    return PARTIAL if outcome.errors else OK
