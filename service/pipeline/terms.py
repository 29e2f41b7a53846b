"""On what terms a request is served, apart from what it asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from service.schema import Priority, Range


@dataclass(frozen=True)
class Terms:
    """On what terms a request is served.

    ``deadline`` is absolute, in seconds of ``time.monotonic``. ``priority`` is
    the request's class, never UNSPECIFIED here, within which ``caller`` has its
    share. ``scope`` keeps cached answers apart. ``wait`` says whether the request
    waits for room or is refused. ``repeated`` are pieces of the text that the caller
    knows from many other articles: they are left out as ``excluded`` ones are, and
    called REPEATED.
    """

    deadline: float = math.inf
    priority: Priority = Priority.INTERACTIVE
    caller: str = ""
    scope: str = ""
    wait: bool = False
    repeated: tuple[Range, ...] = ()
