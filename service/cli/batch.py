"""``svodka batch``: what is typed, to a job, and what the job came to, to people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.asking import (
    bounds_options,
    server_options,
    take_access,
    take_bounds,
    take_terms,
    terms_options,
)
from service.cli.exit_codes import FAILED, INTERRUPTED, OK, PARTIAL
from service.cli.options import settings_options, take
from service.errors import InvalidRequest
from service.settings import EngineSettings

if TYPE_CHECKING:
    from service.batch.computing import Computing
    from service.batch.job import Job
    from service.batch.run import Outcome

# Nobody here is in a hurry, though a batch is not interrupted; and there is always more to compute.
DEFAULTS = {"batch_seconds": 30.0, "lanes": 0}
_FORMATS = ["jsonl", "json", "csv", "tsv", "parquet", "arrow", "warc", "text", "html"]


class _Command(click.Command):
    """``--engine ray`` is another word for ``--runner ray``; other engines are the models'."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the one word for the other."""
        joined = "\0".join(args)
        for word in ("--engine\0ray", "--engine=ray"):
            joined = joined.replace(word, "--runner\0ray")
        return super().parse_args(ctx, joined.split("\0") if args else [])


@click.command(cls=_Command, context_settings={"default_map": DEFAULTS})
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="OUT.jsonl",
    help="Where the digests go: .jsonl, .jsonl.gz, .jsonl.zst or .parquet. --dry-run needs none.",
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
    help="Read all of it once before: leave out paragraphs that stand in many articles of a host, "
    "and note near-identical articles.",
)
@click.option(
    "--compute-once",
    is_flag=True,
    help="Give near-identical articles the answer of the first; implies --index-boilerplate.",
)
@click.option("--dry-run", is_flag=True, help="Count and estimate; write nothing.")
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
    "--runner",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Who carries the job out: this machine, or a Ray cluster.",
)
@click.option("--ray-address", default="", help="Of the cluster; without it Ray is started here.")
@click.option("--ray-actors", type=click.IntRange(1), help="Actors that hold the models.")
@server_options
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
    try:
        dry = given.pop("dry_run")
        if not (given["output"] or dry):
            raise click.UsageError("Missing option '-o' / '--output'.")
        job = _job(inputs, given)
        servers = _servers(given)
        address, actors = given.pop("ray_address"), given.pop("ray_actors") or 0
        settings = take(EngineSettings, given)
        _check(job, servers=servers is not None)
        for line in _guesses(job):
            click.echo(f"svodka: {line}", err=True)
        if dry:
            return asyncio.run(_rehearse(job, _computing(settings, servers)))
        if job.runner == "ray":
            return _on_ray(job, settings, address, actors)
        return asyncio.run(_carry_out(job, _computing(settings, servers)))
    except InvalidRequest as error:  # of an option: records' own faults are in the errors file
        raise click.UsageError(str(error)) from error


def _job(inputs: tuple[str, ...], given: dict[str, Any]) -> Job:
    from service.batch.job import NOWHERE, Job, Paths
    from service.batch.mapping import GUESSES, Mapping
    from service.schema import DigestRequest

    output = given.pop("output")
    fields = {role: given.pop(f"{role}_field") for role in GUESSES}
    return Job(
        inputs=inputs,
        paths=Paths.of(output) if output else NOWHERE,
        form=given.pop("form") or "",
        mapping=Mapping(**fields, repair=not given.pop("no_repair")),
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
        index_boilerplate=given.pop("index_boilerplate") or given["compute_once"],
        compute_once=given.pop("compute_once"),
        runner=given.pop("runner"),
        limit=given.pop("limit"),
        sample=given.pop("sample"),
        report=given.pop("report"),
    )


def _check(job: Job, *, servers: bool) -> None:
    """Raise UsageError for options that do not go together."""
    from service.batch.job import NOWHERE

    if (job.report or job.index_boilerplate) and "-" in job.inputs:
        raise click.UsageError(
            "--report and --index-boilerplate read the inputs twice; save standard input to a file"
        )
    if job.runner != "ray":
        return
    if job.paths.output.suffix != ".parquet" and job.paths is not NOWHERE:
        raise click.UsageError("--runner ray writes .parquet; name such an --output")
    clashing = {
        "--ordered": job.ordered,
        "--only-errors": job.only_errors,
        "--compute-once": job.compute_once,
        "--server": servers,
        "standard input": "-" in job.inputs,
    }
    if found := [name for name, is_set in clashing.items() if is_set]:
        raise click.UsageError(f"--runner ray does not go with {', '.join(found)}")


def _guesses(job: Job) -> Iterator[str]:
    from service.batch.rehearsal import guesses

    return guesses(job)


def _computing(
    settings: EngineSettings, servers: Callable[[], Computing] | None
) -> Callable[[], Computing]:
    """Who computes: opened within the event loop."""
    from service.batch import computing

    return servers or (lambda: computing.InProcess(settings))


def _servers(given: dict[str, Any]) -> Callable[[], Computing] | None:
    """Who is asked instead of the models here, if anybody is."""
    from service.batch.servers import Servers

    access = take_access(given)
    named = given.pop("server") or ""
    addresses = [address for part in named.split(",") if (address := part.strip())]
    return (lambda: Servers(addresses, access)) if addresses else None


async def _rehearse(job: Job, opened: Callable[[], Computing]) -> int:
    from service.batch.rehearsal import estimated, rehearsed

    rehearsal = await asyncio.to_thread(rehearsed, job)
    for line in rehearsal.lines():
        click.echo(line, err=True)
    if not rehearsal.articles:
        return FAILED
    click.echo(await estimated(job, rehearsal, opened()), err=True)
    return OK


async def _carry_out(job: Job, opened: Callable[[], Computing]) -> int:
    from service.batch.progress import Progress, Tally
    from service.batch.run import run

    tally = Tally()
    computing = opened()
    outcome = await run(job, computing, Progress(tally), tally)
    return await asyncio.to_thread(_conclude, job, outcome)


def _on_ray(job: Job, settings: EngineSettings, address: str, actors: int) -> int:
    from service.batch.cluster import Cluster, run_on_ray
    from service.batch.progress import Progress, Tally

    tally = Tally()
    outcome = run_on_ray(job, settings, Cluster(address, actors), Progress(tally), tally)
    return _conclude(job, outcome)


def _conclude(job: Job, outcome: Outcome) -> int:
    """Write the report, print the closing table, and return the exit code."""
    from service.batch.manifest import Manifest
    from service.batch.progress import summary
    from service.batch.report import report

    more = {"done before": f"{outcome.skipped:,}"} if outcome.skipped else {}
    if outcome.repeated_ids:
        more["repeated ids"] = f"{outcome.repeated_ids:,}"
    if job.index_boilerplate:
        more["copies"] = f"{outcome.tally.copies:,}"
    if job.compute_once:
        more["of which reused"] = f"{outcome.tally.reused:,}"
    if job.report:
        shown = {"articles": f"{outcome.digests:,}", "failed": f"{outcome.errors:,}"}
        manifest = Manifest.load(job.paths.manifest)
        shown |= {model["role"]: model["name"] for model in (manifest.models if manifest else ())}
        report(job, shown, job.report)
    for line in summary(outcome.tally, **more):
        click.echo(line, err=True)
    if outcome.interrupted:
        click.echo("svodka: interrupted; --resume goes on", err=True)
        return INTERRUPTED
    if not outcome.digests:
        return FAILED
    return PARTIAL if outcome.errors else OK
