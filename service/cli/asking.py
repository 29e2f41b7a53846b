"""Options that say what is asked of every article, and the parts of a request they make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from service.cli.inputs import read_document
from service.schema import GlossaryEntry, SummaryOptions, TranslationOptions


def bounds_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the bounds of the summary."""
    command = click.option("--max-words", type=int, default=0, help="Most words in the summary.")(
        command
    )
    return click.option(
        "--max-sentences", type=int, default=0, help="Most sentences in the summary; default 3."
    )(command)


def terms_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the terms of the translation."""
    command = click.option(
        "--typography",
        is_flag=True,
        help="Set the Russian by the customs of its typography: « », —, no-break spaces.",
    )(command)
    command = click.option(
        "--glossary",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="File of lines SOURCE<TAB>TARGET: terms and their translations.",
    )(command)
    return click.option(
        "--keep", multiple=True, metavar="TEXT", help="Keep this as it is; may be given again."
    )(command)


def take_bounds(given: dict[str, Any]) -> SummaryOptions:
    """Take the bounds of the summary out of a command's values."""
    return SummaryOptions(given.pop("max_sentences"), given.pop("max_words"))


def take_terms(given: dict[str, Any]) -> TranslationOptions:
    """Take the terms of the translation out of a command's values."""
    return TranslationOptions(
        tuple(_glossary(given.pop("glossary"))),
        tuple(given.pop("keep")),
        given.pop("typography"),
    )


def _glossary(path: Path | None) -> Iterator[GlossaryEntry]:
    if path is None:
        return
    for number, line in enumerate((read_document(str(path), "text").text or "").splitlines(), 1):
        if not line.strip():
            continue
        source, tab, target = line.partition("\t")
        if not tab or not source.strip() or not target.strip():
            raise click.UsageError(f"{path}, line {number}: wants SOURCE<TAB>TARGET")
        yield GlossaryEntry(source.strip(), target.strip())
