"""What can be set, declared once.

Each field here is a flag of the command line (``--batch-tokens``), a variable
(``SVODKA_BATCH_TOKENS``) and a key of ``svodka.toml`` (``batch_tokens``), in
this order of precedence; ``service.cli.options`` makes the three from the one.
Code below the command line gets the dataclass and reads nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated


@dataclass(frozen=True)
class EngineSettings:
    """The models and the machinery that runs them, in process or in a server."""

    preset: Annotated[str | None, "Preset of models; unset: news if on disk, else starter."] = None
    summarizer: Annotated[str | None, "Hub id or folder to use for the preset's summarizer."] = None
    translator: Annotated[str | None, "Hub id or folder to use for the preset's translator."] = None
    accept_license: Annotated[bool, "Use models that forbid commercial use, too."] = False
    cache: Annotated[Path | None, "Folder for built and fetched models."] = None
    device: Annotated[str, "Where models compute: cpu, cuda, cuda:N, mps; several with commas."] = (
        "cpu"
    )
    engine: Annotated[str, "What computes: auto, transformers, ctranslate2."] = "auto"
    compute_type: Annotated[
        str, "Number format: auto, float32, bfloat16, float16, int8, int8_float16."
    ] = "auto"
    threads: Annotated[int, "Threads of each lane; 0 shares the cores among the lanes."] = 0
    lanes: Annotated[
        int,
        "Processes that hold the models and compute, one per device at least; 0: what is fastest.",
    ] = 1
    workers: Annotated[int, "Processes that clean, split and encode."] = 1
    batch_tokens: Annotated[int, "Most padded tokens in one batch: memory's bound."] = 16384
    batch_seconds: Annotated[float, "Predicted seconds that one batch may last."] = 5.0
    queue_tokens: Annotated[int, "Most tokens that may wait in each priority class."] = 1_000_000
    cache_bytes: Annotated[int, "Most bytes of finished units kept for reuse."] = 64 * 2**20
    batch_limit: Annotated[float, "Seconds on one batch after which a lane is replaced."] = 300.0


@dataclass(frozen=True)
class ServerSettings:
    """The server's own."""

    listen: Annotated[str, "Address to listen on, HOST:PORT."] = "127.0.0.1:50051"
    tls_cert: Annotated[Path | None, "Certificate chain, PEM; read again when it changes."] = None
    tls_key: Annotated[Path | None, "Its private key, PEM."] = None
    tls_client_ca: Annotated[Path | None, "Take only clients with its certificates, PEM."] = None
    tokens: Annotated[Path | None, "TOML file of who may call; read again when it changes."] = None
    insecure: Annotated[bool, "Listen beyond this machine without TLS and tokens."] = False
    metrics: Annotated[str, "Address for Prometheus, HOST:PORT; unset: no metrics."] = ""
    traces: Annotated[str, "OpenTelemetry collector, http://HOST:PORT (OTLP); unset: none."] = ""
    log_format: Annotated[str, "Log lines for people or for programs: text, json."] = "text"
    guarded: Annotated[bool, "Ask for a token for health and reflection, too."] = False
    no_reflection: Annotated[bool, "Do not serve reflection."] = False
    caller_calls: Annotated[int, "Most calls, and articles in work, of one caller."] = 256
    caller_rate: Annotated[float, "Most requests a second of one caller; 0: any."] = 0.0
    max_connection_age: Annotated[float, "Seconds after which callers connect anew."] = 3600.0
    write_timeout: Annotated[float, "Seconds that a stream's answer may wait to be read."] = 60.0
    grace: Annotated[float, "Seconds that accepted work has to finish after SIGTERM."] = 30.0
    max_article_chars: Annotated[int, "Longest article, in code points."] = 2_000_000
    max_timeout: Annotated[float, "Longest deadline granted, in seconds."] = 600.0
    default_timeout: Annotated[float, "Deadline where the caller names none, in seconds."] = 300.0
    max_stream_items: Annotated[int, "Items of one stream in work at once."] = 64
