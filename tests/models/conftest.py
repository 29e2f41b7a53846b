"""Every architecture once, made when a test first asks for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import models
from models import making
from models.selection import ModelRef, named, refer
from models.sources import default_cache
from zoo.snapshots import SNAPSHOTS, build


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Tiny matrices: more threads only get into each other's way."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Callable[[str], Path]:
    """Return the folder of a model of the zoo, by its name there."""
    root = tmp_path_factory.mktemp("models")
    return lambda name: build(name, root)


@pytest.fixture(scope="session")
def ref(folder) -> Callable[[str], ModelRef]:
    """Return a reference to a model of the zoo, in float64, where rounding decides nothing."""

    def make(name: str) -> ModelRef:
        row = named(SNAPSHOTS[name].role, str(folder(name)))
        return replace(refer(row, folder(name).parent), compute_type="float64")

    return make


@pytest.fixture(scope="module")
def conversions() -> Iterator[list[str]]:
    """Convert for CTranslate2 in this process, without one of its own, which takes seconds.

    The list tells what was converted.
    """
    made: list[str] = []

    def run(command, doing, needs):
        from models import converter

        made.append(doing)
        converter.main(command[1:], alone=False)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "_run", run)
        yield made


def pytest_terminal_summary(terminalreporter) -> None:
    """Print the parity matrix: how many of the texts got the reference's answer."""
    cells = {}
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for key, value in getattr(report, "user_properties", ()):
            if key == "parity":
                name, engine, mode, same, total = value
                cells[name, f"{engine}: {mode}"] = f"{same}/{total}"
    if not cells:
        return
    columns = list(dict.fromkeys(column for _, column in cells))
    terminalreporter.section("parity with the references")
    terminalreporter.write_line(" " * 16 + "".join(f"{column:>30}" for column in columns))
    for name in dict.fromkeys(name for name, _ in cells):
        row = "".join(f"{cells.get((name, column), '-'):>30}" for column in columns)
        terminalreporter.write_line(f"{name:<16}{row}")


@pytest.fixture(scope="session")
def starter() -> models.Selection:
    """The starter, real; its merged weights stay in the cache from one run to the next."""
    return models.select("starter", cache=Path(os.environ.get("SVODKA_CACHE") or default_cache()))
