"""What a model's card says of its licence, and whether the user must agree first.

No preset forbids commercial use; a model that the user names may (NLLB does). Then
``--accept-license`` is asked for once: the lock that ``fetch`` writes records it.
This is a reminder, not legal advice: a card may be wrong or missing.
"""

from __future__ import annotations

import re
from pathlib import Path

from models import lock
from models.errors import ModelError

# The card begins with YAML between two "---" lines; the licence is one plain value in it.
_CARD = re.compile(r"\A---\n(.*?)\n---", re.DOTALL)
_LICENCE = re.compile(r"^license:\s*[\"']?([\w.+-]+)", re.MULTILINE)


def stated(card: str) -> str | None:
    """Return the licence a model card names, such as ``cc-by-nc-4.0``, or None."""
    if (head := _CARD.match(card)) and (found := _LICENCE.search(head[1])):
        return found[1]
    return None


def forbids_commerce(licence: str | None) -> bool:
    """Say whether a licence's short name has the part ``nc``."""
    return licence is not None and "nc" in re.split(r"[^a-z]+", licence.lower())


def require(name: str, licence: str | None, *, accepted: bool) -> None:
    """Raise ``ModelError`` for a non-commercial licence that nobody accepted."""
    if forbids_commerce(licence) and not accepted:
        raise ModelError(
            f"{name} is under {licence}, which forbids commercial use; "
            "pass --accept-license if yours is none."
        )


def check(folder: Path) -> None:
    """Raise ``ModelError`` if a folder's licence needs a consent that its lock has not."""
    card = folder / "README.md"
    if lock.read(folder) is None and card.is_file():
        text = card.read_text(encoding="utf-8", errors="replace")
        require(folder.name, stated(text), accepted=False)
