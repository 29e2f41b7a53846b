"""A server whose digests need no models, as a program of its own: prints its port, and serves.

python tests/echo_server.py [SECONDS]
"""

from __future__ import annotations

import asyncio
import sys

from fake_pipeline import FakePipeline
from service.rpc.server import Listen, Server
from service.schema import DigestRequest


async def main(seconds: float) -> None:
    async def act(_: DigestRequest) -> None:
        await asyncio.sleep(seconds)

    server = Server(FakePipeline(act=act), Listen(address="127.0.0.1:0"))
    await server.start()
    print(server.port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))
