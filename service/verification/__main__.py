"""Print what each check catches and misses, as its module says: the table of docs/verification.md.

python -m service.verification
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import import_module

from . import CHECKS

#: Checks that look at more than one sentence and its translation.
_WIDER = ("consistency", "summary", "coverage")
_SAID = re.compile(r"Catches: (.+?)\s+Misses: (.+?)(?:\n\n|\Z)", re.DOTALL)


def rows() -> Iterator[tuple[str, str, str]]:
    """Yield (name, what it catches, what it misses) of every check, in the order of telling."""
    names = [check.__module__.rpartition(".")[2] for check in CHECKS]
    for name in (*names, *_WIDER):
        module = import_module(f"{__package__}.{name}")
        said = _SAID.search(module.__doc__ or "")
        if said is None:
            raise ValueError(f"{module.__name__} does not say what it catches and misses")
        catches, misses = (" ".join(part.replace("``", "`").split()) for part in said.groups())
        yield name, catches, misses


def table() -> str:
    """Return the rows as a Markdown table."""
    lines = ["| check | catches | misses |", "|---|---|---|"]
    for name, catches, misses in rows():
        cells = (cell.replace("|", "\\|") for cell in (name, catches, misses))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(f"{table()}\n")
