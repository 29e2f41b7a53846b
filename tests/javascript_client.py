"""The JavaScript example with its packages, in a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent.parent / "examples" / "javascript"
PROTO = Path(__file__).parent.parent / "proto" / "svodka" / "v1" / "svodka_service.proto"

Client = Callable[..., "subprocess.CompletedProcess[str]"]


def javascript_client(folder: Path) -> Client:
    """Install the example's packages into ``folder``; return what runs it. Skips without node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("node is not here")
    for name in ("package.json", "digest.mjs"):
        shutil.copy(EXAMPLE / name, folder)
    install = [npm, "install", "--no-audit", "--no-fund", "--fetch-retries=0"]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"npm cannot install the packages: {done.stderr.strip()[-200:]}")
    env = {"SVODKA_PROTO": str(PROTO), "PATH": str(Path(node).parent)}

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [node, str(folder / "digest.mjs"), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=env)

    return run
