"""The one error that models raise on purpose.

Its message is one sentence for the user: what is wrong and what to do about it.
Running out of memory is Python's own ``MemoryError``, so that whoever computes
need not know whose memory it was.
"""

from __future__ import annotations


class ModelError(Exception):
    """A model cannot be found, trusted, loaded or used for what was asked."""


def first_line(error: Exception) -> str:
    """Return what a stranger's exception says, in one line: its first, or else its name."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
