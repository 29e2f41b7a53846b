"""A job as a whole: every record ends once, whatever happened before."""

from __future__ import annotations

import json
import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from echo_batch import Echo
from service.batch.job import Job, Paths
from service.batch.ledger import Ledger, Line, OutputFailed
from service.batch.manifest import Changed
from service.batch.record import Place
from service.errors import InvalidRequest, Unavailable
from service.schema import Digest


def articles(count):
    return [
        {"id": f"a{n}", "title": f"Title {n}", "text": f"Story number {n}."} for n in range(count)
    ]


async def test_every_record_ends_in_one_of_two_files(batch, dump) -> None:
    path = dump(*articles(3), "{broken", {"title": "no text"}, "", {"text": "please fail"})
    ran = await batch(path)
    assert [line["input"] for line in ran.lines] == [f"{path}:{n}" for n in (1, 2, 3)]
    assert [line["summary_ru"] for line in ran.lines] == [f"STORY NUMBER {n}." for n in range(3)]
    assert {(e["input"], e["code"], e["reason"]) for e in ran.errors} == {
        (f"{path}:4", "INVALID_ARGUMENT", "MALFORMED_RECORD"),
        (f"{path}:5", "INVALID_ARGUMENT", "MALFORMED_RECORD"),
        (f"{path}:7", "INTERNAL", "COMPUTE_FAILED"),
    }
    assert all(set(e) == {"input", "id", "code", "reason", "message"} for e in ran.errors)
    assert ran.manifest["state"] == "finished"
    assert ran.manifest["counts"] == {"digests": 3, "errors": 3, "repeated_ids": 0}
    assert ran.manifest["models"][0]["name"] == "echo"
    assert not ran.paths.lock.exists()


async def test_resuming_computes_only_what_is_missing(batch, dump) -> None:
    path = dump(*articles(6))
    first = await batch(path, limit=2)
    assert len(first.lines) == 2
    assert first.outcome.tally.share == 1.0
    second = await batch(path, resume=True)
    assert [r.article.id for r in second.echo.requests] == ["a2", "a3", "a4", "a5"]
    assert Counter(line["id"] for line in second.lines) == Counter(f"a{n}" for n in range(6))
    third = await batch(path, resume=True)
    assert not third.echo.requests
    assert third.outcome.skipped == 6
    assert third.outcome.digests == 6


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cut=st.integers(0, 400),
    tail=st.sampled_from([b"", b"\0" * 50, b"garbage", b'{"input": "x:1"']),
)
async def test_a_cut_or_soiled_end_is_mended(batch, dump, tmp_path, cut: int, tail: bytes) -> None:
    for old in tmp_path.iterdir():
        old.unlink()
    path = dump(*articles(4))
    whole = await batch(path, ordered=True)
    expected = whole.paths.output.read_bytes()
    with whole.paths.output.open("r+b") as file:
        file.truncate(max(0, len(expected) - cut))
        file.seek(0, os.SEEK_END)
        file.write(tail)
    assert (await batch(path, ordered=True, resume=True)).paths.output.read_bytes() == expected


async def test_zeros_in_the_middle_cost_their_line_only(batch, dump) -> None:
    path = dump(*articles(4))
    ran = await batch(path)
    lines = ran.paths.output.read_bytes().splitlines(keepends=True)
    ran.paths.output.write_bytes(lines[0] + b"\0" * len(lines[1]) + lines[2] + lines[3])
    again = await batch(path, resume=True)
    assert sorted(line["id"] for line in again.lines) == ["a0", "a1", "a2", "a3"]
    assert len(again.echo.requests) == 2  # the soiled line swallowed the next one's beginning


@pytest.mark.parametrize("ending", ["jsonl.gz", "jsonl.zst"])
async def test_compressed_output_is_resumed_too(batch, dump, ending) -> None:
    import gzip

    import zstandard

    path = dump(*articles(5))
    ran = await batch(path, output=f"out.{ending}", limit=3)
    whole = ran.paths.output.read_bytes()
    ran = await batch(path, output=f"out.{ending}", resume=True)
    assert ran.paths.output.read_bytes().startswith(whole)
    ran.paths.output.write_bytes(ran.paths.output.read_bytes()[:-3])
    ran = await batch(path, output=f"out.{ending}", resume=True)
    data = ran.paths.output.read_bytes()
    if ending.endswith("gz"):
        text = gzip.decompress(data)
    else:
        text = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
    assert sorted(json.loads(line)["id"] for line in text.splitlines()) == [
        f"a{n}" for n in range(5)
    ]


async def test_order_is_kept_on_request_and_memory_bounded(batch, dump) -> None:
    class Uneven(Echo):
        async def digest(self, request, repeated=()):
            self.seconds = 0.02 if int(request.article.id[1:]) % 7 == 0 else 0.0
            return await super().digest(request)

    path = dump(*articles(200))
    ran = await batch(path, ordered=True, echo=Uneven())
    assert [line["id"] for line in ran.lines] == [f"a{n}" for n in range(200)]
    assert ran.echo.most_in_work <= 4 * Echo.window


async def test_a_change_is_refused_and_explained(batch, dump) -> None:
    path = dump(*articles(3))
    await batch(path)
    with pytest.raises(InvalidRequest, match="--resume continues it"):
        await batch(path)
    with pytest.raises(Changed, match="ordered was false and is true"):
        await batch(path, resume=True, ordered=True)
    with pytest.raises(Changed, match=r'model translator.revision was "1" and is "2"'):
        await batch(path, resume=True, echo=Echo(revision="2"))
    dump(*articles(4))
    with pytest.raises(Changed, match=r"input .*dump.jsonl.bytes was \d+ and is \d+"):
        await batch(path, resume=True)


async def test_what_failed_is_tried_again_on_request(batch, dump) -> None:
    class Moody(Echo):
        async def digest(self, request, repeated=()):
            if request.article.id in ("a1", "a3") and not self.revision.endswith("+"):
                return await super().digest(
                    request.__class__(article=request.article.__class__(text="fail"))
                )
            return await super().digest(request)

    class Calm(Echo):
        pass

    path = dump(*articles(5))
    first = await batch(path, limit=4, echo=Moody())
    assert len(first.errors) == 2
    second = await batch(path, only_errors=True, echo=Calm())
    assert sorted(r.article.id for r in second.echo.requests) == ["a1", "a3"]
    assert second.errors == []
    assert sorted(line["id"] for line in second.lines) == ["a0", "a1", "a2", "a3"]
    assert not second.paths.forgotten.exists()


async def test_a_job_without_computers_ends_and_can_be_resumed(batch, dump) -> None:
    path = dump(*articles(3), {"id": "x", "text": "lights out"})
    with pytest.raises(Unavailable):
        await batch(path)
    assert not (await batch(path, resume=True, limit=3)).errors


async def test_two_runs_do_not_share_an_output(batch, dump, tmp_path) -> None:
    from filelock import FileLock

    path = dump(*articles(1))
    with FileLock(tmp_path / "out.lock"), pytest.raises(OutputFailed, match="another run"):
        await batch(path)


async def test_a_sample_is_the_same_on_every_run(batch, dump) -> None:
    path = dump(*articles(300))
    ran = await batch(path, sample=0.2)
    assert 30 < len(ran.lines) < 90
    assert not (await batch(path, sample=0.2, resume=True)).echo.requests


async def test_repeated_ids_are_allowed_and_noted(batch, dump) -> None:
    path = dump(*articles(3), *articles(2))
    ran = await batch(path)
    assert len(ran.lines) == 5
    assert ran.manifest["counts"]["repeated_ids"] == 2


@pytest.mark.parametrize("output", ["dump/out.jsonl", "dump/out.parquet"])
async def test_what_a_job_writes_is_no_input_of_it(batch, tmp_path, output) -> None:
    folder = tmp_path / "dump"
    folder.mkdir()
    (folder / "a.jsonl").write_text(json.dumps({"text": "A."}) + "\n")
    (folder / "report.html").write_text("<p>Ours.")
    first = await batch(folder, output=output, report=folder / "report.html")
    assert first.outcome.digests == 1
    again = await batch(folder, output=output, report=folder / "report.html", resume=True)
    assert not again.echo.requests


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.parquet"])
def test_what_comes_after_the_end_is_not_written(dump, tmp_path, name) -> None:
    """A job that was stopped has let go of its output while a thread of it still writes."""
    path = dump(*articles(2))
    one, two = (Line(Place(str(path), n + 1), f"a{n}", Digest()) for n in range(2))
    job = Job((str(path),), Paths.of(tmp_path / name), resume=True)
    ledger = Ledger(job)
    ledger.open()
    ledger.begin(())
    ledger.write([one])
    ledger.close("stopped")
    with pytest.raises(RuntimeError, match="closed"):
        ledger.write([two])
    again = Ledger(job)
    again.open()
    again.begin(())
    assert one.place in again.done
    assert two.place not in again.done
    again.close("stopped")
