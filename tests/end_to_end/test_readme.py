"""What the README shows is what its reader gets."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_DEMO = re.compile(r"The demo runs `svodka ([^`]+)` and prints\n\n```\n(.+?)```", re.DOTALL)


@pytest.mark.slow
def test_the_demo_prints_what_the_readme_shows() -> None:
    """The starter's Russian and what the checks find in it; of stderr, not the progress."""
    shown = _DEMO.search((ROOT / "README.md").read_text("utf-8"))
    assert shown
    command = [sys.executable, "-m", "service.cli", *shlex.split(shown[1])]
    fresh = {"SVODKA_PRESET": "starter", "COLUMNS": "80"}  # whatever was fetched, however wide
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | fresh, capture_output=True, text=True, check=True
    )
    told = done.stderr.splitlines(keepends=True)
    findings = [line for line in told if not line.startswith("svodka: ")]
    assert done.stdout + "".join(findings) == shown[2]
