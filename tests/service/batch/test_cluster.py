"""A job on a local Ray with two actors: parts, errors, and going on after a kill."""

from __future__ import annotations

import io
import json
from hashlib import blake2b
from pathlib import Path

import pyarrow.parquet
import pytest

from real_server import MARIAN, known_phrases
from service.batch import cluster
from service.batch.job import Job, Paths
from service.batch.ledger import Ledger, Line
from service.batch.parts import write_part
from service.batch.progress import Progress, Tally
from service.batch.record import Place
from service.pipeline import Pipeline
from service.schema import Digest, DigestRequest
from service.settings import EngineSettings

pytest.importorskip("ray")


@pytest.mark.slow
def test_two_actors_write_the_parts_that_are_missing(dump, tmp_path) -> None:
    phrases = list(known_phrases().items())[:10]
    path = dump(*({"id": english, "text": english} for english, _ in phrases), "{broken")
    paths = Paths.of(tmp_path / "out.parquet")
    job = Job(
        (str(path),), paths, request=DigestRequest(skip_cleaning=True), runner="ray", resume=True
    )
    settings = EngineSettings(preset="starter", translator=str(MARIAN))

    # The second portion's part is there already, as if a run had been killed behind it.
    name = blake2b(str(path).encode(), digest_size=8).hexdigest()
    ledger = Ledger(job)
    ledger.open()
    ledger.begin(Pipeline(settings).info.models)
    ledger.close("stopped")
    earlier = [
        json.loads(Line(Place(str(path), n + 1), english, Digest(summary_ru="earlier")).encoded())
        for n, (english, _) in enumerate(phrases[4:8], 4)
    ]
    write_part(paths.output / f"part-{name}-000001.parquet", earlier)
    tally = Tally()
    outcome = cluster.run_on_ray(
        job, settings, cluster.Cluster(actors=2, portion=4), Progress(tally, io.StringIO()), tally
    )
    assert tally.done == 6
    assert (outcome.digests, outcome.errors) == (10, 1)
    parts = sorted(paths.output.glob("part-*.parquet"))
    assert len(parts) == 3
    assert rows(parts) == dict(phrases) | dict.fromkeys((e for e, _ in phrases[4:8]), "earlier")
    (error,) = (json.loads(line) for line in paths.errors.read_text().splitlines())
    assert error["input"] == f"{path}:11"


def rows(parts: list[Path]) -> dict[str, str]:
    tables = [pyarrow.parquet.read_table(part).to_pylist() for part in parts]
    return {row["id"]: row["summary_ru"] for table in tables for row in table}
