"""``python -m service.probe HOST:PORT``: is the server there ready for work?

The health check of a container that has no other client: one question to the
standard health service, exit code 0 for SERVING and 1 for everything else, with
one line on standard error that says what. ``--alive`` is content with any answer:
a server that loads or drains is not to be killed for it. ``--ca FILE`` asks over
TLS. It waits for nothing and retries nothing; whoever calls it does.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

TIMEOUT = 3.0  # seconds; a healthy server answers within milliseconds

_OPTIONS = [
    # Without this an HTTP proxy in the environment would be asked for localhost.
    ("grpc.enable_http_proxy", 0),
    # One question, one answer.
    ("grpc.enable_retries", 0),
]


def probe(target: str, service: str = "", *, ca: Path | None = None, name: str = "") -> str:
    """Ask ``target`` for the status of ``service`` ("" is the whole server).

    With ``ca``, a PEM file, over TLS; ``name`` is what the certificate is for,
    where that is not the target's host. Returns the name of the health service's
    status, such as ``SERVING``, or of the gRPC code of a call that failed, such
    as ``UNAVAILABLE``.
    """
    request = health_pb2.HealthCheckRequest(service=service)
    with _channel(target, ca, name) as channel:
        try:
            stub = health_pb2_grpc.HealthStub(channel)
            answer = stub.Check(request, timeout=TIMEOUT)  # pyright: ignore[reportAttributeAccessIssue]
        except grpc.RpcError as error:
            return error.code().name
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


def _channel(target: str, ca: Path | None, name: str) -> grpc.Channel:
    if ca is None:
        return grpc.insecure_channel(target, options=_OPTIONS)
    options = [*_OPTIONS, *([("grpc.ssl_target_name_override", name)] if name else [])]
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(ca.read_bytes()), options)


def main(arguments: Sequence[str]) -> int:
    """Probe as the arguments say and return the exit code."""
    parser = argparse.ArgumentParser("python -m service.probe", description="Is it serving?")
    parser.add_argument("target", metavar="HOST:PORT")
    parser.add_argument("service", nargs="?", default="", help="default: the whole server")
    parser.add_argument("--alive", action="store_true", help="any answer will do")
    parser.add_argument("--ca", type=Path, help="ask over TLS; the authority's PEM file")
    parser.add_argument("--name", default="", help="what the certificate is for")
    asked = parser.parse_args(arguments)
    status = probe(asked.target, asked.service, ca=asked.ca, name=asked.name)
    print(f"{asked.target}: {status}", file=sys.stderr)
    good = _ANSWERS if asked.alive else ("SERVING",)
    return 0 if status in good else 1


_ANSWERS = ("SERVING", "NOT_SERVING")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
