"""Whether a model on this disk is sound, and what it is.

Behind ``svodka models verify``. It loads the model and tries it; it fetches nothing,
changes nothing and prints nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models import licences, lock, presets, sources
from models.codec import open_codec
from models.decoding import Generated
from models.engine import open_engine
from models.errors import ModelError
from models.families import SUMMARIZER, TRANSLATOR, read_config
from models.presets import Built, Hub, Package
from models.selection import ModelRef, named, refer

_PROBES = (
    "The president said on Monday that talks would go on.",
    "Heavy rain closed two roads near the coast, and more is expected.",
)
_CYRILLIC = re.compile("[А-яё]")


@dataclass(frozen=True)
class Report:
    """What ``verify`` found. ``memory`` is the weights' size in bytes; rates are per second."""

    role: str
    name: str
    revision: str
    path: str
    family: str
    max_input_tokens: int
    max_output_tokens: int
    compute_type: str
    parameters: int
    memory: int
    load_seconds: float
    tokens_per_second: float
    warnings: tuple[str, ...]


def verify(model: str, *, cache: Path | None = None, threads: int | None = None) -> list[Report]:
    """Check hashes, load, and try a preset's halves, a folder or a hub id.

    Raises ``ModelError`` for the first thing that makes a model unusable; what is
    merely worth knowing is in the reports' warnings.
    """
    cache = cache or sources.default_cache()
    rows = presets.rows(model)
    if not rows:
        path = sources.locate(sources.parse(model), cache, wanted=model).path
        rows = (named(_role(path), model),)
    return [_verified(refer(row, cache), row, threads) for row in rows]


def _role(path: Path) -> str:
    """Return what a model can be tried as; a translator, if it is both."""
    try:
        read_config(path, TRANSLATOR)
    except ModelError:
        read_config(path, SUMMARIZER)
        return SUMMARIZER
    return TRANSLATOR


def _verified(ref: ModelRef, row: presets.Row, threads: int | None) -> Report:
    locked = lock.check(ref.path, thorough=True)
    started = time.perf_counter()
    codec = open_codec(ref)
    engine = open_engine(ref, threads)
    loaded = time.perf_counter()
    batch = [codec.encode(text) for text in _PROBES]
    results = engine.run(batch, ref.decoding)
    seconds = time.perf_counter() - loaded
    answers = [result for result in results if isinstance(result, Generated)]
    tokens = sum(answer.output_tokens for answer in answers) or sum(map(len, batch))
    return Report(
        role=ref.role,
        name=ref.name,
        revision=ref.revision,
        path=str(ref.path),
        family=ref.family,
        max_input_tokens=ref.max_input_tokens,
        max_output_tokens=ref.max_output_tokens,
        compute_type=ref.compute_type,
        parameters=engine.parameters,
        memory=engine.memory,
        load_seconds=round(loaded - started, 2),
        tokens_per_second=round(tokens / seconds, 1),
        warnings=tuple(
            _warnings(ref, row, [answer.text for answer in answers], locked=locked is not None)
        ),
    )


def _warnings(
    ref: ModelRef, row: presets.Row, texts: Sequence[str], *, locked: bool
) -> Iterator[str]:
    """Yield what the owner of a sound model should still know."""
    if isinstance(row.source, Built):
        yield "rough Russian, for trying svodka out; not to be published from"
    if not locked and not isinstance(row.source, Package):
        yield "without svodka.lock.json nothing tells whether its files are the published ones"
    if isinstance(row.source, Hub) and row.source.revision not in (None, ref.revision):
        yield f"not the revision that this preset was chosen for ({row.source.revision})"
    if not any(ref.path.glob("*.safetensors")):
        yield "weights as a .bin file, which only torch's weights-only loader makes safe to open"
    card = ref.path / "README.md"
    if card.is_file() and licences.forbids_commerce(licences.stated(card.read_text("utf-8"))):
        yield "its licence forbids commercial use"
    if not all(texts):
        yield "it gave no answer to a plain sentence"
    elif texts and ref.role == TRANSLATOR and not all(map(_CYRILLIC.search, texts)):
        yield "its answers to plain sentences are not Russian"
