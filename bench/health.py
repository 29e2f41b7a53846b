"""How fast does the server answer its health checks while batches compute?

    svodka serve --metrics 127.0.0.1:9090 &
    python -m bench.health --source sentences.txt [--server HOST:PORT] [--seconds 60]
                           [--metrics HOST:PORT]

32 callers keep the server busy translating the lines of a file; meanwhile health is
asked every 20 ms. Prints one table: the times to answer, in milliseconds, idle and
under load. A health check waits for nothing but the event loop, so this is also a
measure of how free the loop is; the last row is the loop's own, from the server's
watchdog: how late it was over the last minute of the load.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import re
import statistics
import time
from pathlib import Path

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bench.bed import metrics_of
from service.client import Client
from service.schema import TranslateRequest

CALLERS = 32
LINES = 10  # a request
PAUSE = 0.02  # seconds between two checks


async def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="English text, a line each")
    parser.add_argument("--server", default="127.0.0.1:50051", help="HOST:PORT")
    parser.add_argument("--seconds", type=float, default=60.0, help="of load")
    parser.add_argument("--metrics", help="HOST:PORT of the server's metrics")
    given = parser.parse_args()
    lines = given.source.read_text("utf-8").splitlines()
    async with grpc.aio.insecure_channel(given.server) as channel, Client(given.server) as client:
        health = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest()
        async for answer in health.Watch(request):
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                break
        idle = await checks(health, 5.0)
        texts = itertools.cycle(
            "\n".join(lines[n : n + LINES]) for n in range(0, len(lines) - LINES, LINES)
        )
        callers = [asyncio.create_task(call(client, texts)) for _ in range(CALLERS)]
        loaded = await checks(health, given.seconds)
        lag = await asyncio.to_thread(loop_lag, given.metrics) if given.metrics else None
        for caller in callers:
            caller.cancel()
        answers = await asyncio.gather(*callers, return_exceptions=True)
    for answer in answers:
        if not isinstance(answer, asyncio.CancelledError):
            raise SystemExit(f"a caller failed: {answer!r}")
    print(f"{'':<8} {'checks':>7} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}")
    for name, times in (("idle", idle), ("loaded", loaded)):
        p99 = statistics.quantiles(times, n=100)[98]
        figures = f"{statistics.median(times):8.1f} {p99:8.1f} {max(times):8.1f}"
        print(f"{name:<8} {len(times):7} {figures}")
    if lag:
        print(f"{'loop':<8} {'':7} {lag['0.5']:8.1f} {lag['0.99']:8.1f} {lag['1']:8.1f}")
    print(f"\n{CALLERS} callers, {LINES} lines a request, load {os.getloadavg()[0]:.1f}")


def loop_lag(address: str) -> dict[str, float]:
    """The server's ``svodka_loop_lag_seconds``: milliseconds by quantile."""
    pattern = r'^svodka_loop_lag_seconds{quantile="(.*)"} (.*)$'
    return {
        name: 1000 * float(value)
        for name, value in re.findall(pattern, metrics_of(address), re.MULTILINE)
    }


async def checks(health: health_pb2_grpc.HealthStub, seconds: float) -> list[float]:
    """Ask for so long; the milliseconds of each answer."""
    times: list[float] = []
    end = time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        await health.Check(health_pb2.HealthCheckRequest())
        times.append(1000 * (time.monotonic() - began))
        await asyncio.sleep(PAUSE)
    return times


async def call(client: Client, texts: itertools.cycle[str]) -> None:
    """One caller, for ever: a request as soon as the last is answered."""
    while True:
        await client.translate(TranslateRequest(text=next(texts), no_cache=True, timeout=600))


if __name__ == "__main__":
    asyncio.run(main())
