"""mosec, batching as documented: `max_batch_size` and `max_wait_time`."""

from __future__ import annotations

import json
import os
import sys

from mosec import Server, Worker

from bench.peers.app import App

settings = json.loads(os.environ["PEER"])


class Model(Worker):
    """JSON in, JSON out is mosec's default."""

    def __init__(self) -> None:
        self._app = App()

    def forward(self, data: list[dict[str, str]]) -> list[dict[str, str]]:
        """One batch."""
        return self._app.answer(data)


if __name__ == "__main__":
    sys.argv[1:] = ["--address", "127.0.0.1", "--port", str(settings["port"])]
    # The defaults refuse more than 1,000 waiting and whatever takes longer than 3 s.
    sys.argv += ["--timeout", "600000", "--log-level", "error"]
    size = settings["size"] if settings["tuned"] else 16
    server = Server()
    server.append_worker(Model, max_batch_size=size, max_wait_time=50 if settings["tuned"] else 10)
    server.run()
