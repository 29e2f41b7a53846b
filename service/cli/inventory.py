"""``svodka models``: what there is, how to get it, whether it is sound."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from service.errors import ModelUnavailable

T = TypeVar("T")

_cache = click.option(
    "--cache",
    envvar="SVODKA_CACHE",
    type=click.Path(path_type=Path),
    help="Folder for built and fetched models.",
)
_as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group()
def models() -> None:
    """List, fetch and verify models."""


@models.command("list")
@_as_json
@_cache
def list_models(as_json: bool, cache: Path | None) -> None:
    """Show the presets: their models, licences, and where they are on this disk."""
    from models.inventory import describe

    rows = [asdict(row) for row in describe(cache)]
    if as_json:
        _print_json(rows)
        return
    for row in rows:
        click.echo(f"{row['preset']} {row['role']}: {row['name']}")
        for key, value in _told_of(row):
            click.echo(f"    {key:<12}{value}")


def _told_of(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a user chooses by, a line each."""
    memory = row["memory"] or {}
    weights = ", ".join(f"{_gigabytes(size)} {kind}" for kind, size in memory.items())
    yield "parameters", f"{row['parameters'] / 1e6:,.0f} M" if row["parameters"] else "unknown"
    yield "memory", f"{weights}, and room to work in" if weights else "unknown"
    yield "on disk" if row["path"] else "download", _gigabytes(row["size"])
    yield "licence", (row["licence"] or "unknown") + ("; gated" if row["gated"] else "")
    yield "languages", row["languages"] or "unknown"
    yield "scores", row["scores"] or "unknown"
    yield "speed", row["speed"] or f"not measured; here: svodka models verify {row['preset']}"
    yield "source", " at ".join(filter(None, (row["source"], row["revision"])))
    yield "folder", row["path"] or f"none; run: svodka models fetch {row['preset']}"


def _gigabytes(size: int | None) -> str:
    if size is None:
        return "unknown"
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"


@models.command()
@click.argument("model", metavar="PRESET|ID[@REVISION]")
@click.option(
    "--from",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Copy it from here instead: folders that a fetch brought elsewhere.",
)
@click.option(
    "--accept-license", is_flag=True, help="Fetch also what may not be used commercially."
)
@_cache
def fetch(model: str, folder: Path | None, accept_license: bool, cache: Path | None) -> None:
    """Download a preset or a hub's model; the only command that uses the network."""
    from models.inventory import fetch as bring

    def announce(line: str) -> None:
        click.echo(f"svodka: {line}", err=True)

    _told(
        bring,
        model,
        folder=folder,
        cache=cache,
        accept_license=accept_license,
        announce=announce,
    )


@models.command()
@click.argument("model", metavar="PRESET|ID|FOLDER")
@_as_json
@_cache
def verify(model: str, as_json: bool, cache: Path | None) -> None:
    """Check a model's files, load it, try it, and report."""
    from models.verification import verify as check

    reports = [asdict(report) for report in _told(check, model, cache=cache)]
    if as_json:
        _print_json(reports)
        return
    for report in reports:
        warnings = report.pop("warnings")
        for key, value in report.items():
            shown = f"{value:,.1f}" if isinstance(value, float) else str(value)
            click.echo(f"{key.replace('_', ' '):<20} " + shown.replace("\n", "\\n"))
        for warning in warnings:
            click.echo(f"{'warning':<20} {warning}")
        click.echo("")


def _told(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Call into ``models`` and tell its errors as ours."""
    from models import ModelError

    try:
        return function(*args, **kwargs)
    except ModelError as error:
        raise ModelUnavailable(str(error)) from error


def _print_json(rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        click.echo(json.dumps(row, ensure_ascii=False))
