"""``svodka batch`` with a computing stage that needs no models, as a program of its own.

    python tests/echo_batch.py [--seconds S] INPUT... -o OUT …

An article's digest is its text in upper case, after ``S`` seconds; a text that
says so fails. Everything else is the real thing.
"""

from __future__ import annotations

import asyncio
import sys

from service.errors import ComputeFailed, Unavailable
from service.schema import Digest, DigestRequest, Model, Range, Usage


class Echo:
    """Answers without models."""

    window = 16

    def __init__(self, seconds: float = 0.0, revision: str = "1") -> None:
        self.seconds = seconds
        self.revision = revision
        self.requests: list[DigestRequest] = []
        self.in_work = 0
        self.most_in_work = 0

    @property
    def models(self) -> tuple[Model, ...]:
        return (Model("translator", "echo", self.revision),)

    async def __aenter__(self) -> Echo:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    async def digest(self, request: DigestRequest, repeated: tuple[Range, ...] = ()) -> Digest:
        self.requests.append(request)
        self.in_work += 1
        self.most_in_work = max(self.most_in_work, self.in_work)
        try:
            if self.seconds:
                await asyncio.sleep(self.seconds)
            text = request.article.text or request.article.html or ""
            if "fail" in text:
                raise ComputeFailed("it failed")
            if "lights out" in text:
                raise Unavailable("nobody is left")
            return Digest(
                id=request.article.id,
                headline_en=request.article.headline,
                summary_ru=text.upper(),
                usage=Usage(1, 1),
                models=self.models,
            )
        finally:
            self.in_work -= 1


class Telling(Echo):
    """Says when its first article has come."""

    async def digest(self, request: DigestRequest, repeated: tuple[Range, ...] = ()) -> Digest:
        if not self.requests:
            print("in work", file=sys.stderr, flush=True)
        return await super().digest(request, repeated)


def main() -> None:
    from service.batch import computing
    from service.cli.app import run

    arguments = sys.argv[1:]
    seconds = 0.0
    if arguments[:1] == ["--seconds"]:
        seconds, arguments = float(arguments[1]), arguments[2:]
    computing.InProcess = lambda _: Telling(seconds)
    sys.exit(run(["batch", *arguments]))


if __name__ == "__main__":
    main()
