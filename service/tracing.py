"""Where the spans of a request's journey go: to an OpenTelemetry collector, if one is named.

The spans themselves are made where the work is done, with OpenTelemetry's API, which
costs next to nothing while nobody listens. Sending them takes the extra ``tracing``.
No span holds a word of an article.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from service.errors import SvodkaError


class TracingUnavailable(SvodkaError):
    """Traces were asked for, and what sends them is not installed."""

    reason = "TRACING_UNAVAILABLE"


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
        from opentelemetry import trace
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
