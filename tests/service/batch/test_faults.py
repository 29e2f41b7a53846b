"""Real faults on a real process: kills, Ctrl-C, a full disk."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def start(*arguments: object, seconds: float = 0.0) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "proto"), str(ROOT / "tests")])
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests/echo_batch.py"), "--seconds", str(seconds),
         *map(str, arguments)],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate(timeout=120)
    return process.returncode, said


def ids(*paths: Path) -> Counter[str]:
    return Counter(
        json.loads(line)["id"] for path in paths for line in path.read_text("utf-8").splitlines()
    )


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def until(process: subprocess.Popen[str], path: Path, more_than: int) -> None:
    """Wait until a file has grown, or its writer has ended."""
    while process.poll() is None and size(path) <= more_than:
        time.sleep(0.001)


def await_line(process: subprocess.Popen[str], words: str) -> None:
    """Read what a process says up to a line with these words."""
    assert process.stderr is not None
    assert any(words in line for line in process.stderr)


@pytest.fixture
def big(dump) -> Path:
    return dump(*({"id": f"a{n}", "text": "please fail" if n % 50 == 7 else f"Story {n}."} for n in range(1500)))  # fmt: skip


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.zst", "out.parquet"])
def test_killed_again_and_again_each_record_ends_once(big: Path, tmp_path: Path, name: str) -> None:
    output, errors = tmp_path / name, tmp_path / "out.errors.jsonl"
    chance = random.Random(name)
    kills = 0
    for _ in range(4):
        process = start(big, "-o", output, "--resume", seconds=0.01)
        grown = errors if name != "out.jsonl" else output
        until(process, grown, size(grown) + chance.randrange(3000))
        process.kill()
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
    assert kills >= 2
    assert finish(start(big, "-o", output, "--resume"))[0] == 3
    undisturbed = tmp_path / ("whole." + name.partition(".")[2])
    assert finish(start(big, "-o", undisturbed))[0] == 3
    assert lines_of(output) == lines_of(undisturbed)
    assert ids(errors) == ids(tmp_path / "whole.errors.jsonl")
    assert len(lines_of(output)) + ids(errors).total() == 1500


def lines_of(path: Path) -> list[dict]:
    """All records of an output, in the order of their ids."""
    if path.suffix == ".parquet":
        import pyarrow.parquet

        rows = [row for part in sorted(path.glob("*.parquet")) for row in pyarrow.parquet.read_table(part).to_pylist()]  # fmt: skip
    else:
        data = path.read_bytes()
        if path.suffix == ".zst":
            import zstandard

            data = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
        rows = [json.loads(line) for line in data.splitlines()]
    return sorted(rows, key=lambda row: row["id"])


def test_ctrl_c_finishes_what_runs_and_a_second_one_does_not(big: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    process = start(big, "-o", output, seconds=0.2)
    until(process, output, 0)
    process.send_signal(signal.SIGINT)
    code, said = finish(process)
    assert code == 130
    running = re.search(r"finishing (\d+) articles", said)
    assert running
    before = int(re.search(r"articles +(\d+)", said)[1])  # in the closing table
    assert before >= int(running[1]) - 1  # all of them but the one that fails
    assert len(output.read_text().splitlines()) == before
    process = start(big, "-o", output, "--resume", seconds=60)
    await_line(process, "in work")
    process.send_signal(signal.SIGINT)
    await_line(process, "finishing")
    process.send_signal(signal.SIGINT)
    assert finish(process)[0] == 130
    assert json.loads((tmp_path / "out.manifest.json").read_text())["state"] != "finished"
    assert finish(start(big, "-o", output, "--resume"))[0] == 3
    assert set(ids(output, tmp_path / "out.errors.jsonl").values()) == {1}


@pytest.fixture
def small_disk(tmp_path: Path):
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_ends_the_job_with_whole_lines(big: Path, small_disk: Path) -> None:
    output = small_disk / "out.jsonl"
    code, said = finish(start(big, "-o", output))
    assert code == 1
    assert "No space left on device" in said
    assert "--resume goes on" in said
    written = output.read_bytes()
    assert written.endswith(b"}\n")
    assert 0 < len(written.splitlines()) < 1500
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    assert finish(start(big, "-o", output, "--resume"))[0] == 3
    assert set(ids(output, small_disk / "out.errors.jsonl").values()) == {1}
    assert ids(output, small_disk / "out.errors.jsonl").total() == 1500


def test_exit_codes(dump, tmp_path: Path) -> None:
    good, bad = dump({"text": "Good."}), dump("{", name="bad.jsonl")
    assert finish(start(good, "-o", tmp_path / "1.jsonl"))[0] == 0
    assert finish(start(good, bad, "-o", tmp_path / "2.jsonl"))[0] == 3
    assert finish(start(bad, "-o", tmp_path / "3.jsonl"))[0] == 1
    assert finish(start(tmp_path / "nothing", "-o", tmp_path / "4.jsonl"))[0] == 1
    assert finish(start(good, "-o", tmp_path / "5.txt"))[0] == 2
    assert finish(start(good, "-o", tmp_path / "1.jsonl"))[0] == 2
    assert finish(start("-o", tmp_path / "6.jsonl"))[0] == 2
