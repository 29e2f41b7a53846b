"""BentoML, adaptive batching as documented: `batchable`, `max_batch_size`, `max_latency_ms`."""

from __future__ import annotations

import json
import os

import bentoml

from bench.peers.app import App

settings = json.loads(os.environ["PEER"])
SIZE = settings["size"] if settings["tuned"] else 100
LATENCY = 600_000 if settings["tuned"] else 60_000


@bentoml.service(traffic={"timeout": 600, "concurrency": 1000}, workers=1)
class Peer:
    """One worker, one batch at a time."""

    def __init__(self) -> None:
        self._app = App()

    @bentoml.api(batchable=True, max_batch_size=SIZE, max_latency_ms=LATENCY)
    def answer(self, items: list[dict[str, str]]) -> list[dict[str, str]]:
        """One batch: each caller sends a list of one."""
        return self._app.answer(items)
