"""``svodka batch``: what is typed, to a job, and what the job came to, to people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.asking import bounds_options, take_bounds, take_terms, terms_options
from service.cli.exit_codes import FAILED, INTERRUPTED, OK, PARTIAL
from service.cli.options import settings_options, take
from service.errors import InvalidRequest
from service.settings import EngineSettings

if TYPE_CHECKING:
    from service.batch.computing import Computing
    from service.batch.job import Job

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
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
@click.option(
    "--index-boilerplate",
    is_flag=True,
    help="Count paragraphs in a first pass, and leave out what stands in many articles of a host.",
)
@click.option("--limit", type=click.IntRange(1), help="Read so many records.")
@click.option(
    "--sample",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    help="Read this share of the records, the same ones on every run.",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="REPORT.html",
    help="Write a page for people, too: digests beside their sources.",
)
@click.option(
    "--server",
    "servers",
    envvar="SVODKA_SERVER",
    metavar="HOST:PORT,…",
    help="Have servers compute instead; all with the same models.",
)
@click.option("--tls", is_flag=True, help="Speak TLS to the servers.")
@click.option("--tls-ca", type=_FILE, help="Authorities to believe, PEM; the system's without it.")
@click.option("--client-cert", type=_FILE, help="Certificate to show to the servers, PEM.")
@click.option("--client-key", type=_FILE, help="Its private key, PEM.")
@click.option("--token-file", type=_FILE, help="File whose first line is the bearer token.")
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

    try:
        paths = Paths.of(given.pop("output"))
    except InvalidRequest as error:
        raise click.UsageError(str(error)) from error
    page: Path | None = given.pop("report")
    if (page or given["index_boilerplate"]) and "-" in inputs:
        raise click.UsageError(
            "--report and --index-boilerplate read the inputs twice; save standard input to a file"
        )
    job = Job(
        inputs=inputs,
        paths=paths,
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
        index_boilerplate=given.pop("index_boilerplate"),
        limit=given.pop("limit"),
        sample=given.pop("sample"),
    )
    try:
        return asyncio.run(_carry_out(job, take(EngineSettings, given), _servers(given), page))
    except InvalidRequest as error:  # of an option: records' own faults are in the errors file
        raise click.UsageError(str(error)) from error


def _servers(given: dict[str, Any]) -> Callable[[], Computing] | None:
    """Who is asked instead of the models here, if anybody is."""
    from service.batch.servers import Servers
    from service.client import Access

    token: Path | None = given.pop("token_file")
    access = Access(
        tls=given.pop("tls"),
        ca=given.pop("tls_ca"),
        certificate=given.pop("client_cert"),
        key=given.pop("client_key"),
        token=token.read_text("utf-8").partition("\n")[0].strip() if token else "",
    )
    named = given.pop("servers") or ""
    addresses = [address for part in named.split(",") if (address := part.strip())]
    return (lambda: Servers(addresses, access)) if addresses else None


async def _carry_out(
    job: Job,
    settings: EngineSettings,
    servers: Callable[[], Computing] | None,
    page: Path | None,
) -> int:
    from service.batch.computing import InProcess
    from service.batch.progress import Progress, Tally, summary
    from service.batch.report import report
    from service.batch.run import run

    tally = Tally()
    computing = servers() if servers else InProcess(settings)
    outcome = await run(job, computing, Progress(tally), tally)
    more = {"done before": f"{outcome.skipped:,}"} if outcome.skipped else {}
    if outcome.repeated_ids:
        more["repeated ids"] = f"{outcome.repeated_ids:,}"
    if page:
        shown = {"articles": f"{outcome.digests:,}", "failed": f"{outcome.errors:,}"}
        shown |= {model.role: model.name for model in computing.models}
        await asyncio.to_thread(report, job, shown, page)
    for line in summary(tally, **more):
        click.echo(line, err=True)
    if outcome.interrupted:
        click.echo("svodka: interrupted; --resume goes on", err=True)
        return INTERRUPTED
    if not outcome.digests:
        return FAILED
    return PARTIAL if outcome.errors else OK
