"""A setting is a flag, a variable and a TOML key, in this order of precedence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from service.cli.options import settings_options, take
from service.settings import EngineSettings, ServerSettings


@click.command()
@settings_options(EngineSettings, ServerSettings)
def command(**values: Any) -> None:
    settings = take(EngineSettings, values)
    click.echo(f"{settings.batch_tokens} {settings.preset} {settings.cache!r}")
    click.echo(take(ServerSettings, values).grace)
    assert not values


def run(*arguments: str, **variables: str) -> str:
    result = CliRunner().invoke(command, arguments, env={"SVODKA_CACHE": None, **variables})
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "svodka.toml"
    path.write_text('batch_tokens = 1\ngrace = 2.5\npreset = "fast"\n')
    return path


def test_defaults_are_the_dataclass_own() -> None:
    defaults = EngineSettings()
    assert run() == f"{defaults.batch_tokens} None None\n{ServerSettings().grace}\n"


def test_flag_over_variable_over_file_over_default(config: Path) -> None:
    assert run("--config", str(config)).startswith("1 fast None\n2.5")
    assert run("--config", str(config), SVODKA_BATCH_TOKENS="2").startswith("2 fast")
    both = run("--batch-tokens", "3", "--config", str(config), SVODKA_BATCH_TOKENS="2")
    assert both.startswith("3 fast")
    assert run(SVODKA_CONFIG=str(config)).startswith("1 fast")


def test_a_path_arrives_as_a_path() -> None:
    assert "PosixPath('/var/x')" in run("--cache", "/var/x")


def test_every_setting_has_help_and_a_variable() -> None:
    for parameter in command.params:
        assert isinstance(parameter, click.Option)
        assert parameter.help
        assert parameter.envvar == f"SVODKA_{str(parameter.name).upper()}"


@pytest.mark.parametrize(
    ("content", "says"),
    [("bach_tokens = 1", "unknown setting bach_tokens"), ("= 1", "is not TOML")],
)
def test_a_wrong_file_is_told(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(content)
    result = CliRunner().invoke(command, ["--config", str(path)])
    assert result.exit_code == 2
    assert says in result.output


@pytest.mark.parametrize("flag", ["--batch-tokens=many", "--grace=soon"])
def test_a_wrong_value_is_told(flag: str) -> None:
    result = CliRunner().invoke(command, [flag])
    assert result.exit_code == 2
    assert flag.partition("=")[0] in result.output
