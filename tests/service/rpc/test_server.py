"""The server's life: binding, warm-up, health, reflection, draining, signals."""

from __future__ import annotations

import asyncio
import os
import signal

import grpc.aio
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from fake_pipeline import FakePipeline, running
from service.errors import ModelUnavailable
from service.rpc.server import Listen, ListenFailed, Server, serve
from svodka.v1 import svodka_service_pb2 as pb
from svodka.v1 import svodka_service_pb2_grpc

SERVICE = "svodka.v1.SvodkaService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
REQUEST = pb.DigestRequest(article=pb.Article(text="story"))


def item(request_id: str) -> pb.DigestStreamRequest:
    return pb.DigestStreamRequest(request_id=request_id, request=REQUEST)


class Gate:
    """Work that waits until it is let through."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def __call__(self, request) -> None:
        await self.open.wait()


async def refusal(call) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await call
    return failure.value


# -- health and reflection ---------------------------------------------------------------


async def check(channel, service: str = SERVICE) -> int:
    stub = health_pb2_grpc.HealthStub(channel)
    return (await stub.Check(health_pb2.HealthCheckRequest(service=service))).status


@pytest.mark.parametrize("service", ["", SERVICE])
async def test_health_is_the_pipelines_state_at_any_moment(service):
    async with running() as r:
        for state in ("LOADING", "SERVING", "RESTARTING", "SERVING", "DRAINING", "DOWN"):
            r.pipeline.state = state
            expected = SERVING if state == "SERVING" else NOT_SERVING
            assert await check(r.channel, service) == expected


async def test_health_of_a_service_not_here_is_not_found():
    async with running() as r:
        error = await refusal(check(r.channel, "other.Service"))
        assert error.code() is grpc.StatusCode.NOT_FOUND


async def test_watchers_see_each_change_and_do_not_hinder_one_another():
    async with running(FakePipeline(state="LOADING")) as r:
        stub = health_pb2_grpc.HealthStub(r.channel)
        request = health_pb2.HealthCheckRequest(service=SERVICE)
        first, second = stub.Watch(request), stub.Watch(request)
        unknown = stub.Watch(health_pb2.HealthCheckRequest(service="other.Service"))
        assert (await unknown.read()).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
        for watch in (first, second):
            assert (await watch.read()).status == NOT_SERVING
        r.pipeline.state = "SERVING"
        assert (await first.read()).status == SERVING
        first.cancel()
        assert (await second.read()).status == SERVING
        r.pipeline.state = "RESTARTING"
        assert (await second.read()).status == NOT_SERVING


async def test_reflection_lists_the_services_and_hands_out_the_contract():
    async with running() as r:
        stub = reflection_pb2_grpc.ServerReflectionStub(r.channel)
        ask = reflection_pb2.ServerReflectionRequest
        requests = [ask(list_services=""), ask(file_containing_symbol=SERVICE)]
        listed, described = [one async for one in stub.ServerReflectionInfo(iter(requests))]
        names = {service.name for service in listed.list_services_response.service}
        assert {SERVICE, "grpc.health.v1.Health"} <= names
        files = described.file_descriptor_response.file_descriptor_proto
        parsed = [FileDescriptorProto.FromString(raw) for raw in files]
        assert "svodka/v1/svodka_service.proto" in {file.name for file in parsed}


async def test_health_answers_while_work_is_stuck():
    async with running(FakePipeline(act=Gate())) as r:
        call = r.stub.Digest(REQUEST)
        await r.pipeline.until(lambda: r.pipeline.in_work == 1)
        assert await check(r.channel) == SERVING
        call.cancel()


async def test_an_unknown_method_is_unimplemented():
    async with running() as r:
        error = await refusal(r.channel.unary_unary(f"/{SERVICE}/Guess")(b""))
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED


# -- draining ----------------------------------------------------------------------------


async def test_draining_finishes_what_was_accepted_and_takes_no_more():
    gate = Gate()
    async with running(FakePipeline(act=gate)) as r:
        stub = health_pb2_grpc.HealthStub(r.channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        assert (await watch.read()).status == SERVING
        accepted = [asyncio.ensure_future(r.stub.Digest(REQUEST)) for _ in range(3)]
        await r.pipeline.until(lambda: r.pipeline.in_work == 3)
        stop = asyncio.create_task(r.server.stop(60))
        assert (await watch.read()).status == NOT_SERVING
        assert await check(r.channel) == NOT_SERVING
        error = await refusal(r.stub.Digest(REQUEST))
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert "stopping" in error.details()
        assert dict(error.trailing_metadata())["grpc-retry-pushback-ms"]
        gate.open.set()
        assert [(await call).summary_en for call in accepted] == ["story"] * 3
        await stop  # the watcher does not hold it up
        assert r.pipeline.drained
        assert r.pipeline.closed
        assert r.pipeline.cancelled == 0


async def test_a_draining_stream_answers_what_it_has_read_and_ends_unavailable():
    gate = Gate()
    async with running(FakePipeline(act=gate)) as r:
        call = r.stub.DigestStream()
        for i in range(5):  # three are taken, two wait in the transport
            await call.write(item(str(i)))
        await r.pipeline.until(lambda: r.pipeline.in_work == 3)
        stop = asyncio.create_task(r.server.stop(60))
        error = await refusal(r.stub.Digest(REQUEST))
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        gate.open.set()
        told = {(await call.read()).request_id for _ in range(3)}
        assert told == {"0", "1", "2"}
        assert await call.code() is grpc.StatusCode.UNAVAILABLE
        assert "unanswered" in await call.details()
        await stop
        assert len(r.pipeline.seen) == 3


async def test_an_idle_stream_does_not_hold_up_the_stop():
    async with running() as r:
        call = r.stub.DigestStream()
        await call.write(item("a"))
        assert (await call.read()).request_id == "a"
        await r.server.stop(60)
        assert await call.code() is grpc.StatusCode.UNAVAILABLE


async def test_what_outlasts_the_grace_ends_unavailable_by_our_word():
    async with running(FakePipeline(act=Gate())) as r:
        call = asyncio.ensure_future(r.stub.Digest(REQUEST))
        stream = r.stub.DigestStream([item("a")])
        await r.pipeline.until(lambda: r.pipeline.in_work == 2)
        await r.server.stop(0.05)
        error = await refusal(call)
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert "svodka-request-id" in dict(error.trailing_metadata())
        # The item is left unanswered, so that it is sent again and not taken for failed.
        assert (await refusal(stream.read())).code() is grpc.StatusCode.UNAVAILABLE
        assert r.pipeline.cancelled == 2


async def test_stopping_twice_is_stopping_once():
    async with running() as r:
        await asyncio.gather(r.server.stop(1), r.server.stop(1))


# -- serve -------------------------------------------------------------------------------


class Serving:
    """``serve`` in a task of its own."""

    def __init__(self, pipeline: FakePipeline, **listen) -> None:
        self.port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        listen = Listen(address="127.0.0.1:0", **listen)
        self.task = asyncio.create_task(serve(pipeline, listen, started=self.port.set_result))

    async def channel(self) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(f"127.0.0.1:{await self.port}")


async def test_it_serves_only_once_warm_and_until_the_signal():
    pipeline = FakePipeline(state="LOADING")
    serving = Serving(pipeline)
    async with await serving.channel() as channel:
        stub = svodka_service_pb2_grpc.SvodkaServiceStub(channel)
        assert await check(channel) == NOT_SERVING
        error = await refusal(stub.Digest(REQUEST))
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        pipeline.warm.set()
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        while (await watch.read()).status != SERVING:
            pass
        assert (await stub.Digest(REQUEST)).summary_en == "story"
        os.kill(os.getpid(), signal.SIGTERM)
        await serving.task
    assert pipeline.closed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_first_signal_drains_and_the_second_stops_at_once(number):
    pipeline = FakePipeline(act=Gate())
    pipeline.warm.set()
    serving = Serving(pipeline, grace=3600)
    async with await serving.channel() as channel:
        stub = svodka_service_pb2_grpc.SvodkaServiceStub(channel)
        call = asyncio.ensure_future(stub.Digest(REQUEST))
        await pipeline.until(lambda: pipeline.in_work == 1)
        os.kill(os.getpid(), number)
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        while (await watch.read()).status != NOT_SERVING:
            pass
        assert not call.done()
        os.kill(os.getpid(), number)
        assert (await refusal(call)).code() is grpc.StatusCode.UNAVAILABLE
        await serving.task
    assert pipeline.cancelled == 1


async def test_a_signal_during_the_warm_up_stops_it():
    pipeline = FakePipeline(state="LOADING")
    serving = Serving(pipeline)
    await serving.port
    os.kill(os.getpid(), signal.SIGTERM)
    await serving.task
    assert pipeline.closed


async def test_models_that_do_not_load_end_it_with_their_reason():
    class Broken(FakePipeline):
        async def start(self) -> None:
            raise ModelUnavailable("The folder is empty; fetch the preset.")

    pipeline = Broken(state="LOADING")
    with pytest.raises(ModelUnavailable, match="fetch the preset"):
        await Serving(pipeline).task
    assert pipeline.closed


async def test_cancelling_it_stops_it():
    pipeline = FakePipeline(state="LOADING")
    serving = Serving(pipeline)
    await serving.port
    serving.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving.task
    assert pipeline.closed


async def test_a_taken_address_is_a_clear_error():
    async with running() as r:
        with pytest.raises(ListenFailed, match=r.address):
            Server(FakePipeline(), Listen(address=r.address))


async def test_an_address_of_nobody_is_a_clear_error():
    with pytest.raises(ListenFailed, match=r"no\.such\.host\.invalid"):
        Server(FakePipeline(), Listen(address="no.such.host.invalid:1"))
