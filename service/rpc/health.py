"""The standard health service (grpc.health.v1), told from the server's state.

Nothing has to be kept in step: ``Check`` asks for the state when it is asked,
and ``Watch`` looks at it a few times a second while somebody watches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

_LOOK_SECONDS = 0.2

Answer = health_pb2.HealthCheckResponse


class Health(health_pb2_grpc.HealthServicer):
    """Health of the services named, all of which stand and fall together."""

    def __init__(self, serving: Callable[[], bool], services: tuple[str, ...]) -> None:
        self._serving = serving
        self._services = services
        self._ended = False

    def end(self) -> None:
        """Lets the watchers go, once they have heard of the last change."""
        self._ended = True

    def _status(self, service: str) -> int:
        if service not in self._services:
            return Answer.SERVICE_UNKNOWN
        return Answer.SERVING if self._serving() else Answer.NOT_SERVING

    async def Check(  # noqa: N802 - the contract's name
        self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext
    ) -> Answer:
        """The state now; NOT_FOUND for a service that is not here."""
        status = self._status(request.service)
        if status == Answer.SERVICE_UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no service {request.service!r} here")
        return Answer(status=status)

    async def Watch(  # noqa: N802 - the contract's name
        self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext
    ) -> None:
        """The state now and at every change, until the caller leaves or the server stops."""
        told = None
        while not self._ended:
            status = self._status(request.service)
            if status != told:
                await context.write(Answer(status=status))
                told = status
            await asyncio.sleep(_LOOK_SECONDS)
