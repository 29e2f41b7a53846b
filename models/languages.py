"""From what language into what a translator's folder says it translates.

Marian's models do one pair each and nothing stops them from being fed another: a
Russian-to-English model, fed English, writes English. Told from small files: the
tokenizer's config, else the repository's name, which OPUS builds from the pair.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# ISO 639 codes, and OPUS's groups that hold the language; a group's model names the target in
# its input, which the codec sees to.
ENGLISH = frozenset({"en", "eng", "gmw", "gem", "ine", "mul"})
RUSSIAN = frozenset({"ru", "rus", "zle", "sla", "ine", "mul"})

_PAIR = re.compile(r"opus-mt-(?:tc-\w+-)?([a-z]{2,3})-([a-z]{2,3})(?![a-z])")


def pair(folder: Path, content: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> tuple[str, str]:
    """Return source and target as the files call them, "" for what none of them says.

    ``content`` is config.json's, ``tokenizer`` tokenizer_config.json's.
    """
    source, target = tokenizer.get("source_lang"), tokenizer.get("target_lang")
    names = [content.get("_name_or_path"), tokenizer.get("name_or_path"), folder.name]
    if folder.parent.name == "snapshots":  # the hub's cache: models--owner--name/snapshots/commit
        names.append(folder.parent.parent.name)
    for name in map(str, filter(None, names)):
        if match := _PAIR.search(name):
            return str(source or match[1]), str(target or match[2])
        if "many-to-one" in name:  # mBART-50's way of saying: into English
            return "", "en"
    return str(source or ""), str(target or "")


def wrong(source: str, target: str) -> bool:
    """Say whether a pair is certainly not English to Russian."""
    return bool((source and source not in ENGLISH) or (target and target not in RUSSIAN))
