"""A real server on a real socket, with models whose every answer is known.

The translator is the tiny trained Marian of tests/data; the summarizer is the
starter's, which chooses an article's own sentences. So a digest of an article
made of known phrases has known Russian.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc

from svodka.v1 import svodka_service_pb2_grpc

DATA = Path(__file__).parent / "data"
MARIAN = DATA / "tiny-marian-en-ru"
SAMPLE = Path(__file__).parent.parent / "samples" / "nato-2014.txt"


def known_phrases() -> dict[str, str]:
    with (MARIAN / "phrases.tsv").open(encoding="utf-8", newline="") as file:
        return dict(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


class Running:
    """A server's process and its address."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process = process
        self.address = address
        self.channel = grpc.insecure_channel(address)
        self.stub = svodka_service_pb2_grpc.SvodkaServiceStub(self.channel)


@contextmanager
def running(*flags: str) -> Iterator[Running]:
    """Start ``svodka serve`` with the tiny models, and kill it at the end if it is still there."""
    command = [sys.executable, "-m", "service.cli", "serve", "--listen", "127.0.0.1:0"]
    command += ["--preset", "starter", "--translator", str(MARIAN), *flags]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    reader: threading.Thread | None = None
    try:
        for line in process.stderr:
            sys.stderr.write(line)
            if "listening on" in line:
                break
        else:
            raise AssertionError("the server did not start; its own words are above")
        # Read on, so that the server never waits for us and its words are told with a failure.
        reader = threading.Thread(target=sys.stderr.writelines, args=(process.stderr,))
        reader.start()
        yield Running(process, line.split()[-1])
    finally:
        process.kill()
        process.wait()
        if reader:
            reader.join()
        process.stderr.close()


def wait_until_serving(server: Running) -> None:
    """Block on the health service until the models are warm."""
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    health = health_pb2_grpc.HealthStub(server.channel)
    serving = health_pb2.HealthCheckResponse.SERVING
    for answer in health.Watch(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=300):
        if answer.status == serving:
            return
