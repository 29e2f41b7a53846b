"""A plain grpc.aio server that computes each request when it comes, one by one.

The model runs in a thread, so that the event loop stays free.
"""

from __future__ import annotations

import asyncio
import json
import os
from concurrent.futures import ThreadPoolExecutor

import grpc.aio

from bench.peers.app import App

settings = json.loads(os.environ["PEER"])


async def main() -> None:
    """Serve until killed."""
    model = ThreadPoolExecutor(1)
    loop = asyncio.get_running_loop()
    app = await loop.run_in_executor(model, App)

    async def answer(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        (reply,) = await loop.run_in_executor(model, app.answer, [json.loads(request)])
        return json.dumps(reply).encode()

    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(answer)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("Peer", {"Answer": handler}),)
    )
    server.add_insecure_port(f"127.0.0.1:{settings['port']}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
