"""A job over files, run in this process with the echo for models."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from echo_batch import Echo
from service.batch import index
from service.batch.job import Job, Paths
from service.batch.progress import Progress, Tally
from service.batch.run import Outcome, run


@dataclass
class Ran:
    """What a job left behind."""

    outcome: Outcome
    paths: Paths
    said: str
    echo: Echo

    @property
    def lines(self) -> list[dict[str, Any]]:
        return records(self.paths.output)

    @property
    def errors(self) -> list[dict[str, Any]]:
        return records(self.paths.errors)

    @property
    def manifest(self) -> dict[str, Any]:
        return json.loads(self.paths.manifest.read_text("utf-8"))


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def batch(tmp_path: Path) -> Callable[..., Any]:
    """A coroutine that runs a job over its arguments; the rest are the job's fields."""

    async def ran(*inputs: Any, output: str = "out.jsonl", echo: Echo | None = None, **job: Any):
        echo = echo or Echo()
        paths = Paths.of(tmp_path / output)
        said, tally = io.StringIO(), Tally()
        progress = Progress(tally, said)
        outcome = await run(Job(tuple(map(str, inputs)), paths, **job), echo, progress, tally)
        return Ran(outcome, paths, said.getvalue(), echo)

    return ran


class _Inline:
    """The work of worker processes, here: starting those takes seconds."""

    def __init__(self, *_: object) -> None:
        return

    async def run(self, task: Callable[..., Any], *arguments: Any) -> Any:
        await asyncio.sleep(0)
        return task(*arguments)

    async def close(self) -> None:
        return


@pytest.fixture
def inline_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "Workers", _Inline)


@pytest.fixture
def dump(tmp_path: Path) -> Callable[..., Path]:
    """Write records as JSON Lines; strings are written as they are."""

    def written(*values: Any, name: str = "dump.jsonl") -> Path:
        path = tmp_path / name
        lines = (value if isinstance(value, str) else json.dumps(value) for value in values)
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return path

    return written
