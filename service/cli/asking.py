"""Options that say what is asked and whom, and what they make: parts of a request, an access."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.inputs import read_document
from service.schema import GlossaryEntry, SummaryOptions, TranslationOptions

if TYPE_CHECKING:
    from service.client import Access

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


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
        type=_FILE,
        help="File of lines SOURCE<TAB>TARGET: terms and their translations.",
    )(command)
    return click.option(
        "--keep", multiple=True, metavar="TEXT", help="Keep this as it is; may be given again."
    )(command)


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the servers that may be asked, and how they are reached."""
    for option in reversed(
        (
            click.option(
                "--server",
                envvar="SVODKA_SERVER",
                metavar="HOST:PORT,…",
                help="Have a server compute instead, or several with the same models.",
            ),
            click.option("--tls", is_flag=True, help="Speak TLS to the servers."),
            click.option(
                "--tls-ca", type=_FILE, help="Authorities to believe, PEM; the system's without it."
            ),
            click.option(
                "--client-cert", type=_FILE, help="Certificate to show to the servers, PEM."
            ),
            click.option("--client-key", type=_FILE, help="Its private key, PEM."),
            click.option(
                "--token-file", type=_FILE, help="File whose first line is the bearer token."
            ),
        )
    ):
        command = option(command)
    return command


def take_access(given: dict[str, Any]) -> Access:
    """Take how the servers are reached out of a command's values. Raises UsageError."""
    from service.client import Access

    certificate, key = given.pop("client_cert"), given.pop("client_key")
    if (certificate is None) != (key is None):
        raise click.UsageError("--client-cert and --client-key go together; give both")
    return Access(
        tls=given.pop("tls"),
        ca=given.pop("tls_ca"),
        certificate=certificate,
        key=key,
        token=_token(given.pop("token_file")),
    )


def _token(path: Path | None) -> str:
    if path is None:
        return ""
    token = path.read_text("utf-8", errors="replace").partition("\n")[0].strip()
    if not (token and token.isascii() and token.isprintable()):
        raise click.UsageError(f"{path}: wants a token in its first line, in plain letters")
    return token


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
