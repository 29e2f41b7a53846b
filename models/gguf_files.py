"""A folder that holds one GGUF file and nothing else of the model: config and tokenizer are in it.

GGUF is data: metadata, then tensors; nothing in it is executed. transformers opens it
and turns quantized weights back into numbers, so a GGUF file saves room on the disk
and none in memory. Where a folder has a config.json, its GGUF files are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.errors import ModelError

# What GGUF calls architectures, where transformers' model_type is another.
_FAMILIES = {"gemma3": "gemma3_text"}


def find(folder: Path) -> Path | None:
    """Return the folder's GGUF file where it is the model. Raises ``ModelError`` for several."""
    if (folder / "config.json").is_file():
        return None
    files = sorted(folder.glob("*.gguf"))
    if len(files) > 1:
        raise ModelError(
            f"{folder} holds several GGUF files, {files[0].name} and {files[1].name} among them; "
            "name a folder with one of them alone."
        )
    return files[0] if files else None


def option(folder: Path) -> dict[str, str]:
    """Return what ``from_pretrained`` must be told beside the folder."""
    file = find(folder)
    return {"gguf_file": file.name} if file else {}


def describe(file: Path) -> tuple[Mapping[str, Any], str]:
    """Return what config.json would say that svodka asks, and the chat template, "" for none.

    Raises ``ModelError`` if the file is damaged.
    """
    from transformers.integrations.gguf.reader import read_gguf_metadata

    try:
        told, _ = read_gguf_metadata(str(file))
        architecture = told["general.architecture"]
    except Exception as error:  # whatever the reader stumbles over in a file that is none
        raise ModelError(f"{file} is damaged; fetch or copy the model again.") from error
    content = {
        "model_type": _FAMILIES.get(architecture, architecture),
        "max_position_embeddings": told.get(f"{architecture}.context_length"),
    }
    return content, str(told.get("tokenizer.chat_template", ""))
