"""The output's side of a job: what is done, what is written, and what may be mixed.

It holds the lock on the output, keeps the manifest, mends the files that a
killed run left, and appends the lines. All of it blocks, so the loop calls it
from threads.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from service.batch.completion import Names, Places
from service.batch.inputs import File, files, fingerprint
from service.batch.job import Job
from service.batch.manifest import Changed, Manifest
from service.batch.outputs import Lines, PlainLines, key_of, open_lines, text_lines
from service.batch.parts import Parts
from service.batch.record import DuplicateOf, Malformed, Place
from service.errors import InvalidRequest, SvodkaError, Violation
from service.rpc.status import Status
from service.schema import Digest, Model
from service.wire import to_json


class OutputFailed(SvodkaError):
    """The output cannot be written; the message says why and what to do."""

    reason = "OUTPUT_FAILED"


@dataclass(frozen=True, slots=True)
class Line:
    """A record's end: its digest, or what it failed with."""

    place: Place
    id: str
    outcome: Digest | Status
    duplicate_of: DuplicateOf | None = None

    def encoded(self) -> bytes:
        """One line of JSON, ``input`` and ``id`` first, which ``outputs.key_of`` relies on."""
        if isinstance(self.outcome, Digest):
            fields: dict[str, Any] = {**to_json(self.outcome), "id": self.id}
            if self.duplicate_of:
                fields["duplicate_of"] = to_json(self.duplicate_of)
        else:
            code = self.outcome.grpc_code.name
            reason, message = self.outcome.reason, self.outcome.message
            fields = {"id": self.id, "code": code, "reason": reason, "message": message}
        record = {"input": str(self.place), **fields}
        text = json.dumps(record, ensure_ascii=False)
        return text.encode("utf-8", "backslashreplace") + b"\n"


class Retried:
    """The records that failed before, and all that lies behind where a file was broken."""

    def __init__(self) -> None:
        self._places = Places()
        self._broken: dict[str, int] = {}

    def add(self, place: Place, *, broken: bool) -> None:
        """One of them."""
        self._places.add(place)
        if broken:
            self._broken[place.path] = place.number

    def wants(self, place: Place) -> bool:
        """Is it to be tried again?"""
        first = self._broken.get(place.path)
        return place in self._places or (first is not None and place.number >= first)


class Ledger:
    """What became of a job's records. ``retried`` is set by a job of ``only_errors``."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._paths = job.paths
        self._output = _opened(job.paths.output)
        self._errors: Lines = PlainLines(job.paths.errors)
        self._stack = ExitStack()
        self._writing = threading.Lock()
        self._manifest = Manifest("", {}, {})
        self._begun = self._closed = False
        self._ids = Names()
        self.done = Places()
        self.failures = 0
        self.broken: dict[str, int] = {}  # files that broke off, and at which record
        self.retried: Retried | None = None

    @property
    def repeated_ids(self) -> int:
        """About how many articles had an id that another one had before."""
        return self._ids.repeated

    @property
    def bytes(self) -> int:
        """Of all inputs."""
        return sum(of["bytes"] for of in self._manifest.inputs.values())

    @property
    def fingerprint(self) -> str:
        """What changes if the inputs do, or what of them is read."""
        settings = self._manifest.settings
        known = json.dumps(
            [self._manifest.inputs, settings["fields"], settings["request"]["skip_cleaning"]]
        )
        return blake2b(known.encode(), digest_size=16).hexdigest()

    def files(self) -> Iterator[File]:
        """The job's inputs, without what it writes itself."""
        return files(self._job.inputs, self._job.form, self._job.own)

    def open(self) -> None:
        """Take the lock, and see whether the job may write here.

        Raises:
            InvalidRequest: there is an output, and it is not to be resumed.
            Changed: it was begun with other inputs or settings.
            OutputFailed: there is no such folder, or another job writes here.
        """
        try:
            lock = FileLock(self._paths.lock, timeout=0, thread_local=False)
            self._stack.enter_context(lock)
        except Timeout:
            raise OutputFailed(f"another run is writing {self._paths.output}") from None
        except OSError as error:
            raise self.failed(error) from error
        self._stack.callback(self._paths.lock.unlink, missing_ok=True)
        old = Manifest.load(self._paths.manifest)
        if old is None and self._written():
            raise Changed(
                f"{self._paths.output} is there without a manifest; choose another output"
            )
        if old is not None and not (self._job.resume or self._job.only_errors):
            raise InvalidRequest(
                Violation("--output", f"{self._paths.output} was begun; --resume continues it")
            )
        each = {
            argument: fingerprint(files([argument], self._job.form, self._job.own))
            for argument in self._job.inputs
        }
        new = Manifest(version("svodka"), self._job.settings, each, began=_now())
        if old is not None:
            old.insist_on(new, self._paths.manifest)
            new = replace(new, models=old.models, began=old.began)
        self._manifest = new

    def begin(self, models: Sequence[Model]) -> None:
        """Note the models, forget errors that are to be tried again, and see what is done.

        Raises:
            Changed: the output was begun with other models.
            OutputFailed: it cannot be written.
        """
        named = tuple(to_json(model) for model in models)
        now = replace(self._manifest, models=named)
        self._manifest.insist_on(now, self._paths.manifest)
        self._manifest = now
        self._begun = True
        try:
            self._manifest.save(self._paths.manifest)
            if self._job.only_errors:
                self.retried = self._forget_errors()
            self.recount()
        except OSError as error:
            raise self.failed(error) from error

    def recount(self) -> None:
        """See what the files say is done; lines that a killed run left broken are removed."""
        self.done, self.failures, self._ids = Places(), 0, Names()
        for place, name in self._output.recover():
            self.done.add(place)
            self._ids.add(name)
        for place, _ in self._errors.recover():
            self.done.add(place)
            self.failures += 1
        if self.failures:
            self.broken = dict(_broken_files(self._paths.errors))

    def write(self, lines: Sequence[Line]) -> None:
        """Append lines. Raises OutputFailed; those before are whole and stay.

        Once it is closed it is too late: another job may write here, and knows nothing of these.
        """
        good = [line for line in lines if isinstance(line.outcome, Digest)]
        bad = [line for line in lines if not isinstance(line.outcome, Digest)]
        with self._writing:
            if self._closed:
                raise RuntimeError("the ledger is closed")
            try:
                for file, some in ((self._output, good), (self._errors, bad)):
                    if some:
                        file.write([line.encoded() for line in some])
                    file.flush()
            except OSError as error:
                raise self.failed(error) from error
            self.failures += len(bad)
            for line in lines:
                self.done.add(line.place)
            for line in good:
                self._ids.add(line.id)

    def close(self, state: str) -> None:
        """Bring everything to the disk, and note how it ended. Raises OutputFailed."""
        with self._stack, self._writing:
            self._closed = True
            try:
                self._output.close()
                self._errors.close()
                counts = {
                    "digests": len(self.done) - self.failures,
                    "errors": self.failures,
                    "repeated_ids": self.repeated_ids,
                }
                end = replace(self._manifest, state=state, ended=_now(), counts=counts)
                end.save(self._paths.manifest)
                if state == "finished":
                    self._paths.forgotten.unlink(missing_ok=True)
            except OSError as error:
                raise self.failed(error) from error

    def abandon(self) -> None:
        """Let go after a failure: keep what can be kept; touch nothing before ``begin``."""
        if not self._begun:
            self._stack.close()
            return
        with suppress(OutputFailed):
            self.close("stopped")

    def _written(self) -> bool:
        output = self._paths.output
        return output.exists() and (output.is_dir() or output.stat().st_size > 0)

    def _forget_errors(self) -> Retried:
        """Move the errors aside, so that their records count as not done.

        In two steps, each of which may be the last: an error in both files is done.
        """
        errors, forgotten = self._paths.errors, self._paths.forgotten
        if errors.exists():
            with forgotten.open("ab") as aside:
                aside.write(errors.read_bytes())
                aside.flush()
            errors.unlink()
        retried = Retried()
        if forgotten.exists():
            with forgotten.open("rb") as file:
                for line in file:
                    if key := key_of(line):
                        broken = json.loads(line)["reason"] == "UNREADABLE_FILE"
                        retried.add(key[0], broken=broken)
        return retried

    def failed(self, error: OSError | sqlite3.Error) -> OutputFailed:
        """What to raise if the output cannot be written."""
        reason = getattr(error, "strerror", None) or error
        return OutputFailed(
            f"{self._paths.output} cannot be written: {reason}. What is in it "
            "is whole; when there is room, --resume goes on."
        )


def _opened(path: Path) -> Lines:
    """The output of a name that ``Paths.of`` took."""
    return Parts(path) if path.suffix == ".parquet" else open_lines(path)


def _broken_files(errors: Path) -> Iterator[tuple[str, int]]:
    for line in text_lines(errors):
        if b'"UNREADABLE_FILE"' in line and (key := key_of(line)):
            yield key[0].path, key[0].number


def refusal(malformed: Malformed) -> Status:
    """A record that could not be read, as the failure it ends with."""
    return Status(3, malformed.reason, malformed.message)  # gRPC's INVALID_ARGUMENT


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
