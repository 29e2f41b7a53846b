"""DigestStream over a real socket: order, errors, bounds, callers that leave or never read."""

from __future__ import annotations

import asyncio
import logging
import time

import grpc.aio
import pytest

from fake_pipeline import FakePipeline, running
from service.errors import EmptyArticle, Overloaded, Unavailable, Violation
from service.rpc.stream import ItemStream
from service.schema import Limits, Priority
from svodka.v1 import svodka_service_pb2 as pb


def item(request_id: str, text: str = "story", **fields) -> pb.DigestStreamRequest:
    request = pb.DigestRequest(article=pb.Article(id=request_id, text=text), **fields)
    return pb.DigestStreamRequest(request_id=request_id, request=request)


async def answers(call) -> dict[str, str]:
    """What each item got: its summary, or the reason of its error."""
    return {
        response.request_id: response.error.reason or response.digest.summary_en
        async for response in call
    }


async def forever(request) -> None:
    await asyncio.Event().wait()


async def test_all_are_answered_and_the_stream_ends_well():
    async with running() as r:
        call = r.stub.DigestStream(item(str(i), f"text {i}") for i in range(50))
        assert await answers(call) == {str(i): f"text {i}" for i in range(50)}
        assert await call.code() is grpc.StatusCode.OK
        assert dict(await call.trailing_metadata())["svodka-request-id"]
        assert r.pipeline.most_in_work <= 3


async def test_an_empty_stream_ends_well():
    async with running() as r:
        assert await answers(r.stub.DigestStream(())) == {}


async def test_answers_come_as_they_finish():
    gates = {name: asyncio.Event() for name in "abc"}

    async def act(request) -> None:
        await gates[request.article.id].wait()

    async with running(FakePipeline(act=act)) as r:
        call = r.stub.DigestStream(item(name) for name in "abc")
        for name in "bca":
            gates[name].set()
            assert (await call.read()).request_id == name
        assert await call.read() is grpc.aio.EOF


async def test_stream_work_is_bulk_and_waits_for_room():
    async with running() as r:
        await answers(r.stub.DigestStream([item("a"), item("b", priority=pb.PRIORITY_INTERACTIVE)]))
        terms = {request.article.id: terms for request, terms in r.pipeline.seen}
        assert (terms["a"].priority, terms["a"].wait) == (Priority.BULK, True)
        assert (terms["b"].priority, terms["b"].wait) == (Priority.INTERACTIVE, True)


async def test_one_bad_item_never_ends_the_stream():
    async def act(request) -> None:
        match request.article.text:
            case "empty":
                raise EmptyArticle(Violation("article", "is empty"))
            case "full":
                raise Overloaded("full", retry_after=2)
            case "down":
                raise Unavailable("restarting")
            case "bug":
                raise KeyError("secret")
            case "late":
                await forever(request)

    async with running(FakePipeline(act=act)) as r:
        call = r.stub.DigestStream(
            [
                item("1", "empty"),
                item("2", "full"),
                item("3", "bug"),
                item("4", "late", timeout={"nanos": 1_000_000}),
                item("5", "past", timeout={}),
                item("6", "x" * 10_001),
                pb.DigestStreamRequest(request_id="7"),
                item("8", "down"),
                item("9", "fine"),
                item("", "nameless"),
            ]
        )
        errors = {}
        async for response in call:
            errors[response.request_id] = response.error
            assert response.HasField("digest") == (response.request_id == "9")
        codes = {name: (e.code, e.reason) for name, e in errors.items() if name != "9"}
        assert codes == {
            "": (3, "INVALID_REQUEST"),
            "1": (3, "EMPTY_ARTICLE"),
            "2": (8, "OVERLOADED"),
            "3": (13, "INTERNAL"),
            "4": (4, "DEADLINE_EXPIRED"),
            "5": (4, "DEADLINE_EXPIRED"),
            "6": (3, "TOO_LARGE"),
            "7": (3, "INVALID_REQUEST"),
            "8": (14, "UNAVAILABLE"),
        }
        assert await call.code() is grpc.StatusCode.OK
    assert errors["1"].violations[0].field == "article"
    assert errors["2"].retry_after.seconds == 2
    assert not errors["1"].HasField("retry_after")
    assert "secret" not in errors["3"].message
    assert errors["6"].violations[0].field == "article.text"
    assert errors["7"].violations[0].field == "request"
    assert errors[""].violations[0].field == "request_id"


async def test_a_name_still_in_work_is_refused_and_an_answered_one_is_free():
    gate = asyncio.Event()

    async def act(request) -> None:
        await gate.wait()

    async with running(FakePipeline(act=act)) as r:
        call = r.stub.DigestStream()
        await call.write(item("a", "first"))
        await call.write(item("a", "second"))
        refusal = await call.read()
        assert (refusal.request_id, refusal.error.reason) == ("a", "INVALID_REQUEST")
        assert refusal.error.violations[0].field == "request_id"
        gate.set()
        assert (await call.read()).digest.summary_en == "first"
        await call.write(item("a", "third"))
        assert (await call.read()).digest.summary_en == "third"
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF


async def test_an_item_that_is_no_message_is_that_items_error():
    async with running() as r:
        method = r.channel.stream_stream("/svodka.v1.SvodkaService/DigestStream")
        raw = [b"\x0a\x02\xff\xfe", item("good").SerializeToString()]
        told = [pb.DigestStreamResponse.FromString(one) async for one in method(iter(raw))]
        by_id = {response.request_id: response for response in told}
        assert by_id[""].error.reason == "INVALID_REQUEST"
        assert by_id["good"].HasField("digest")


async def test_a_full_server_stops_reading_and_goes_on_when_there_is_room():
    gate = asyncio.Semaphore(0)

    async def act(request) -> None:
        await gate.acquire()

    async with running(FakePipeline(act=act)) as r:
        call = r.stub.DigestStream(item(str(i)) for i in range(10))
        await r.pipeline.until(lambda: r.pipeline.in_work == 3)
        gate.release()
        await r.pipeline.until(lambda: len(r.pipeline.seen) == 4)
        for _ in range(9):
            gate.release()
        assert len(await answers(call)) == 10
        assert r.pipeline.most_in_work == 3


async def test_a_caller_that_never_reads_is_not_worked_for_without_bound():
    """Its answers fill the transport's windows; then nothing more is read."""
    text = "x" * 200_000
    sent = 0
    limits = Limits(max_stream_items=3)
    async with running(FakePipeline(limits=limits)) as r:
        method = r.channel.stream_stream("/svodka.v1.SvodkaService/DigestStream")
        call = method()

        async def send() -> None:
            nonlocal sent
            for sent in range(1000):
                await call.write(item(str(sent), text).SerializeToString())

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(send(), 1)  # stuck for good: a longer wait sends no more
        assert sent < 200
        assert r.pipeline.most_in_work <= 3
        assert len(r.pipeline.seen) <= sent + 1
        # Others are served meanwhile.
        await r.stub.Digest(pb.DigestRequest(article=pb.Article(text="other")))
        call.cancel()


async def test_not_one_item_is_read_beyond_those_whose_answers_wait():
    reads = 0
    stuck = asyncio.Event()

    class Context:
        async def read(self):
            nonlocal reads
            reads += 1
            return item(str(reads))

        async def write(self, response) -> None:
            stuck.set()
            await asyncio.Event().wait()

    async def digest(request) -> pb.DigestResponse:
        return pb.DigestResponse()

    stream = asyncio.create_task(
        ItemStream(Context(), digest, most=7, closing=asyncio.Event()).run()
    )
    await stuck.wait()
    for _ in range(100):  # as many turns of the loop as anything could ask for
        await asyncio.sleep(0)
    assert reads == 7
    stream.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stream


@pytest.mark.parametrize("half_closed", [True, False])
async def test_a_caller_that_leaves_takes_all_its_items_along(half_closed, caplog):
    async with running(FakePipeline(act=forever)) as r:
        call = r.stub.DigestStream()
        for i in range(5):
            await call.write(item(str(i)))
        if half_closed:
            await call.done_writing()
        await r.pipeline.until(lambda: r.pipeline.in_work == 3)
        call.cancel()
        await r.pipeline.until(lambda: r.pipeline.cancelled == 3)
        assert r.pipeline.in_work == 0
        assert len(r.pipeline.seen) == 3
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_caller_that_leaves_before_its_first_item_leaves_no_trace(caplog):
    async with running() as r:
        call = r.stub.DigestStream()
        await call.wait_for_connection()
        call.cancel()
        assert len(await answers(r.stub.DigestStream([item("a")]))) == 1
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_caller_that_leaves_amid_the_answers_leaves_the_server_well(caplog):
    async with running() as r:
        call = r.stub.DigestStream(item(str(i), "x" * 5000) for i in range(100))
        await call.read()
        call.cancel()
        assert len(await answers(r.stub.DigestStream([item("a")]))) == 1
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_the_streams_own_deadline_ends_it_and_its_items():
    async with running(FakePipeline(act=forever)) as r:
        call = r.stub.DigestStream([item("a")], timeout=0.5)
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await answers(call)
        assert failure.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await r.pipeline.until(lambda: r.pipeline.cancelled == 1)


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
async def test_a_clock_that_is_set_meanwhile_changes_no_deadline(monkeypatch, jump):
    real = time.time
    async with running() as r:
        call = r.stub.DigestStream(timeout=60)
        await call.write(item("before"))
        assert (await call.read()).HasField("digest")
        monkeypatch.setattr(time, "time", lambda: real() + jump)
        await call.write(item("after"))
        assert (await call.read()).HasField("digest")
        await call.done_writing()
        assert await call.code() is grpc.StatusCode.OK
    for _, terms in r.pipeline.seen:
        assert 0 < terms.deadline - time.monotonic() < 70


async def test_a_stream_to_a_server_that_loads_is_told_to_come_back():
    async with running(FakePipeline(state="LOADING")) as r:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await answers(r.stub.DigestStream([item("a")]))
        assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
        assert dict(failure.value.trailing_metadata())["grpc-retry-pushback-ms"] == "1000"
