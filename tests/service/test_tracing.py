"""A request's spans, as a collector on a real socket gets them."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as wire
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as collector_grpc

import real_server
from service import tracing
from svodka.v1 import svodka_service_pb2 as pb

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = ("traceparent", f"00-{TRACE}-b7ad6b7169203331-01")


class Collector(collector_grpc.TraceServiceServicer):
    def __init__(self) -> None:
        self.spans = []
        self.services = set()

    def Export(self, request, context):  # noqa: N802 - the contract's name
        for resource in request.resource_spans:
            named = {a.key: a.value.string_value for a in resource.resource.attributes}
            self.services.add(named["service.name"])
            for scope in resource.scope_spans:
                self.spans += scope.spans
        return wire.ExportTraceServiceResponse()


@pytest.fixture
def collector():
    server = grpc.server(ThreadPoolExecutor(2))
    servicer = Collector()
    collector_grpc.add_TraceServiceServicer_to_server(servicer, server)
    servicer.address = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield servicer
    server.stop(None).wait()


@pytest.mark.slow
def test_a_requests_journey_is_one_trace_without_a_word_of_its_text(collector):
    text = next(iter(real_server.known_phrases()))
    with real_server.running("--traces", collector.address) as server:
        real_server.wait_until_serving(server)
        server.stub.Translate(pb.TranslateRequest(text=text), metadata=[PARENT])
        server.process.terminate()  # what is left of the spans is sent at the end
        assert server.process.wait(60) == 0
    spans = {span.name: span for span in collector.spans if span.trace_id.hex() == TRACE}
    assert collector.services == {"svodka"}
    assert {"svodka.v1.SvodkaService/Translate", "read_and_draft", "compute", "review"} <= set(
        spans
    )
    call = spans["svodka.v1.SvodkaService/Translate"]
    assert call.parent_span_id.hex() == PARENT[1].split("-")[2]
    assert spans["compute"].parent_span_id == call.span_id
    assert text.encode() not in b"".join(span.SerializeToString() for span in collector.spans)


def test_asking_for_traces_without_what_sends_them_says_what_to_install():
    code = (
        "import sys; sys.modules['opentelemetry.sdk.trace'] = None\n"
        "from service.cli.app import run\n"
        "sys.exit(run(['serve', '--traces', 'http://127.0.0.1:1', '--listen', '127.0.0.1:0']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'svodka[tracing]'" in done.stderr


def test_no_collector_no_spans():
    with tracing.traced("", "1"):
        pass
