"""What models there are, how to get one, and whether one on this disk is sound.

Behind ``svodka models list|fetch|verify``. ``fetch`` is the only function of the
product that downloads. None of them prints; the command line does.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from models import licences, lock, presets, sources
from models.codec import open_codec
from models.decoding import Generated
from models.engine import open_engine
from models.errors import ModelError
from models.families import SUMMARIZER, TRANSLATOR, read_config
from models.presets import Built, Hub, Package
from models.selection import ModelRef, named, refer
from models.starter import build

# A tokenizer's and a config's files, at the top of a repository only; weights come apart.
_FILES = ("*.json", "*.txt", "*.model", "*.spm", "*.jinja", "README.md", "LICENSE*", "NOTICE*")
_PROBES = (
    "The president said on Monday that talks would go on.",
    "Heavy rain closed two roads near the coast, and more is expected.",
)
_CYRILLIC = re.compile("[А-яё]")


@dataclass(frozen=True)
class Description:
    """One half of a preset; ``path`` is "" where the weights are not on this disk."""

    preset: str
    role: str
    name: str
    source: str
    revision: str
    path: str
    engine: str
    licence: str
    parameters: int | None


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


def describe(cache: Path | None = None) -> list[Description]:
    """Return every preset's halves and where they are. Loads and builds nothing."""
    cache = cache or sources.default_cache()
    return [_described(row, cache) for row in presets.PRESETS]


def _described(row: presets.Row, cache: Path) -> Description:
    located = sources.on_disk(row, cache)
    match row.source:
        case Hub(id=id_, revision=pinned):
            source, revision = f"hub: {id_}", pinned or ""
        case Package(distribution=distribution):
            source, revision = f"pip: {distribution}", ""
        case _:
            source, revision = f"pip: {build.base()['package']}", build.revision()
    return Description(
        preset=row.preset,
        role=row.role,
        name=row.name,
        source=source,
        revision=located.revision if located else revision,
        path=str(located.path) if located else "",
        engine="transformers",
        licence=row.licence or "",
        parameters=row.parameters,
    )


def fetch(
    model: str,
    *,
    cache: Path | None = None,
    accept_license: bool = False,
    announce: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Bring a preset or a hub id onto this disk, and return its folders.

    Interrupted downloads go on where they stopped; token and mirror are the hub
    library's own settings (HF_TOKEN, HF_ENDPOINT). Raises ``ModelError``.
    """
    cache = cache or sources.default_cache()
    rows = presets.rows(model)
    wanted = [row.source for row in rows] or [sources.parse(model)]
    folders = []
    for source in wanted:
        if isinstance(source, Hub):
            announce(f"fetching {source.id}")
            folder = _download(source, accepted=accept_license)
        else:
            if isinstance(source, Built) and not build.built(cache):
                announce("building the starter translator, once; this takes about a minute")
            folder = sources.locate(source, cache, wanted=model).path
        announce(f"{folder}")
        folders.append(folder)
    return folders


def _download(source: Hub, *, accepted: bool) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    try:
        info = HfApi().model_info(source.id, revision=source.revision)
        licence = info.card_data.get("license") if info.card_data else None
        licences.require(source.id, licence, accepted=accepted)
        names = [file.rfilename for file in info.siblings or () if "/" not in file.rfilename]
        folder = Path(
            snapshot_download(
                source.id,
                revision=source.revision or info.sha,
                allow_patterns=[*_FILES, _weights(source.id, names)],
                ignore_patterns=["*/*"],
            )
        )
    except ModelError:
        raise
    except Exception as error:  # the hub's own, its transport's (which has changed), the disk's
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"{source.id} could not be fetched ({reason}); check the name, the network and, for "
            "a gated model, HF_TOKEN, then run the command again: it goes on where it stopped."
        ) from error
    lock.write(folder, source.id, info.sha or folder.name)
    return folder


def _weights(name: str, files: list[str]) -> str:
    """Return the pattern of the weights to take: safetensors where there are any."""
    for pattern in ("model*.safetensors", "pytorch_model*.bin"):
        if any(fnmatch(file, pattern) for file in files):
            return pattern
    raise ModelError(f"{name} has no weights that svodka reads (safetensors or PyTorch's .bin).")


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
