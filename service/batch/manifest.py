"""What an output was made with, and how far it is: ``OUT.manifest.json``.

It is written before the first line of the output and again at the end, and a
run that would continue with other inputs, models or settings is refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from service.errors import SvodkaError


class Changed(SvodkaError):
    """The output was begun with something else; the message says with what."""

    reason = "CHANGED"


@dataclass(frozen=True)
class Manifest:
    """``settings`` is what shapes the answers, ``inputs`` the files by argument."""

    version: str
    settings: Mapping[str, Any]
    inputs: Mapping[str, Any]
    models: tuple[Mapping[str, str], ...] = ()
    state: str = "running"
    began: str = ""
    ended: str = ""
    counts: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def load(path: Path) -> Manifest | None:
        """The manifest at ``path``; None where there is none. Raises Changed if it is not ours."""
        try:
            data = json.loads(path.read_text("utf-8"))
            return Manifest(**{**data, "models": tuple(data["models"])})
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            raise Changed(f"{path} is not a manifest of svodka; choose another output") from error

    def save(self, path: Path) -> None:
        """Write it; whoever reads meanwhile gets the old one or the new one."""
        fresh = path.with_name(path.name + ".tmp")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(asdict(self), file, ensure_ascii=False, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    def insist_on(self, other: Manifest, path: Path) -> None:
        """Raise Changed if ``other`` would not go on with the same; models once both know them."""
        differences = [
            *_differences("", self.settings, other.settings),
            *_differences("input ", self.inputs, other.inputs),
        ]
        if self.models and other.models:
            differences += _differences("model ", _by_role(self.models), _by_role(other.models))
        if differences:
            raise Changed(
                f"{path} was begun with something else: {'; '.join(differences[:5])}. "
                "Go on with what it was begun with, or choose another output."
            )


def _by_role(models: tuple[Mapping[str, str], ...]) -> dict[str, Any]:
    return {model["role"]: model for model in models}


def _differences(name: str, old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        dot = "" if not name or name.endswith(" ") else "."
        # The fingerprint says that something changed; the rest says what, where it can.
        keys = sorted({*old, *new}, key=lambda key: (key == "fingerprint", key))
        told = False
        for key in keys:
            if key == "fingerprint" and told:
                continue
            for difference in _differences(f"{name}{dot}{key}", old.get(key), new.get(key)):
                told = True
                yield difference
    elif old != new:
        yield f"{name} was {_shown(old)} and is {_shown(new)}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if value is not None else "not there"
    return text if len(text) < 100 else text[:99] + "…"
