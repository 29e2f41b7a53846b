"""What a worker process has: the tokenizers of both models, and no weights.

The steps that run there are plain functions of their arguments and of these, in
``reading``, ``condensing`` and ``drafting``. They compute; they wait for nothing.
"""

from __future__ import annotations

from models import Codec, Selection, open_codec

_codecs: dict[str, Codec] = {}
_tasks: dict[str, str] = {}


def open_workshop(selection: Selection) -> None:
    """Open the tokenizers of both models in this process, once."""
    for ref in (selection.summarizer, selection.translator):
        _codecs[ref.role] = open_codec(ref)
        _tasks[ref.role] = ref.task


def codec(role: str) -> Codec:
    """Return the tokenizer of the ``summarizer`` or the ``translator``."""
    return _codecs[role]


def task(role: str) -> str:
    """Return what the ``summarizer`` or the ``translator`` does: see ``models.ModelRef``."""
    return _tasks[role]
