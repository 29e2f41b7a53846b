"""``python -m models.starter SOURCE RESULT``: the build, in a process of its own."""

import sys
from pathlib import Path

from models.starter.build import build

if __name__ == "__main__":
    build(*map(Path, sys.argv[1:]))
