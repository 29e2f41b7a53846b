"""``python -m service.probe HOST:PORT``: is the server there ready for work?

The health check of a container that has no other client: one question to the
standard health service, exit code 0 for SERVING and 1 for everything else, with
one line on standard error that says what. It waits for nothing and retries
nothing; whoever calls it does.
"""

import sys
from collections.abc import Sequence

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

TIMEOUT = 3.0  # seconds; a healthy server answers within milliseconds


def probe(target: str, service: str = "") -> str:
    """Ask ``target`` for the status of ``service`` ("" is the whole server).

    Returns the name of the health service's status, such as ``SERVING``, or of
    the gRPC code of a call that failed, such as ``UNAVAILABLE``.
    """
    request = health_pb2.HealthCheckRequest(service=service)
    # Without this an HTTP proxy in the environment would be asked for localhost.
    with grpc.insecure_channel(target, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            stub = health_pb2_grpc.HealthStub(channel)
            answer = stub.Check(request, timeout=TIMEOUT)  # pyright: ignore[reportAttributeAccessIssue]
        except grpc.RpcError as error:
            return error.code().name
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


def main(arguments: Sequence[str]) -> int:
    """Probe ``HOST:PORT [SERVICE]`` and return the exit code."""
    if len(arguments) not in (1, 2):
        print("usage: python -m service.probe HOST:PORT [SERVICE]", file=sys.stderr)
        return 2
    status = probe(*arguments)
    print(f"{arguments[0]}: {status}", file=sys.stderr)
    return 0 if status == "SERVING" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
