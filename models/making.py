"""Folders that are made once, whoever asks for them at the same time.

The work is done by a program of its own: it may need gigabytes and big libraries, and
whoever asks for the folder may be a server's process, which should keep neither. It
makes the folder under another name, and renames it when it is complete. So a killed
process leaves nothing that looks finished, and a file lock lets a second one wait for
the first. What is in the folder is the callers' affair.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from models.errors import ModelError

_log = logging.getLogger(__name__)
_RAISED = re.compile(r"^(?:[\w.]*\.)?(\w*(?:Error|Exception)\b.*)$", re.MULTILINE)
_OURS = f"{ModelError.__name__}: "


def make_once(
    folder: Path, command: Sequence[str], *, whole: Callable[[], bool], doing: str, needs: str
) -> Path:
    """Return ``folder``, made by ``python -m *command WORK`` unless it is ``whole``.

    ``doing`` names the work, as in "converting X", and is announced on standard error
    by whoever does it; ``needs`` is what it takes, for the message when that is
    lacking. Raises ``ModelError`` if the work fails or the cache cannot be written.
    """
    if whole():
        return folder
    from filelock import FileLock

    cache = folder.parent
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if whole():  # by whoever held the lock
                return folder
            sys.stderr.write(f"svodka: {doing}, once\n")
            for left in cache.glob(f"{folder.name}.*.making"):  # by a process that was killed
                shutil.rmtree(left, ignore_errors=True)
            work = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.making")
            try:
                _run([*command, str(work)], doing, needs)
                shutil.rmtree(folder, ignore_errors=True)
                work.rename(folder)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise ModelError(
            f"{cache} cannot be written ({error.strerror}); name another folder with --cache."
        ) from error
    return folder


def _run(command: Sequence[str], doing: str, needs: str) -> None:
    """Run a program that ends when we do, however we end."""
    theirs, ours = os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-m", *command],
            stdin=theirs,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    finally:
        os.close(theirs)
        os.close(ours)
    if not done.returncode:
        return
    raised = _RAISED.findall(done.stderr)
    reason = raised[-1] if raised else "it was killed"
    if reason.startswith(_OURS):
        raise ModelError(reason.removeprefix(_OURS))
    _log.error("%s failed:\n%s", doing, done.stderr)
    raise ModelError(
        f"{doing[0].upper()}{doing[1:]} failed ({reason}); it needs {needs}: "
        "make room and try again."
    )


def end_with_parent() -> None:
    """End this program when the process that started it has ended. For the program's start."""

    def wait() -> None:
        os.read(0, 1)  # nothing is ever written there: it ends with the other end
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
