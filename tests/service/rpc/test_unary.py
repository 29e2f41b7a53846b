"""The unary calls over a real socket: answers, errors, deadlines, callers that leave."""

from __future__ import annotations

import asyncio
import logging
import math
import time

import grpc.aio
import pytest

from fake_pipeline import FakePipeline, running
from service.errors import (
    ComputeFailed,
    DeadlineExpired,
    EmptyArticle,
    NotEnglish,
    Overloaded,
    SvodkaError,
    Unavailable,
    Violation,
)
from service.rpc.servicer import _end
from service.rpc.status import Status, received
from service.schema import Limits, Priority
from svodka.v1 import svodka_service_pb2 as pb


def digest(text: str = "story", **fields) -> pb.DigestRequest:
    return pb.DigestRequest(article=pb.Article(id="a1", text=text), **fields)


async def refused(call) -> tuple[grpc.StatusCode, Status]:
    """How a call fails, as a client reads it."""
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await call
    error = failure.value
    trailer = tuple(error.trailing_metadata())
    assert dict(trailer)["svodka-request-id"]
    return error.code(), received(error.code(), error.details(), trailer)


def raising(error: BaseException):
    async def act(request) -> None:
        raise error

    return act


async def forever(request) -> None:
    await asyncio.Event().wait()


async def test_each_call_answers_in_its_own_type():
    async with running() as r:
        assert (await r.stub.Digest(digest())).summary_en == "story"
        summary = await r.stub.Summarize(pb.SummarizeRequest(article=pb.Article(text="s")))
        assert summary.summary_en == "s"
        text = await r.stub.Translate(pb.TranslateRequest(text="t"))
        assert (text.WhichOneof("body"), text.text_ru) == ("text_ru", "t")
        page = await r.stub.Translate(pb.TranslateRequest(html="<p>"))
        assert (page.WhichOneof("body"), page.html_ru) == ("html_ru", "<p>")
        info = await r.stub.GetServerInfo(pb.GetServerInfoRequest())
        assert (info.version, info.models[0].role) == ("1.2.3", "translator")
        assert info.limits.max_timeout.seconds == 600


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (EmptyArticle(Violation("article", "is empty")), "INVALID_ARGUMENT", "EMPTY_ARTICLE"),
        (NotEnglish(Violation("article", "is French")), "INVALID_ARGUMENT", "NOT_ENGLISH"),
        (Overloaded("full", retry_after=2), "RESOURCE_EXHAUSTED", "OVERLOADED"),
        (DeadlineExpired("late"), "DEADLINE_EXCEEDED", "DEADLINE_EXPIRED"),
        (Unavailable("restarting"), "UNAVAILABLE", "UNAVAILABLE"),
        (ComputeFailed("poison"), "INTERNAL", "COMPUTE_FAILED"),
        (SvodkaError("odd"), "INTERNAL", "INTERNAL"),
        (KeyError("secret"), "INTERNAL", "INTERNAL"),
        (TimeoutError("secret"), "INTERNAL", "INTERNAL"),
    ],
)
async def test_each_failure_arrives_with_code_and_reason(error, code, reason):
    async with running(FakePipeline(act=raising(error))) as r:
        for call in (
            r.stub.Digest(digest()),
            r.stub.Summarize(pb.SummarizeRequest(article=pb.Article(text="s"))),
            r.stub.Translate(pb.TranslateRequest(text="t")),
        ):
            told, status = await refused(call)
            assert (told.name, status.reason) == (code, reason)
            assert "secret" not in status.message
        r.pipeline.act = None
        await r.stub.Digest(digest())  # and it lives on


async def test_bad_input_names_all_its_fields_and_never_reaches_the_pipeline():
    async with running() as r:
        request = pb.DigestRequest(summary=pb.SummaryOptions(max_sentences=-1))
        code, status = await refused(r.stub.Digest(request))
        assert (code.name, status.reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
        assert [v.field for v in status.violations] == ["article", "summary.max_sentences"]
        code, status = await refused(r.stub.Digest(digest("x" * 10_001)))
        assert (code.name, status.reason) == ("INVALID_ARGUMENT", "TOO_LARGE")
        code, status = await refused(r.stub.Digest(digest(priority=9)))
        assert (code.name, status.violations[0].field) == ("INVALID_ARGUMENT", "priority")
        assert not r.pipeline.seen


@pytest.mark.parametrize("raw", [b"\x0a\x04\x1a\x02\xff\xfe", b"\xff\xff\xff"])
async def test_what_is_no_message_or_no_utf8_is_the_callers_fault(raw):
    async with running() as r:
        method = r.channel.unary_unary("/svodka.v1.SvodkaService/Digest")
        code, status = await refused(method(raw))
        assert (code.name, status.reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
        assert "UTF-8" in status.violations[0].description
        await r.stub.Digest(digest())


async def test_ten_megabytes_are_refused_by_us_and_more_by_the_transport():
    limits = Limits(max_article_chars=1000, max_message_bytes=12 * 2**20)
    async with running(FakePipeline(limits=limits)) as r:
        code, status = await refused(r.stub.Digest(digest("x" * 10 * 2**20)))
        assert (code.name, status.reason) == ("INVALID_ARGUMENT", "TOO_LARGE")
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await r.stub.Digest(digest("x" * 13 * 2**20))
        assert failure.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        await r.stub.Digest(digest())


async def test_an_answer_that_cannot_be_said_is_an_internal_error(caplog):
    async def bad_answer(request, terms):
        return "no digest"

    pipeline = FakePipeline()
    pipeline.digest = bad_answer
    async with running(pipeline) as r:
        code, status = await refused(r.stub.Digest(digest()))
        assert (code.name, status.reason) == ("INTERNAL", "INTERNAL")
    assert "TypeError" in caplog.text


async def test_a_large_answer_passes():
    async with (
        running(FakePipeline(limits=Limits())) as r,
        grpc.aio.insecure_channel(
            r.address, options=[("grpc.max_receive_message_length", -1)]
        ) as channel,
    ):
        method = channel.unary_unary("/svodka.v1.SvodkaService/Digest")
        text = "ж" * 1_999_999
        raw = await method(digest(text).SerializeToString())
        assert pb.DigestResponse.FromString(raw).summary_en == text


@pytest.mark.parametrize(
    ("state", "why"),
    [("LOADING", "loading"), ("DRAINING", "stopping"), ("DOWN", "down"), ("LOST", "down")],
)
async def test_a_server_that_does_not_serve_says_why_and_still_tells_what_it_is(state, why):
    async with running(FakePipeline(state=state)) as r:
        code, status = await refused(r.stub.Digest(digest()))
        assert (code.name, status.reason) == ("UNAVAILABLE", "UNAVAILABLE")
        assert why in status.message
        assert status.retry_after == 1.0
        assert (await r.stub.GetServerInfo(pb.GetServerInfoRequest())).version == "1.2.3"


async def test_work_waits_for_a_lane_that_restarts():
    async with running(FakePipeline(state="RESTARTING")) as r:
        await r.stub.Digest(digest())


async def test_too_many_calls_are_told_to_come_back():
    async with running(FakePipeline(act=forever), max_calls=2) as r:
        calls = [r.stub.Digest(digest()) for _ in range(2)]
        await r.pipeline.until(lambda: r.pipeline.in_work == 2)
        code, status = await refused(r.stub.Digest(digest()))
        assert (code.name, status.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
        assert status.retry_after
        for call in calls:
            call.cancel()
        await r.pipeline.until(lambda: not r.pipeline.in_work)
        r.pipeline.act = None
        await r.stub.Digest(digest(), wait_for_ready=True)


# -- the request's id --------------------------------------------------------------------


async def test_the_request_id_comes_back_and_stands_in_the_log_without_the_text(caplog):
    with caplog.at_level(logging.INFO, "service.rpc"):
        async with running() as r:
            call = r.stub.Digest(digest("confidential", request_id="Запрос 5%"))
            await call
            trailer = dict(await call.trailing_metadata())
            assert trailer["svodka-request-id"] == "%D0%97%D0%B0%D0%BF%D1%80%D0%BE%D1%81 5%25"
            first, second = r.stub.Digest(digest()), r.stub.Digest(digest())
            ids = {dict(await c.trailing_metadata())["svodka-request-id"] for c in (first, second)}
            assert len(ids) == 2
            await refused(r.stub.Digest(digest(timeout={"seconds": -1}, request_id="x" * 201)))
    record = next(r for r in caplog.records if getattr(r, "request_id", "") == "Запрос 5%")
    assert (record.method, record.code) == ("/svodka.v1.SvodkaService/Digest", "OK")
    assert record.elapsed_ms >= 0
    assert "confidential" not in caplog.text
    bad = next(r for r in caplog.records if getattr(r, "code", "") == "INVALID_ARGUMENT")
    assert bad.reason == "TOO_LARGE"
    assert "x" * 201 not in caplog.text


# -- terms and deadlines -----------------------------------------------------------------


async def terms_of(r, request, **call):
    began = time.monotonic()
    await r.stub.Digest(request, **call)
    _, terms = r.pipeline.seen[-1]
    return terms, terms.deadline - began


async def test_the_deadline_is_the_earliest_named_or_the_default():
    async with running() as r:
        for request, call, allowed in (
            (digest(), {}, 300),
            (digest(timeout={"seconds": 5}), {}, 5),
            (digest(timeout={"seconds": 5}), {"timeout": 50}, 5),
            (digest(timeout={"seconds": 50}), {"timeout": 5}, 5),
            (digest(), {"timeout": 5}, 5),
            (digest(timeout={"seconds": 10**9}), {}, 600),
            (digest(), {"timeout": 10**5}, 600),
        ):
            _, left = await terms_of(r, request, **call)
            # A call's own deadline loses the time an answer travels.
            assert allowed - 1 < left < allowed + 5


async def test_unary_work_is_interactive_and_does_not_wait_for_room():
    async with running() as r:
        terms, _ = await terms_of(r, digest())
        assert (terms.priority, terms.wait, terms.scope) == (Priority.INTERACTIVE, False, "")
        terms, _ = await terms_of(r, digest(priority=pb.PRIORITY_BULK))
        assert (terms.priority, terms.wait) == (Priority.BULK, False)


async def test_a_deadline_already_past_is_told_without_work():
    async with running() as r:
        code, status = await refused(r.stub.Digest(digest(timeout={})))
        assert (code.name, status.reason) == ("DEADLINE_EXCEEDED", "DEADLINE_EXPIRED")
        assert not r.pipeline.seen


async def test_a_deadline_that_passes_is_told_by_us_and_ends_the_work():
    async with running(FakePipeline(act=forever)) as r:
        code, status = await refused(r.stub.Digest(digest(timeout={"nanos": 50_000_000})))
        assert (code.name, status.reason) == ("DEADLINE_EXCEEDED", "DEADLINE_EXPIRED")
        await r.pipeline.until(lambda: r.pipeline.cancelled == 1)


async def test_the_calls_own_deadline_ends_the_work_too():
    async with running(FakePipeline(act=forever)) as r:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await r.stub.Digest(digest(), timeout=0.5)
        assert failure.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await r.pipeline.until(lambda: r.pipeline.cancelled == 1)


@pytest.mark.parametrize(("left", "ours"), [(None, math.inf), (5.0, 4.95), (0.1, 0.09), (0, 0)])
def test_the_answer_is_given_time_to_travel(left, ours):
    """So that the caller hears from us that it is late, and not from its own clock."""

    class Context:
        def time_remaining(self) -> float | None:
            return left

    assert _end(Context()) - time.monotonic() == pytest.approx(ours, abs=0.01)


async def test_the_servers_own_maximum_ends_the_work_too():
    limits = Limits(max_timeout=0.05)
    async with running(FakePipeline(limits=limits, act=forever)) as r:
        code, status = await refused(r.stub.Digest(digest(timeout={"seconds": 60})))
        assert (code.name, status.reason) == ("DEADLINE_EXCEEDED", "DEADLINE_EXPIRED")


# -- callers that leave ------------------------------------------------------------------


@pytest.mark.parametrize("method", ["Digest", "Summarize", "Translate"])
async def test_a_caller_that_leaves_takes_its_work_along(method):
    requests = {
        "Digest": digest(),
        "Summarize": pb.SummarizeRequest(article=pb.Article(text="s")),
        "Translate": pb.TranslateRequest(text="t"),
    }
    async with running(FakePipeline(act=forever)) as r:
        call = getattr(r.stub, method)(requests[method])
        await r.pipeline.until(lambda: r.pipeline.in_work == 1)
        call.cancel()
        await r.pipeline.until(lambda: r.pipeline.cancelled == 1)
        assert r.pipeline.in_work == 0


async def test_a_connection_that_breaks_takes_its_work_along():
    async with running(FakePipeline(act=forever)) as r:
        async with grpc.aio.insecure_channel(r.address) as channel:
            method = channel.unary_unary("/svodka.v1.SvodkaService/Digest")
            call = method(digest().SerializeToString())
            await r.pipeline.until(lambda: r.pipeline.in_work == 1)
        await r.pipeline.until(lambda: r.pipeline.cancelled == 1)
        assert call.done()


async def test_a_caller_that_leaves_before_its_message_leaves_no_trace(caplog):
    async with running() as r:
        opened = r.channel.stream_unary("/svodka.v1.SvodkaService/Digest")()
        await opened.wait_for_connection()
        opened.cancel()
        await r.stub.Digest(digest())
        assert len(r.pipeline.seen) == 1
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_no_deadline_is_no_number_of_seconds():
    """A time.monotonic() plus infinity must not reach the loop as a timer."""
    limits = Limits(default_timeout=math.inf, max_timeout=math.inf)
    pipeline = FakePipeline()
    async with running(pipeline) as r:
        pipeline.limits = limits
        await r.stub.Digest(digest())
        assert r.pipeline.seen[0][1].deadline == math.inf
