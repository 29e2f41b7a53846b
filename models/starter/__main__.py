"""``python -m models.starter SOURCE RESULT``: the build, in a process of its own."""

import sys
from pathlib import Path

from models.making import end_with_parent
from models.starter.build import build

if __name__ == "__main__":
    end_with_parent()
    build(*map(Path, sys.argv[1:]))
