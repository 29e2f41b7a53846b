"""Whether a model on this disk is sound, and what it is.

Behind ``svodka models verify``. It loads the model and tries it; it fetches nothing,
changes nothing and prints nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models import licences, lock, presets, sources
from models.codec import Codec, open_codec
from models.decoding import Generated
from models.engine import open_engine
from models.errors import ModelError
from models.families import FAMILIES, SUMMARIZER, TRANSLATOR, Shape, read_config
from models.placement import CTRANSLATE2, TRANSFORMERS, place, unable
from models.presets import Built, Hub, Package
from models.selection import ModelRef, named, refer

_PROBES = (
    "The president said on Monday that talks would go on.",
    "Heavy rain closed two roads near the coast, and more is expected.",
)
_CYRILLIC = re.compile("[А-яё]")


@dataclass(frozen=True)
class Report:
    """What ``verify`` found, of one engine.

    ``reads`` is a short text as the model reads it, marks and prompt around it, and
    ``writes`` its answer. ``memory`` is the weights' size in bytes; rates are per second.
    """

    role: str
    name: str
    revision: str
    path: str
    family: str
    engine: str
    compute_type: str
    languages: str
    max_input_tokens: int
    max_output_tokens: int
    reads: str
    writes: str
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
    reports = []
    for row in rows:
        ref = refer(row, cache)
        locked = lock.check(ref.path, thorough=True)
        about = tuple(_about(ref, row, locked=locked is not None))
        reports += [_tried(each, about, threads) for each in _engines(ref)]
    return reports


def _engines(ref: ModelRef) -> Iterator[ModelRef]:
    """Yield the reference once for each engine that can run it here, in its own format."""
    yield place(ref, "cpu", TRANSFORMERS)
    if FAMILIES[ref.family].shape is Shape.ENCODER_DECODER and not unable(ref, "cpu"):
        yield place(ref, "cpu", CTRANSLATE2)


def _role(path: Path) -> str:
    """Return what a model can be tried as: a translator if it may be both.

    Its card decides between the two, and where it can be neither, the error that says
    more is raised.
    """
    tags = _card(path).partition("\n---")[0]
    if "summarization" in tags and "translation" not in tags:
        return SUMMARIZER
    try:
        read_config(path, TRANSLATOR)
    except ModelError as error:
        try:
            read_config(path, SUMMARIZER)
        except ModelError:
            raise error from None
        return SUMMARIZER
    return TRANSLATOR


def _card(path: Path) -> str:
    """Return a model's card, "" if it came without."""
    card = path / "README.md"
    return card.read_text("utf-8") if card.is_file() else ""


def _tried(ref: ModelRef, about: Sequence[str], threads: int | None) -> Report:
    """Load a model, ask it, and report; ``about`` are warnings that need no asking."""
    started = time.perf_counter()
    codec = open_codec(ref)
    engine = open_engine(ref, threads, codec=codec)
    loaded = time.perf_counter()
    batch = [codec.encode(text) for text in _PROBES]
    engine.run(batch[:1], replace(ref.decoding, max_tokens=1, min_tokens=0))  # the first is slow
    began = time.perf_counter()
    results = engine.run(batch, ref.decoding)
    seconds = time.perf_counter() - began
    answers = [result for result in results if isinstance(result, Generated)]
    tokens = sum(answer.output_tokens for answer in answers) or sum(map(len, batch))
    languages = _languages(ref, codec)
    return Report(
        role=ref.role,
        name=ref.name,
        revision=ref.revision,
        path=str(ref.path),
        family=ref.family,
        engine=ref.engine,
        compute_type=ref.compute_type,
        languages=languages,
        max_input_tokens=ref.max_input_tokens,
        max_output_tokens=ref.max_output_tokens,
        reads=codec.shown(codec.encode(_PROBES[0])),
        writes=answers[0].text if answers else "",
        parameters=engine.parameters,
        memory=engine.memory,
        load_seconds=round(loaded - started, 2),
        tokens_per_second=round(tokens / seconds, 1),
        warnings=(*about, *_warnings(ref, languages, answers)),
    )


def _languages(ref: ModelRef, codec: Codec) -> str:
    """Say how the model knows what to translate into what; "" where nothing says."""
    if ref.role == SUMMARIZER:
        return "English"
    if codec.told:
        return f"English to Russian, told by {codec.told}"
    source, target = read_config(ref.path, ref.role).pair
    return f"{source} to {target}, by its own files" if source and target else ""


def _about(ref: ModelRef, row: presets.Row, *, locked: bool) -> Iterator[str]:
    """Yield what the files of a sound model leave to be known."""
    if isinstance(row.source, Built):
        yield "rough Russian, for trying svodka out; not to be published from"
    if not locked and not isinstance(row.source, Package):
        yield "without svodka.lock.json nothing tells whether its files are the published ones"
    if isinstance(row.source, Hub) and row.source.revision not in (None, ref.revision):
        yield f"not the revision that this preset was chosen for ({row.source.revision})"
    if any(ref.path.glob("*.bin")) and not any(ref.path.glob("*.safetensors")):
        yield "weights as a .bin file, which only torch's weights-only loader makes safe to open"
    if licences.forbids_commerce(licences.stated(_card(ref.path))):
        yield "its licence forbids commercial use"


def _warnings(ref: ModelRef, languages: str, answers: Sequence[Generated]) -> Iterator[str]:
    """Yield what looks wrong about how a model is told its task, and about its answers."""
    if ref.role == TRANSLATOR and not languages:
        yield "nothing in its files says that it translates English into Russian; see its card"
    texts = [answer.text for answer in answers]
    if not all(texts):
        yield "it gave no answer to a plain sentence"
    elif texts and ref.role == TRANSLATOR and not all(map(_CYRILLIC.search, texts)):
        yield "its answers to plain sentences are not Russian"
    if ref.role == TRANSLATOR and any(answer.truncated for answer in answers):
        base = FAMILIES[ref.family].shape is Shape.DECODER
        yield "it did not come to an end by itself" + (
            ", like a base model without instruction tuning" if base else ""
        )
