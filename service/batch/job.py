"""What a job is: the dump, the questions, the place of the answers."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from service.batch.mapping import Mapping
from service.errors import InvalidRequest, Violation
from service.schema import DigestRequest
from service.wire import to_json

_ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet")


@dataclass(frozen=True)
class Paths:
    """The files of one output."""

    output: Path
    errors: Path
    manifest: Path
    lock: Path
    forgotten: Path  # errors that a later run tries again
    boilerplate: Path
    copies: Path

    @staticmethod
    def of(output: Path) -> Paths:
        """The files beside ``output``. Raises InvalidRequest if its name tells no format."""
        ending = next((e for e in _ENDINGS if output.name.endswith(e)), None)
        if ending is None or output.name == ending:
            raise InvalidRequest(
                Violation("--output", f"{output} must end in one of {', '.join(_ENDINGS)}")
            )
        base = output.name.removesuffix(ending)

        def beside(ending: str) -> Path:
            return output.with_name(base + ending)

        return Paths(
            output,
            beside(".errors.jsonl"),
            beside(".manifest.json"),
            beside(".lock"),
            beside(".errors.retried.jsonl"),
            beside(".boilerplate.npz"),
            beside(".copies.sqlite"),
        )

    @property
    def all(self) -> set[Path]:
        """All of them, resolved."""
        return {path.resolve() for path in vars(self).values()}


# Of a job that is only rehearsed: below the null device lies no file, and no input either.
NOWHERE = Paths.of(Path(os.devnull) / "nowhere.jsonl")


@dataclass(frozen=True)
class Job:
    """A dump and what is asked of each of its articles.

    ``request`` has everything but the article. ``form`` is the inputs' format,
    "" where their names tell. ``runner`` is local or ray. ``sample`` is a share of
    the records, ``limit`` their number. ``compute_once`` needs ``index_boilerplate``.
    """

    inputs: tuple[str, ...]
    paths: Paths
    mapping: Mapping = field(default_factory=Mapping)
    request: DigestRequest = field(default_factory=DigestRequest)
    form: str = ""
    resume: bool = False
    ordered: bool = False
    only_errors: bool = False
    index_boilerplate: bool = False
    compute_once: bool = False
    runner: str = "local"
    sample: float = 1.0
    limit: int | None = None
    report: Path | None = None

    @property
    def own(self) -> set[Path]:
        """The files it writes, which are no inputs, be they among them."""
        return self.paths.all | ({self.report.resolve()} if self.report else set())

    @property
    def settings(self) -> dict[str, Any]:
        """What shapes the output, for the manifest."""
        request = to_json(self.request)
        for name in ("article", "timeout", "priority", "no_cache", "request_id"):
            request.pop(name, None)
        return {
            "request": request,
            "fields": asdict(self.mapping),
            "format": self.form,
            "ordered": self.ordered,
            "runner": self.runner,
            "index_boilerplate": self.index_boilerplate,
            "compute_once": self.compute_once,
        }
