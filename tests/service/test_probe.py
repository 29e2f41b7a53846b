"""The probe's exit code is what an orchestrator acts on."""

import socket
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
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
    assert probe.main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage:")
