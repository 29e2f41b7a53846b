"""Who computes the digests of a job: here, the models in this process's lanes.

``servers`` is the other one. Both take any number of requests at once and leave
it to the scheduler, ours or the servers', to form the batches.
"""

from __future__ import annotations

import math
import time
from types import TracebackType
from typing import Protocol, Self

from service.pipeline import Pipeline, Terms
from service.schema import Digest, DigestRequest, Model, Priority, Range
from service.settings import EngineSettings


class Computing(Protocol):
    """Something that makes digests. ``window`` is how many articles keep it busy."""

    window: int

    @property
    def models(self) -> tuple[Model, ...]:
        """What it computes with; known once it is entered."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    async def digest(self, request: DigestRequest, repeated: tuple[Range, ...] = ()) -> Digest:
        """One article's digest; ``repeated`` are pieces that stand in many articles.

        Raises Unavailable if nothing can be computed any more, and any other
        SvodkaError for what is wrong with this article.
        """
        ...


class InProcess:
    """The models of a selection in this process's lanes, at BULK priority."""

    def __init__(self, settings: EngineSettings, window: int = 64) -> None:
        """Name the models. Raises ModelUnavailable if there are none such here."""
        self._pipeline = Pipeline(settings)
        self.window = window * self._pipeline.stats().lanes

    @property
    def models(self) -> tuple[Model, ...]:
        """See ``Computing``."""
        return self._pipeline.info.models

    async def __aenter__(self) -> Self:
        """Load the models."""
        try:
            await self._pipeline.start()
        except BaseException:
            await self._pipeline.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._pipeline.close()

    async def digest(self, request: DigestRequest, repeated: tuple[Range, ...] = ()) -> Digest:
        """See ``Computing``."""
        seconds = math.inf if request.timeout is None else request.timeout
        terms = Terms(time.monotonic() + seconds, Priority.BULK, wait=True, repeated=repeated)
        return await self._pipeline.digest(request, terms)
