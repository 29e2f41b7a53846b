"""The server: binds, warms up behind a closed door, serves, drains, stops."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from time import monotonic

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from service.errors import SvodkaError
from service.rpc.callers import Allowance, Callers
from service.rpc.calls import Calls
from service.rpc.health import Health
from service.rpc.interceptors import SERVICE, Boundary
from service.rpc.metrics import Metrics
from service.rpc.servicer import Pipeline, Servicer
from service.rpc.stream import Patience
from service.rpc.tls import Tls
from service.schema import Limits
from service.tidying import settle, tidy
from svodka.v1 import svodka_service_pb2_grpc

# For requests that were on their way when the door closed: each hears that it is to go
# elsewhere. Where there are none, this takes no time.
_GOODBYE_SECONDS = 5.0

_logger = logging.getLogger(__name__)


class ListenFailed(SvodkaError):
    """The address cannot be listened on."""

    reason = "LISTEN_FAILED"


@dataclass(frozen=True)
class Listen:
    """Where and how to serve, and whom.

    ``grace`` is in seconds, ``max_calls`` counts the calls in work of all callers,
    ``allowance`` is one caller's. Without ``tls`` the wire is plain; without
    ``tokens`` everybody is let in. ``insecure`` says that both may be missing
    where others than this machine can reach the address. ``guarded``: health and
    reflection want a token, too. ``metrics`` is an address of their own, "" for none.
    """

    address: str = "127.0.0.1:50051"
    grace: float = 30.0
    max_calls: int = 1024
    allowance: Allowance = field(default_factory=Allowance)
    tokens: Path | None = None
    tls: Tls | None = None
    insecure: bool = False
    guarded: bool = False
    reflection: bool = True
    metrics: str = ""
    connection_age: float = 3600.0
    patience: Patience = field(default_factory=Patience)


class Server:
    """One listening server over one pipeline. Belongs to one event loop."""

    def __init__(self, pipeline: Pipeline, listen: Listen) -> None:
        """Bind the address. Raises ListenFailed, TokensInvalid, TlsInvalid."""
        _insist_on_a_lock(listen)
        self._pipeline = pipeline
        self._calls = Calls(listen.max_calls)
        self._callers = Callers(listen.allowance, listen.tokens)
        self._chores: list[asyncio.Task[None]] = []
        self.metrics = Metrics()
        self._grpc = grpc.aio.server(
            interceptors=(
                Boundary(self._calls, self._callers, self.metrics, guarded=listen.guarded),
            ),
            options=_options(pipeline.info.limits, listen.connection_age),
        )
        svodka_service_pb2_grpc.add_SvodkaServiceServicer_to_server(
            Servicer(pipeline, self._calls, self.metrics, listen.patience), self._grpc
        )
        self._health = Health(self._is_serving, ("", SERVICE))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        if listen.reflection:
            names = (SERVICE, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name)
            reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), self._grpc)
        try:
            if listen.tls is None:
                self.port = self._grpc.add_insecure_port(listen.address)
            else:
                self.port = self._grpc.add_secure_port(listen.address, listen.tls.credentials())
        except RuntimeError:
            self.port = 0
        if not self.port:
            raise ListenFailed(
                f"Cannot listen on {listen.address}: the address is in use or not this machine's."
            )

    async def start(self) -> None:
        """Answers from now on; work is refused until the pipeline is warm."""
        chores = (self._callers.watch(), tidy())
        self._chores = [asyncio.create_task(chore) for chore in chores]
        await self._grpc.start()

    async def stop(self, grace: float) -> None:
        """Takes no more work, lets the rest finish for ``grace`` seconds, and stops.

        What is still in work then, or at ``expel``, ends UNAVAILABLE.
        """
        end = monotonic() + grace
        await self._calls.drain(grace)  # health says NOT_SERVING from its first moment on
        await self._pipeline.drain(max(end - monotonic(), 0.0))
        self._health.end()
        await self._grpc.stop(_GOODBYE_SECONDS)
        for chore in self._chores:
            chore.cancel()
        await self._pipeline.close()

    def expel(self) -> None:
        """Ends all work now; cuts the grace of a ``stop`` short."""
        self._calls.expel()

    def _is_serving(self) -> bool:
        return self._pipeline.state == "SERVING" and not self._calls.closing.is_set()


async def serve(
    pipeline: Pipeline, listen: Listen, *, started: Callable[[int], None] = lambda port: None
) -> None:
    """Serves until SIGTERM or SIGINT, then drains; a second signal stops at once.

    ``started`` is called with the port as soon as the server answers, which is
    before it is warm. Raises ListenFailed, and ModelUnavailable when the warm-up
    fails.
    """
    server = Server(pipeline, listen)
    asked = asyncio.Event()

    def signalled() -> None:
        if asked.is_set():
            server.expel()
        asked.set()

    with contextlib.ExitStack() as stack:
        stack.enter_context(_signals(signalled))
        if listen.metrics:
            port = stack.enter_context(server.metrics.served(listen.metrics, pipeline.stats))
            _logger.info("metrics on port %d", port)
        await server.start()
        started(server.port)
        grace = 0.0
        warming = asyncio.create_task(_warm_up(pipeline))
        stopping = asyncio.create_task(asked.wait())
        try:
            await asyncio.wait((warming, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not stopping.done():
                warming.result()
                await stopping
            grace = listen.grace
            _logger.info("stopping within %.0f s; a second signal stops at once", grace)
        finally:
            warming.cancel()
            stopping.cancel()
            await server.stop(grace)


async def _warm_up(pipeline: Pipeline) -> None:
    began = monotonic()
    await pipeline.start()
    settle()
    _logger.info("serving; warm after %.1f s", monotonic() - began)


@contextlib.contextmanager
def _signals(called: Callable[[], None]) -> Iterator[None]:
    """Calls ``called`` at SIGTERM and SIGINT, where the loop can hear signals at all."""
    loop = asyncio.get_running_loop()
    heard = []
    # Only a Unix main thread hears signals; elsewhere the caller stops us by cancelling.
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, called)
            heard.append(number)
    try:
        yield
    finally:
        for number in heard:
            loop.remove_signal_handler(number)


def _insist_on_a_lock(listen: Listen) -> None:
    """Raise ListenFailed for a door that stands open to others than this machine."""
    if listen.tls or listen.tokens:
        if not listen.tls and not _is_loopback(listen.address):
            _logger.warning("tokens travel in clear on %s; encrypt with TLS", listen.address)
        return
    if not listen.insecure and not _is_loopback(listen.address):
        raise ListenFailed(
            f"{listen.address} can be reached from outside, and everybody would be let in: give "
            "--tls-cert and --tls-key, or --tokens, or say --insecure if the network is closed."
        )


def _is_loopback(address: str) -> bool:
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _options(limits: Limits, connection_age: float) -> list[tuple[str, int]]:
    return [
        # A second server on the same port is a mistake to be told, not to share the load.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", limits.max_message_bytes),
        ("grpc.max_send_message_length", -1),
        # Find out about callers that vanished without a word; let them do the same.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
        # Connections come back now and then, so that new servers get their share; what is
        # under way on an old one has the longest deadline's time to finish.
        ("grpc.max_connection_age_ms", round(connection_age * 1000)),
        ("grpc.max_connection_age_grace_ms", round(limits.max_timeout * 1000)),
        ("grpc.max_connection_idle_ms", 300_000),
    ]
