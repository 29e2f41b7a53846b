"""Kills ``svodka batch`` at random moments, resumes it each time, and looks at what is left.

Each record must have ended exactly once, and as in a run that nobody disturbed.

    python bench/kills.py dump.jsonl [--kills 25] [--command "svodka batch --preset starter"]
"""

from __future__ import annotations

import argparse
import json
import random
import shlex
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any


def lines(folder: Path) -> list[dict[str, Any]]:
    """All records of a job's two files; times and costs apart, which vary."""
    records = []
    for name in ("out.jsonl", "out.errors.jsonl"):
        path = folder / name
        for line in path.read_text("utf-8").splitlines() if path.exists() else ():
            record = json.loads(line)
            record.pop("usage", None)
            records.append(record)
    return records


def size_of(folder: Path) -> int:
    """Bytes of the output."""
    path = folder / "out.jsonl"
    return path.stat().st_size if path.exists() else 0


def main() -> None:
    """Kill, resume, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dump")
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--command", default="svodka batch")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance = random.Random(given.seed)

    def start(folder: Path, *more: str) -> subprocess.Popen[bytes]:
        command = [*shlex.split(given.command), given.dump, "-o", str(folder / "out.jsonl")]
        return subprocess.Popen([*command, *more], stderr=subprocess.DEVNULL)

    with tempfile.TemporaryDirectory() as name:
        whole, killed = Path(name) / "whole", Path(name) / "killed"
        whole.mkdir()
        killed.mkdir()
        began = time.monotonic()
        code = start(whole).wait()
        alone = time.monotonic() - began
        expected = {record["input"]: record for record in lines(whole)}
        print(f"undisturbed: exit code {code}, {len(expected)} records in {alone:.1f} s")
        kills = 0
        for _ in range(given.kills):
            process = start(killed, "--resume")
            size = size_of(killed)
            # Half the moments are any, loading included; half lie where lines are written.
            moment = time.monotonic() + chance.uniform(0, alone / 8)
            grown = chance.randrange(2) * size_of(whole) // given.kills
            while process.poll() is None:
                if time.monotonic() > moment and size_of(killed) >= size + grown:
                    process.kill()
                    kills += 1
                    break
                time.sleep(0.002)
            process.wait()
        code = start(killed, "--resume").wait()
        found = lines(killed)
        got = {record["input"]: record for record in found}
        print(f"killed {kills} times, then resumed to its end: exit code {code}")
        print(
            f"lines {len(found)}, distinct records {len(got)}, missing {len(expected.keys() - got)}"
        )
        different = [key for key, record in got.items() if record != expected.get(key)]
        print(f"different from the undisturbed run: {len(different)}")
        for key in different[:3]:
            print(" ", expected.get(key), "\n ", got[key])


if __name__ == "__main__":
    main()
