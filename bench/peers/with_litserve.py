"""LitServe, batching as documented: `max_batch_size` and `batch_timeout`."""

from __future__ import annotations

import json
import os

import litserve

from bench.peers.app import App


class Api(litserve.LitAPI):
    """Batches are lists of decoded requests."""

    def setup(self, device: str) -> None:
        """Load, in the worker."""
        self._app = App()

    def decode_request(self, request: dict[str, str]) -> dict[str, str]:
        """JSON as it is."""
        return request

    def batch(self, inputs: list[dict[str, str]]) -> list[dict[str, str]]:
        """A list is all the app needs."""
        return inputs

    def predict(self, x: list[dict[str, str]]) -> list[dict[str, str]]:
        """One batch."""
        return self._app.answer(x)

    def unbatch(self, output: list[dict[str, str]]) -> list[dict[str, str]]:
        """The same list."""
        return output

    def encode_response(self, output: dict[str, str]) -> dict[str, str]:
        """JSON as it is."""
        return output


if __name__ == "__main__":
    settings = json.loads(os.environ["PEER"])
    size, wait = (settings["size"], 0.05) if settings["tuned"] else (8, 0.05)
    server = litserve.LitServer(
        Api(max_batch_size=size, batch_timeout=wait), accelerator="cpu", devices=1, timeout=False
    )
    server.run(
        host="127.0.0.1", port=settings["port"], log_level="error", generate_client_file=False
    )
