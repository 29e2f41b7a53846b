"""Who computes: the models in this process's lanes, or a server.

Either way the commands get answers one by one, in the order of their inputs,
while up to ``AT_ONCE`` requests are in work, enough to fill the batches.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from service.errors import SvodkaError
from service.settings import EngineSettings

if TYPE_CHECKING:
    from service.client import Access

AT_ONCE = 32

Ask = Callable[[Any], Awaitable[Any]]


async def answers(
    rpc: str,
    requests: Iterator[tuple[str, Any]],
    server: str | None,
    access: Access,
    settings: EngineSettings,
) -> AsyncIterator[tuple[str, Any]]:
    """Yield each request's name with its answer, or with the SvodkaError it came to.

    ``access`` is how the ``server`` is reached, if one is asked. Nothing is loaded before
    there is a request that can be asked.
    """
    for name, request in requests:
        if not isinstance(request, SvodkaError):
            requests = chain([(name, request)], requests)
            break
        yield name, request
    else:
        return
    async with _backend(rpc, server, access, settings) as ask:
        pending: deque[tuple[str, asyncio.Task[Any]]] = deque()
        try:
            for name, request in requests:
                pending.append((name, asyncio.create_task(_outcome(ask, request))))
                if len(pending) >= AT_ONCE:
                    name, task = pending.popleft()
                    yield name, await task
            while pending:
                name, task = pending.popleft()
                yield name, await task
        finally:
            for _, task in pending:
                task.cancel()


async def _outcome(ask: Ask, request: Any) -> Any:
    """Return the answer, or the error: the request's own, or one it came with."""
    if isinstance(request, SvodkaError):
        return request
    try:
        return await ask(request)
    except SvodkaError as error:
        return error
    except Exception as error:  # a defect of ours: it costs this input, not the others
        logging.getLogger(__name__).exception("this is a defect; please report it")
        return SvodkaError(f"internal error ({type(error).__name__})")


@asynccontextmanager
async def _backend(
    rpc: str, server: str | None, access: Access, settings: EngineSettings
) -> AsyncIterator[Ask]:
    if server:
        from service.client import Client

        async with Client(server, access=access) as client:
            yield getattr(client, rpc)
        return

    from service.pipeline import Pipeline, Terms

    pipeline = Pipeline(settings)
    try:
        await _load(pipeline)
        method = getattr(pipeline, rpc)

        async def ask(request: Any) -> Any:
            seconds = request.timeout or float("inf")
            return await method(request, Terms(deadline=time.monotonic() + seconds, wait=True))

        yield ask
    finally:
        await pipeline.close()


async def _load(pipeline: Any) -> None:
    """Start the pipeline, with a note of what is being loaded and how long it took."""
    names = ", ".join(f"{model.role} {model.name}" for model in pipeline.info.models)
    preset = f"preset {pipeline.info.preset}: " if pipeline.info.preset else ""
    click.echo(f"svodka: loading {preset}{names} …", err=True)
    began = time.monotonic()
    await pipeline.start()
    click.echo(f"svodka: ready in {time.monotonic() - began:.1f} s", err=True)
