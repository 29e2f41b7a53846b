"""TLS and mTLS over a real socket; certificates that are replaced while the server runs."""

from __future__ import annotations

import grpc.aio
import pytest
import trustme

from fake_pipeline import FakePipeline
from service.rpc.server import Listen, ListenFailed, Server
from service.rpc.tls import Tls, TlsInvalid
from svodka.v1 import svodka_service_pb2 as pb
from svodka.v1 import svodka_service_pb2_grpc


class Files:
    """A certificate, its key and the clients' authority, as files."""

    def __init__(self, folder) -> None:
        self.certificate = folder / "server.crt"
        self.key = folder / "server.key"
        self.client_ca = folder / "clients.crt"

    def put(self, authority: trustme.CA) -> None:
        issued = authority.issue_cert("localhost")
        self.certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        self.key.write_bytes(issued.private_key_pem.bytes())


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


async def ask(server, authority: trustme.CA, client: trustme.LeafCert | None = None) -> str:
    """The name of the status that a new connection's call gets."""
    pair = (client.private_key_pem.bytes(), client.cert_chain_pems[0].bytes()) if client else ()
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes(), *pair)
    # Channels to one address share a connection, unless they are told not to.
    alone = [("grpc.use_local_subchannel_pool", 1)]
    address = f"localhost:{server.port}"
    async with grpc.aio.secure_channel(address, credentials, options=alone) as channel:
        stub = svodka_service_pb2_grpc.SvodkaServiceStub(channel)
        try:
            await stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=20)
        except grpc.aio.AioRpcError as error:
            return error.code().name
    return "OK"


async def served(tls: Tls, **listen) -> Server:
    server = Server(FakePipeline(), Listen("127.0.0.1:0", tls=tls, **listen))
    await server.start()
    return server


async def test_a_certificate_is_replaced_without_a_restart(files):
    old, new = trustme.CA(), trustme.CA()
    files.put(old)
    server = await served(Tls(files.certificate, files.key))
    assert await ask(server, old) == "OK"
    assert await ask(server, new) == "UNAVAILABLE"
    files.put(new)
    assert await ask(server, new) == "OK"
    assert await ask(server, old) == "UNAVAILABLE"
    await server.stop(0)


async def test_while_files_are_half_replaced_the_old_certificate_goes_on(files):
    old, new = trustme.CA(), trustme.CA()
    files.put(old)
    server = await served(Tls(files.certificate, files.key))
    key = files.key.read_bytes()
    files.key.write_bytes(new.issue_cert("localhost").private_key_pem.bytes())  # not its key
    assert await ask(server, old) == "OK"
    files.key.write_bytes(key[: len(key) // 2])
    assert await ask(server, old) == "OK"
    files.key.unlink()
    assert await ask(server, old) == "OK"
    files.put(new)
    assert await ask(server, new) == "OK"
    await server.stop(0)


async def test_with_a_client_authority_only_its_clients_come_in_and_are_named(files):
    ours, stranger = trustme.CA(), trustme.CA()
    files.put(ours)
    files.client_ca.write_bytes(ours.cert_pem.bytes())
    server = await served(Tls(files.certificate, files.key, files.client_ca))
    newsroom = ours.issue_cert("newsroom.example", common_name="newsroom")
    assert await ask(server, ours) == "UNAVAILABLE"
    assert await ask(server, ours, stranger.issue_cert("x.example")) == "UNAVAILABLE"
    assert await ask(server, ours, newsroom) == "OK"
    assert "newsroom" in server._callers._strangers
    files.client_ca.write_bytes(stranger.cert_pem.bytes())
    assert await ask(server, ours, newsroom) == "UNAVAILABLE"
    await server.stop(0)


def test_bad_files_are_told_at_the_start_by_name(files):
    with pytest.raises(TlsInvalid, match=r"server\.crt cannot be read"):
        Tls(files.certificate, files.key).credentials()
    files.put(trustme.CA())
    with pytest.raises(TlsInvalid, match=r"server\.key holds no certificate"):
        Tls(files.key, files.key).credentials()
    with pytest.raises(TlsInvalid, match=r"server\.crt holds no private key"):
        Tls(files.certificate, files.certificate).credentials()


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "svodka.example:50051"])
async def test_listening_to_everybody_must_be_said(address):
    with pytest.raises(ListenFailed, match="--insecure"):
        Server(FakePipeline(), Listen(address))


@pytest.mark.parametrize("address", ["127.0.0.1:0", "localhost:0", "127.1.2.3:0"])
async def test_this_machine_alone_needs_no_lock(address):
    server = Server(FakePipeline(), Listen(address))
    assert server.port
    await server.stop(0)


async def test_an_open_door_may_be_asked_for():
    server = Server(FakePipeline(), Listen("0.0.0.0:0", insecure=True))
    assert server.port
    await server.stop(0)
