"""The spans of a request's journey, and where they go: to a collector, if one is named.

They are OpenTelemetry's. Sending them takes the extra ``tracing``. No span holds a word of
an article.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from opentelemetry import trace
from opentelemetry.propagate import extract
from opentelemetry.trace import Span, SpanKind

from service.errors import SvodkaError

_NOBODY = nullcontext(trace.INVALID_SPAN)


class TracingUnavailable(SvodkaError):
    """Traces were asked for, and what sends them is not installed."""

    reason = "TRACING_UNAVAILABLE"


def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    headers: Iterable[tuple[str, str | bytes]] | None = None,
) -> AbstractContextManager[Span]:
    """A span around what is done within it; with ``headers``, a part of the trace that they name.

    While nobody listens there is none: OpenTelemetry's own way of making no span costs a tenth
    of what a refusal does.
    """
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return _NOBODY
    return trace.get_tracer("svodka").start_as_current_span(
        name,
        None if headers is None else extract(dict(headers)),
        kind,
        record_exception=False,  # an exception's text may be anything, somebody's article included
        set_status_on_exception=False,
    )


@contextmanager
def traced(collector: str, version: str) -> Iterator[None]:
    """Send spans to ``collector``, an OTLP address such as http://collector:4317; "" for none.

    The SDK's own variables (OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER …) hold. What is
    left is sent at the end. Raises TracingUnavailable.
    """
    if not collector:
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise TracingUnavailable("--traces needs: pip install 'svodka[tracing]'") from None
    name = os.environ.get("OTEL_SERVICE_NAME", "svodka")
    named = Resource.create({"service.name": name, "service.version": version})
    provider = TracerProvider(resource=named)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(collector)))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()
