"""``svodka serve``: from settings to a server that runs until it is told to stop.

Imported by the command alone, since it loads what computes.
"""

from __future__ import annotations

import asyncio
import logging
import math
from importlib.metadata import version

import click
from pythonjsonlogger.json import JsonFormatter

from service.errors import SvodkaError
from service.pipeline import Pipeline
from service.rpc.callers import Allowance
from service.rpc.server import Listen, serve
from service.rpc.stream import Patience
from service.rpc.tls import Tls
from service.schema import Limits
from service.settings import EngineSettings, ServerSettings
from service.tracing import traced


def serve_forever(engine: EngineSettings, server: ServerSettings) -> int:
    """Run the server until it is told to stop; return the exit code."""
    listen = _listen(server)
    host = server.listen.rpartition(":")[0]

    def started(port: int) -> None:
        click.echo(f"svodka: listening on {host}:{port}", err=True)

    async def run() -> None:
        await serve(Pipeline(engine, _limits(server)), listen, started=started)

    _log(server.log_format)
    with traced(server.traces, version("svodka")):
        asyncio.run(run())
    return 0


def _log(form: str) -> None:
    """Log to standard error: a line for people, or an object for programs."""
    if form not in ("text", "json"):
        raise SvodkaError(f"--log-format is text or json, not {form!r}")
    formatter = (
        JsonFormatter("%(levelname)s %(name)s %(message)s", timestamp=True)
        if form == "json"
        else logging.Formatter("svodka: %(message)s")
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _limits(server: ServerSettings) -> Limits:
    return Limits(
        max_article_chars=server.max_article_chars,
        # UTF-8 takes four bytes a code point at most; a little more for the rest of the message.
        max_message_bytes=max(Limits.max_message_bytes, 4 * server.max_article_chars + 2**20),
        max_timeout=server.max_timeout,
        default_timeout=server.default_timeout,
        max_stream_items=server.max_stream_items,
    )


def _listen(server: ServerSettings) -> Listen:
    """Return where and whom to serve. Raises SvodkaError for settings that contradict."""
    if (server.tls_cert is None) != (server.tls_key is None):
        raise SvodkaError("--tls-cert and --tls-key go together; give both")
    if server.tls_client_ca and not server.tls_cert:
        raise SvodkaError("--tls-client-ca needs --tls-cert and --tls-key, too")
    tls = None
    if server.tls_cert and server.tls_key:
        tls = Tls(server.tls_cert, server.tls_key, server.tls_client_ca)
    return Listen(
        server.listen,
        grace=server.grace,
        allowance=Allowance(calls=server.caller_calls, rate=server.caller_rate or math.inf),
        tokens=server.tokens,
        tls=tls,
        insecure=server.insecure,
        guarded=server.guarded,
        reflection=not server.no_reflection,
        metrics=server.metrics,
        connection_age=server.max_connection_age,
        patience=Patience(age=server.max_connection_age, write=server.write_timeout),
    )
