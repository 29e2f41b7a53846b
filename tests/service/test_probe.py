"""The probe's exit code is what an orchestrator acts on."""

import socket
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import trustme
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from service import probe

Status = health_pb2.HealthCheckResponse.ServingStatus


@pytest.fixture
def server():
    """A server with the standard health service: its address, and the servicer."""
    servicer = health.HealthServicer()
    server = grpc.server(ThreadPoolExecutor(max_workers=2))
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield address, servicer
    server.stop(grace=None).wait()


@pytest.mark.parametrize(
    ("status", "code"), [("SERVING", 0), ("NOT_SERVING", 1), ("SERVICE_UNKNOWN", 1)]
)
def test_exit_code_follows_the_status(server, status, code, capsys):
    address, servicer = server
    servicer.set("", Status.Value(status))
    assert probe.main([address]) == code
    assert capsys.readouterr().err == f"{address}: {status}\n"


@pytest.mark.parametrize(("status", "code"), [("SERVING", 0), ("NOT_SERVING", 0)])
def test_alive_is_whoever_answers(server, status, code):
    address, servicer = server
    servicer.set("", Status.Value(status))
    assert probe.main([address, "--alive"]) == code
    assert probe.main(["127.0.0.1:1", "--alive"]) == 1


def test_a_server_with_tls_is_asked_by_the_name_of_its_certificate(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued = authority.issue_cert("svodka.example")
    pair = (issued.private_key_pem.bytes(), issued.cert_chain_pems[0].bytes())
    server = grpc.server(ThreadPoolExecutor(max_workers=2))
    health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), server)
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    server.start()
    asked = [f"127.0.0.1:{port}", "--ca", str(tmp_path / "ca.pem")]
    assert probe.main([*asked, "--name", "svodka.example"]) == 0
    assert probe.main(asked) == 1
    assert probe.main(asked[:1]) == 1
    server.stop(grace=None).wait()


def test_one_service_can_be_asked_for(server):
    address, servicer = server
    servicer.set("", Status.Value("NOT_SERVING"))
    servicer.set("svodka.v1.SvodkaService", Status.Value("SERVING"))
    assert probe.main([address, "svodka.v1.SvodkaService"]) == 0


def test_nobody_there_is_unhealthy_and_not_an_exception(capsys):
    with socket.socket() as bound:  # bound but not listening: connections are refused
        bound.bind(("127.0.0.1", 0))
        assert probe.main([f"127.0.0.1:{bound.getsockname()[1]}"]) == 1
    assert "UNAVAILABLE" in capsys.readouterr().err


def test_a_service_the_server_does_not_have_is_unhealthy(server, capsys):
    address, _ = server
    assert probe.main([address, "no.such.Service"]) == 1
    assert "NOT_FOUND" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["a:1", "b", "c"]])
def test_wrong_usage_is_told_apart_from_ill_health(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        probe.main(arguments)
    assert exit_.value.code == 2
    assert capsys.readouterr().err.startswith("usage:")
