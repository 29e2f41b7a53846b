"""A job that servers compute: several, dying, busy, behind TLS and tokens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import grpc.aio
import pytest
import trustme

from fake_pipeline import FakePipeline, running
from service.batch.servers import Servers
from service.client import Access, Client
from service.errors import Overloaded, Unauthenticated, Unavailable
from service.rpc.server import Listen, Server
from service.rpc.tls import Tls
from service.schema import Article, DigestRequest, Range
from svodka.v1 import svodka_service_pb2 as pb
from svodka.v1 import svodka_service_pb2_grpc

ROOT = Path(__file__).parents[3]


def articles(count):
    return [{"id": f"a{n}", "text": f"Story number {n}."} for n in range(count)]


@pytest.fixture
def echo_server():
    """Start one as a process; all are killed at the end."""
    started = []

    def start(seconds: float) -> tuple[subprocess.Popen[str], str]:
        path = os.pathsep.join([str(ROOT), str(ROOT / "proto"), str(ROOT / "tests")])
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/echo_server.py"), str(seconds)],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        return process, f"127.0.0.1:{process.stdout.readline().strip()}"

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


async def test_one_of_two_servers_is_killed_and_nothing_is_lost(batch, dump, echo_server) -> None:
    first, one = echo_server(0.005)
    _, two = echo_server(0.02)

    class Killing(Servers):
        answers = 0

        async def digest(self, request, repeated=()):
            digest = await super().digest(request, repeated)
            self.answers += 1
            if self.answers == 40:
                first.send_signal(signal.SIGKILL)
            return digest

    ran = await batch(dump(*articles(300)), echo=Killing([one, two]))
    assert first.wait() == -signal.SIGKILL
    assert Counter(line["id"] for line in ran.lines) == Counter(f"a{n}" for n in range(300))
    assert ran.errors == []


async def test_busy_servers_are_asked_again_when_they_say(batch, dump) -> None:
    refusals = Counter()

    async def act(request: DigestRequest) -> None:
        refusals[request.article.id] += 1
        if refusals[request.article.id] < 3:
            raise Overloaded("full", retry_after=0.01)

    async with running(FakePipeline(act=act)) as server:
        ran = await batch(dump(*articles(5)), echo=Servers([server.address]))
    assert len(ran.lines) == 5
    assert set(refusals.values()) == {3}


async def test_when_all_servers_are_gone_the_job_ends_and_resumes(batch, dump) -> None:
    path = dump(*articles(30))
    async with running() as server:

        class Stopping(Servers):
            async def digest(self, request, repeated=()):
                digest = await super().digest(request, repeated)
                if request.article.id == "a7":
                    await server.server.stop(0)
                return digest

        with pytest.raises(Unavailable, match="no server answers any more"):
            await batch(path, echo=Stopping([server.address], give_up=0.0))
    async with running() as server:
        ran = await batch(path, echo=Servers([server.address]), resume=True)
    assert Counter(line["id"] for line in ran.lines) == Counter(f"a{n}" for n in range(30))
    assert ran.errors == []


async def test_a_server_with_other_models_is_left_out(batch, dump, caplog) -> None:
    class Other(FakePipeline):
        @property
        def info(self):
            import dataclasses

            return dataclasses.replace(super().info, models=())

    async with running() as one, running(Other()) as two:
        ran = await batch(dump(*articles(20)), echo=Servers([one.address, two.address]))
    assert len(ran.lines) == 20
    assert not two.pipeline.seen
    assert "other models" in caplog.text


async def test_repeated_pieces_are_excluded_at_servers() -> None:
    async with running() as server, Servers([server.address]) as servers:
        await servers.digest(DigestRequest(Article(text="Hello there.")), (Range(0, 5),))
    ((request, _),) = server.pipeline.seen
    assert request.excluded == (Range(0, 5),)


async def test_tls_and_tokens_are_spoken(tmp_path) -> None:
    authority = trustme.CA()
    issued, shown = authority.issue_cert("localhost"), authority.issue_cert("me@example.org")
    ca, chain, key = (tmp_path / name for name in ("ca", "chain", "key"))
    authority.cert_pem.write_to_path(ca)
    chain.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(key)
    mine, my_key = tmp_path / "mine", tmp_path / "my.key"
    mine.write_bytes(b"".join(pem.bytes() for pem in shown.cert_chain_pems))
    shown.private_key_pem.write_to_path(my_key)
    server = Server(FakePipeline(), Listen("127.0.0.1:0", tls=Tls(chain, key, client_ca=ca)))
    await server.start()
    address = f"localhost:{server.port}"
    async with Client(address, access=Access(ca=ca, certificate=mine, key=my_key)) as client:
        assert (await client.server_info()).version == "1.2.3"
    with pytest.raises(Unavailable):
        async with Client(address, access=Access(ca=ca), attempts=1) as client:
            await client.server_info()
    await server.stop(0)


async def test_a_refused_token_ends_the_job_at_once(batch, dump) -> None:
    heard = []

    class Guarded(svodka_service_pb2_grpc.SvodkaServiceServicer):
        async def GetServerInfo(self, request, context):  # noqa: N802 - the contract's name
            heard.append(dict(context.invocation_metadata()).get("authorization"))
            if heard[-1] != "Bearer sesame":
                await context.abort(grpc.StatusCode.UNAUTHENTICATED, "no")
            return pb.GetServerInfoResponse(version="2")

    server = grpc.aio.server()
    svodka_service_pb2_grpc.add_SvodkaServiceServicer_to_server(Guarded(), server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    with pytest.raises(Unauthenticated):
        await batch(dump(*articles(1)), echo=Servers([address], Access(token="wrong")))
    async with Client(address, access=Access(token="sesame")) as client:
        assert (await client.server_info()).version == "2"
    await server.stop(0)
