"""A job on a local Ray with two actors: parts, errors, and going on after a kill."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow.parquet
import pytest

from real_server import MARIAN, known_phrases
from service.batch import cluster
from service.batch.job import Job, Paths
from service.batch.progress import Progress, Tally
from service.schema import DigestRequest
from service.settings import EngineSettings

pytest.importorskip("ray")


@pytest.mark.slow
def test_two_actors_write_parts_and_only_those_that_are_missing(dump, tmp_path) -> None:
    phrases = list(known_phrases().items())[:10]
    path = dump(*({"id": english, "text": english} for english, _ in phrases), "{broken")
    paths = Paths.of(tmp_path / "out.parquet")
    job = Job(
        (str(path),), paths, request=DigestRequest(skip_cleaning=True), runner="ray", resume=True
    )
    settings = EngineSettings(preset="starter", translator=str(MARIAN))

    def run():
        tally = Tally()
        return cluster.run_on_ray(
            job,
            settings,
            cluster.Cluster(actors=2, portion=4),
            Progress(tally, io.StringIO()),
            tally,
        )

    outcome = run()
    assert (outcome.digests, outcome.errors) == (10, 1)
    parts = sorted(paths.output.glob("part-*.parquet"))
    assert len(parts) == 3
    assert rows(parts) == dict(phrases)
    (error,) = (json.loads(line) for line in paths.errors.read_text().splitlines())
    assert error["input"] == f"{path}:11"
    parts[1].unlink()  # as if killed before it was there
    kept = parts[0].stat().st_mtime_ns
    again = run()
    assert again.tally.done == 4
    assert (again.digests, again.errors) == (10, 1)
    assert rows(sorted(paths.output.glob("part-*.parquet"))) == dict(phrases)
    assert parts[0].stat().st_mtime_ns == kept


def rows(parts: list[Path]) -> dict[str, str]:
    tables = [pyarrow.parquet.read_table(part).to_pylist() for part in parts]
    return {row["id"]: row["summary_ru"] for table in tables for row in table}
