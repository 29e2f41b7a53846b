"""Settings as command line options: one field, one flag, one variable, one TOML key."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import click

from service.settings import EngineSettings, ServerSettings

F = TypeVar("F", bound=Callable[..., Any])
S = TypeVar("S", EngineSettings, ServerSettings)


def settings_options(*classes: type[Any]) -> Callable[[F], F]:
    """Give a command an option for each field of ``classes``, and ``--config``."""

    def decorate(command: F) -> F:
        for settings in reversed(classes):
            hints = get_type_hints(settings, include_extras=True)
            for field in reversed(fields(settings)):
                kind, help_text = get_args(hints[field.name])
                command = _option(field.name, kind, field.default, help_text)(command)
        return _config_option(command)

    return decorate


def _option(name: str, kind: Any, default: Any, help_text: str) -> Callable[[F], F]:
    plain = next((t for t in get_args(kind) if t is not type(None)), kind)
    return click.option(
        f"--{name.replace('_', '-')}",
        name,
        envvar=f"SVODKA_{name.upper()}",
        type=click.Path(path_type=Path) if plain is Path else None if plain is bool else plain,
        is_flag=plain is bool,
        default=default,
        show_default=default not in (None, False),
        help=help_text,
    )


def _config_option(command: F) -> F:
    return click.option(
        "--config",
        envvar="SVODKA_CONFIG",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        is_eager=True,
        expose_value=False,
        callback=_read_config,
        help="TOML file of settings; flags and SVODKA_* variables win over it.",
    )(command)


def _read_config(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    if path is None:
        return
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path} is not TOML: {error}") from error
    known = {field.name for s in (EngineSettings, ServerSettings) for field in fields(s)}
    if unknown := sorted(set(table) - known):
        raise click.UsageError(
            f"{path}: unknown setting {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        )
    context.default_map = {**(context.default_map or {}), **table}


def take(settings: type[S], values: dict[str, Any]) -> S:
    """Take the fields of ``settings`` out of a command's values."""
    return settings(**{field.name: values.pop(field.name) for field in fields(settings)})
