"""A job on a local Ray with two actors: parts, errors, and going on after a kill."""

from __future__ import annotations

import io
import json
import os
import socket
import time
from dataclasses import replace

import pyarrow.parquet
import pytest

from real_server import MARIAN, known_phrases
from service.batch import cluster
from service.batch.job import Job, Paths
from service.batch.ledger import Ledger, Line
from service.batch.parts import write_part
from service.batch.progress import Progress, Tally
from service.batch.record import Place
from service.errors import Unavailable
from service.pipeline import Pipeline
from service.rpc.status import Status
from service.schema import Digest, DigestRequest
from service.settings import EngineSettings

pytest.importorskip("ray")


@pytest.mark.slow
def test_two_actors_write_what_is_missing(dump, tmp_path, monkeypatch) -> None:
    import ray.data

    # Both actors are there before the first portion is given out.
    context = ray.data.DataContext.get_current()
    monkeypatch.setattr(context, "wait_for_min_actors_s", 300)
    phrases = list(known_phrases().items())[:12]
    appeal, _ = phrases.pop()
    articles = [{"id": english, "text": f"{english}\n\n{appeal}"} for english, _ in phrases]
    path = dump(*articles[:9], "{broken", *articles[9:], articles[2])
    paths = Paths.of(tmp_path / "out.parquet")
    job = Job(
        (str(path),),
        paths,
        request=DigestRequest(skip_cleaning=True),
        runner="ray",
        resume=True,
        index_boilerplate=True,
    )
    settings = EngineSettings(preset="starter", translator=str(MARIAN))

    # Two records are done already, in a part and in its errors, by a run killed while it wrote.
    ledger = Ledger(job)
    ledger.open()
    ledger.begin(Pipeline(settings).info.models)
    ledger.close("stopped")
    done = Line(Place(str(path), 2), phrases[1][0], Digest(summary_ru="earlier"))
    write_part(paths.output / "part-00-0001-000000.parquet", [json.loads(done.encoded())])
    failed = Line(Place(str(path), 10), "", Status(3, "MALFORMED_RECORD", "earlier"))
    errors = paths.output / "_part-00-0001-000001.errors.jsonl"
    errors.write_bytes(failed.encoded() + failed.encoded()[:20])

    def run(job: Job) -> tuple[cluster.Outcome, str]:
        said, tally = io.StringIO(), Tally()
        workers = cluster.Cluster(actors=2, portion=2)
        return cluster.run_on_ray(job, settings, workers, Progress(tally, said), tally), said.getvalue()  # fmt: skip

    met = tmp_path / "met"
    met.mkdir()

    class Meeting(cluster._Digester):
        """Does its first part when the other one has its own: neither is to do all of them."""

        def __call__(self, batch):
            (met / str(os.getpid())).touch()
            end = time.monotonic() + 120
            while len(list(met.iterdir())) < 2 and time.monotonic() < end:
                time.sleep(0.05)
            return super().__call__(batch)

    starts = []

    def late_once(*given, **how):
        """Ray's own wait for its first process is over before that is up, the first time."""
        starts.append(given)
        with monkeypatch.context() as patch:
            if len(starts) == 1:
                patch.setenv("RAY_gcs_server_port_wait_time_s", "0")
            return init(*given, **how)

    with monkeypatch.context() as patch:
        init = ray.init
        patch.setattr(ray, "init", late_once)
        patch.setattr(cluster, "_Digester", Meeting)
        some, said = run(replace(job, limit=8))
    assert (some.digests, some.tally.done) == (8, 7)
    assert len(starts) == 2
    assert "4 parts by 2 actors" in said
    rest, _ = run(job)
    assert (rest.digests, rest.errors, rest.tally.done) == (12, 1, 4)
    found = [row for part in paths.output.glob("part-*.parquet") for row in pyarrow.parquet.read_table(part).to_pylist()]  # fmt: skip
    assert sorted(row["input"] for row in found) == sorted(f"{path}:{n}" for n in range(1, 14) if n != 10)  # fmt: skip
    expected = dict(phrases) | {phrases[1][0]: "earlier"}
    assert {row["id"]: row["summary_ru"] for row in found} == expected
    (copy,) = (row for row in found if row["duplicate_of"])
    assert (copy["input"], copy["duplicate_of"]["input"]) == (f"{path}:13", f"{path}:3")
    assert sum("REPEATED" in str(row["coverage"]) for row in found) == 11
    (error,) = (json.loads(line) for line in paths.errors.read_text().splitlines())
    assert (error["input"], error["message"]) == (f"{path}:10", "earlier")


@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "ray://localhost:{port}", "head", "a:b"])
def test_an_address_where_no_cluster_is_is_told_at_once(address, dump, tmp_path) -> None:
    job = Job((str(dump({"text": "A story."})),), Paths.of(tmp_path / "out.parquet"), runner="ray")
    settings = EngineSettings(preset="starter", translator=str(MARIAN))
    with socket.create_server(("", 0)) as server:
        port = server.getsockname()[1]  # where nobody listens any more
    workers = cluster.Cluster(address.format(port=port))
    with pytest.raises(Unavailable, match="--ray-address: no cluster answers"):
        cluster.run_on_ray(job, settings, workers, Progress(Tally(), io.StringIO()), Tally())
    assert not job.paths.output.exists(), "so that the right address needs no --resume"
    assert not job.paths.manifest.exists()


def test_a_ray_that_never_starts_is_given_up_with_its_own_words() -> None:
    class Broken:
        starts = stops = 0

        def init(self, *_, **__):
            self.starts += 1
            raise RuntimeError("no room in /dev/shm")

        def shutdown(self):
            self.stops += 1

    ray = Broken()
    with pytest.raises(Unavailable, match="no room in /dev/shm"):
        cluster._begin(ray, "")
    assert (ray.starts, ray.stops) == (cluster.STARTS, cluster.STARTS)
