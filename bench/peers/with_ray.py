"""Ray Serve, batching as documented: `@serve.batch`."""

from __future__ import annotations

import json
import os
import signal
import sys

from ray import init, serve, shutdown
from starlette.requests import Request

from bench.peers.app import App

settings = json.loads(os.environ["PEER"])
SIZE = settings["size"] if settings["tuned"] else 10
WAIT = 0.05 if settings["tuned"] else 0.01


@serve.deployment(max_ongoing_requests=1000, ray_actor_options={"num_cpus": 1})
class Peer:
    """One replica; the documentation's batch handler is a coroutine."""

    def __init__(self) -> None:
        self._app = App()

    @serve.batch(max_batch_size=SIZE, batch_wait_timeout_s=WAIT)
    async def answer(self, items: list[dict[str, str]]) -> list[dict[str, str]]:
        """One batch."""
        return self._app.answer(items)

    async def __call__(self, request: Request) -> dict[str, str]:
        """One request."""
        return await self.answer(await request.json())


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    serve.start(http_options={"host": "127.0.0.1", "port": settings["port"]})
    serve.run(Peer.bind(), name="peer", route_prefix="/")
    try:
        signal.pause()
    finally:
        serve.shutdown()
        shutdown()
