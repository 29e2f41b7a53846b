"""Faults of a real server with real models, injected one by one.

Each is followed by the same question: is a call answered, to the letter, by the server that
was never restarted? Which fault is promised what is a table in docs/operations.md.
"""

from __future__ import annotations

import asyncio
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.request import urlopen

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bench.bed import Server
from real_server import Running, known_phrases, running, wait_until_serving
from service.client import Client
from service.errors import Unavailable
from service.schema import TranslateRequest
from svodka.v1 import svodka_service_pb2 as pb
from svodka.v1 import svodka_service_pb2_grpc

pytestmark = pytest.mark.slow

IDLE = 2_000
PHRASES = known_phrases()
HANG = 5  # seconds on one batch after which a lane is taken for hung
Answer = health_pb2.HealthCheckResponse


@pytest.fixture(scope="module")
def disk(tmp_path_factory) -> Iterator[Path]:
    """A disk of 8 MB for the models' cache, where mounting is permitted; else a folder."""
    place = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    mounted = shutil.which("mount") and not subprocess.run(mount, capture_output=True).returncode
    yield place
    if mounted:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture(scope="module")
def metrics() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture(scope="module")
def served(disk: Path, metrics: str) -> Iterator[Running]:
    flags = ["--compute-type", "int8", "--batch-limit", str(HANG), "--metrics", metrics]
    with running(*flags, "--cache", str(disk)) as server:
        wait_until_serving(server)
        yield server


@pytest.fixture
def faulty(served: Running) -> Iterator[Running]:
    """The server, which is well before each fault and after it."""
    lives_on(served)
    yield served
    wait_until_serving(served)
    lives_on(served)
    assert served.process.poll() is None


def lives_on(server: Running) -> None:
    request = pb.TranslateRequest(text="\n".join(PHRASES), no_cache=True)
    answer = server.stub.Translate(request, timeout=120)
    assert answer.text_ru.split("\n") == list(PHRASES.values())


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def processes(server: Running, library: str) -> list[int]:
    """Those of the server's processes that have loaded a library."""
    found = []
    for folder in Server(server.address, server.process.pid).processes():
        with suppress(OSError):
            if library in (folder / "maps").read_text():
                found.append(int(folder.name))
    return found


def lane(server: Running) -> int:
    (pid,) = processes(server, "libctranslate2")
    return pid


def workers(server: Running) -> list[int]:
    """What was spawned and is no lane."""
    found = []
    for folder in Server(server.address, server.process.pid).processes():
        with suppress(OSError):
            if b"spawn_main" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return [pid for pid in found if pid != lane(server)]


def figure(metrics: str, name: str) -> float:
    with urlopen(f"http://{metrics}/metrics", timeout=20) as page:
        found = re.search(rf"^{re.escape(name)} (\S+)$", page.read().decode(), re.MULTILINE)
    assert found
    return float(found[1])


def ask(server: Running) -> grpc.Future:
    """A call that the lane has to compute."""
    return server.stub.Translate.future(
        pb.TranslateRequest(text="\n".join(PHRASES), no_cache=True), timeout=120
    )


def in_the_middle(server: Running, metrics: str) -> grpc.Future:
    """A call whose batch is in the lane, which has been stopped there for good."""
    os.kill(lane(server), signal.SIGSTOP)
    call = ask(server)
    until(lambda: figure(metrics, 'svodka_lanes{state="busy"}') == 1)
    return call


def answered(call: grpc.Future) -> bool:
    return call.result().text_ru.split("\n") == list(PHRASES.values())


# -- lanes and workers ---------------------------------------------------------------------


def test_a_lane_that_is_killed_in_the_middle_is_replaced_and_nobody_notices(faulty, metrics):
    health = health_pb2_grpc.HealthStub(faulty.channel)
    watch = health.Watch(health_pb2.HealthCheckRequest(), timeout=120)
    told = (answer.status for answer in watch)
    assert next(told) == Answer.SERVING
    before, call = lane(faulty), in_the_middle(faulty, metrics)
    os.kill(before, signal.SIGKILL)
    assert answered(call)
    assert next(told) == Answer.NOT_SERVING  # and health told the truth meanwhile
    assert next(told) == Answer.SERVING
    watch.cancel()
    assert lane(faulty) != before


def test_a_lane_that_hangs_is_replaced_and_its_call_answered(faulty, metrics):
    before = lane(faulty)
    assert answered(in_the_middle(faulty, metrics))
    assert lane(faulty) != before


def test_workers_that_are_killed_in_the_middle_are_replaced(faulty):
    before = workers(faulty)
    assert before
    for pid in before:
        os.kill(pid, signal.SIGSTOP)
    call = ask(faulty)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    assert answered(call)
    assert not set(before) & set(workers(faulty))


def test_out_of_memory_costs_the_call_at_most(faulty, metrics):
    """The lane may take no more memory than it has; then the limit is gone with its process,
    or is lifted.
    """
    pid = lane(faulty)
    status = Path(f"/proc/{pid}/status").read_text()
    size = int(re.search(r"VmSize:\s+(\d+)", status)[1]) * 1024
    resource.prlimit(pid, resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))
    english = list(PHRASES) * 4
    text = "\n\n".join(" ".join(english[n : n + 4]) for n in range(0, len(english), 4))
    article = pb.Article(text=text)
    request = pb.SummarizeRequest(article=article, skip_cleaning=True, no_cache=True)
    call = faulty.stub.Summarize.future(request, timeout=120)
    assert call.code() in (grpc.StatusCode.OK, grpc.StatusCode.INTERNAL)
    assert "memory" not in (call.details() or "")
    assert figure(metrics, 'svodka_scheduler_events_total{event="out_of_memory"}') > 0
    with suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    wait_until_serving(faulty)
    assert faulty.stub.Summarize(request, timeout=120).summary_en


# -- the models' cache -----------------------------------------------------------------------


def conversion(disk: Path) -> Path:
    (weights,) = disk.rglob("model.bin")
    return weights


def fill(disk: Path) -> Path:
    """Write a file until there is no room."""
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(b"\0" * (1 << 16)):
            pass
    return filler


def test_a_damaged_cache_is_made_again(faulty, disk):
    weights = conversion(disk)
    size = weights.stat().st_size
    weights.write_bytes(b"damaged")
    os.kill(lane(faulty), signal.SIGKILL)
    assert answered(ask(faulty))
    assert conversion(disk).stat().st_size == size


def test_a_full_disk_is_waited_for(faulty, disk):
    """Health says so, calls are told to go elsewhere or to wait, and it comes back by itself."""
    if not os.path.ismount(disk):
        pytest.skip("mounting is not permitted here")
    shutil.rmtree(conversion(disk).parent)
    filler = fill(disk)
    os.kill(lane(faulty), signal.SIGKILL)
    health = health_pb2_grpc.HealthStub(faulty.channel)
    down = pb.TranslateRequest(text="Talks failed.", no_cache=True)

    def refused() -> bool:
        with suppress(grpc.RpcError):
            faulty.stub.Translate(down, timeout=1)
            return False
        return True

    until(lambda: health.Check(health_pb2.HealthCheckRequest()).status == Answer.NOT_SERVING)
    assert refused()
    assert faulty.process.poll() is None
    filler.unlink()
    wait_until_serving(faulty)


# -- callers ---------------------------------------------------------------------------------


def test_two_thousand_idle_connections_cost_nobody_anything(faulty):
    """They have greeted and say nothing more. A new caller is answered, and they are let go."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < IDLE + 500:
        pytest.skip("so many connections are not permitted here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    resource.prlimit(faulty.process.pid, resource.RLIMIT_NOFILE, (hard, hard))
    host, _, port = faulty.address.rpartition(":")
    greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
    folder = Path(f"/proc/{faulty.process.pid}")

    def descriptors() -> int:
        return len(os.listdir(folder / "fd"))

    def memory() -> int:
        found = re.search(r"Pss:\s+(\d+)", (folder / "smaps_rollup").read_text())
        return int(found[1]) >> 10

    before, size = descriptors(), memory()
    with ExitStack() as stack:
        for _ in range(IDLE):
            connection = stack.enter_context(socket.create_connection((host, int(port))))
            connection.sendall(greeting)
        until(lambda: descriptors() >= before + IDLE)
        lives_on(faulty)
        with grpc.insecure_channel(
            faulty.address, options=[("grpc.use_local_subchannel_pool", 1)]
        ) as channel:
            stub = svodka_service_pb2_grpc.SvodkaServiceStub(channel)
            assert stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=60).version
        assert memory() - size < 0.1 * IDLE  # MB: a tenth for each
    until(lambda: descriptors() <= before + 10)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_sigterm_under_load_answers_or_refuses_everybody_and_ends_well():
    """Nothing that was accepted is lost: callers hear their answer, or that they may go elsewhere."""
    with running("--compute-type", "int8", "--grace", "60") as server:
        wait_until_serving(server)
        english, heard, going = list(PHRASES), 0, asyncio.Event()

        async def ask_until_refused(client: Client, number: int) -> None:
            nonlocal heard
            mine = english[number * 9 :][:9]
            request = TranslateRequest(text="\n".join(mine), no_cache=True, timeout=120)
            with suppress(Unavailable):
                while True:
                    answer = await client.translate(request)
                    assert (answer.text_ru or "").split("\n") == [PHRASES[en] for en in mine]
                    heard += 1
                    if heard > 60:
                        going.set()

        async with Client(server.address, attempts=1) as client, asyncio.TaskGroup() as group:
            for number in range(30):
                group.create_task(ask_until_refused(client, number))
            await going.wait()
            server.process.terminate()
        assert server.process.wait(60) == 0
