"""What is built and installed somewhere else, as a user of the wheel or the image would."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def sources(tmp_path_factory) -> Path:
    """A copy of what .dockerignore lets through, and of nothing else."""
    target = tmp_path_factory.mktemp("sources")
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            source = ROOT / line[1:]
            if source.is_dir():
                shutil.copytree(source, target / source.name, ignore=ignore)
            else:
                shutil.copyfile(source, target / source.name)
    return target
