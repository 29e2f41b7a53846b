"""A record of a dump, and where it came from.

Only the vocabulary; reading is done in ``readers``, judging in ``mapping``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from service.schema import Article, Finding

Fields = Mapping[str, Any]


class Place(NamedTuple):
    """A record's file, as it was named, and its number in it, from 1; the key of completion.

    The number is the line's in JSON Lines, so that blank lines count. 0 is the file itself.
    """

    path: str
    number: int

    def __str__(self) -> str:
        return f"{self.path}:{self.number}"

    @staticmethod
    def parse(text: str) -> Place:
        """Read what ``str`` wrote. Raises ValueError."""
        path, colon, number = text.rpartition(":")
        if not (colon and number.isdecimal()):
            raise ValueError(f"{text!r} is no PATH:NUMBER")
        return Place(path, int(number))


@dataclass(frozen=True, slots=True)
class Malformed:
    """Why a record could not be read; ``last`` says that nothing can be read after it."""

    message: str
    reason: str = "MALFORMED_RECORD"
    last: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True)
class DuplicateOf:
    """The earlier article, at ``input``, that an article is a near-identical copy of.

    ``similarity`` is that of the two stories, in [0, 1]. ``reused``: the answer was computed
    for that one, on whose text its offsets lie.
    """

    input: str
    id: str
    similarity: float
    reused: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """An article and its place.

    ``findings`` are about the reading itself; ``share`` is how much of the inputs
    was read with it, in [0, 1]. ``duplicate_of`` and ``has_copies`` are set where copies
    were searched for.
    """

    place: Place
    article: Article
    findings: tuple[Finding, ...] = ()
    share: float = 0.0
    duplicate_of: DuplicateOf | None = None
    has_copies: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that could not be read, and its place."""

    place: Place
    malformed: Malformed
    share: float = 0.0
