"""Who may call, and how much: tokens, allowances, and what is revoked, over a real socket."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from hashlib import sha256

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from fake_pipeline import FakePipeline, running
from service.rpc.callers import Allowance, Callers, TokensInvalid, read_tokens
from service.rpc.interceptors import _Record
from service.rpc.status import received
from service.rpc.stream import Patience
from service.schema import Limits, Priority
from svodka.v1 import svodka_service_pb2 as pb

REQUEST = pb.DigestRequest(article=pb.Article(text="story"))


def item(request_id: str) -> pb.DigestStreamRequest:
    return pb.DigestStreamRequest(request_id=request_id, request=REQUEST)


def table(name: str, token: str, more: str = "") -> str:
    return f'[{name}]\nsha256 = "{sha256(token.encode()).hexdigest()}"\n{more}\n'


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


@pytest.fixture
def tokens(tmp_path):
    path = tmp_path / "tokens.toml"
    path.write_text(table("newsroom", "apple") + table("archive", "pear", 'priority = "BULK"'))
    return path


async def failure(call) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    status = received(
        error.value.code(), error.value.details(), tuple(error.value.trailing_metadata())
    )
    return error.value.code().name, status.reason


async def forever(request) -> None:
    await asyncio.Event().wait()


# -- tokens ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        bearer("plum"),
        bearer(""),
        bearer("apple pie"),
        (("authorization", "apple"),),
        (("authorization", "Basic apple"),),
        (("authorization", f"Bearer {sha256(b'apple').hexdigest()}"),),
    ],
)
async def test_a_stranger_is_refused_whatever_it_calls(tokens, metadata):
    async with running(tokens=tokens) as r:
        calls = [
            r.stub.Digest(REQUEST, metadata=metadata),
            r.stub.Translate(pb.TranslateRequest(text="t"), metadata=metadata),
            r.stub.GetServerInfo(pb.GetServerInfoRequest(), metadata=metadata),
            r.stub.DigestStream(iter([item("a")]), metadata=metadata).read(),
        ]
        for call in calls:
            assert await failure(call) == ("UNAUTHENTICATED", "UNAUTHENTICATED")
        assert r.pipeline.seen == []


async def test_nothing_of_a_strangers_message_is_read(tokens):
    async with running(tokens=tokens) as r:
        raw = r.channel.unary_unary("/svodka.v1.SvodkaService/Digest")
        assert (await failure(raw(b"\xff\xff")))[0] == "UNAUTHENTICATED"
        known = raw(b"\xff\xff", metadata=bearer("apple"))
        assert (await failure(known))[0] == "INVALID_ARGUMENT"


async def test_owners_are_served_at_their_priority_at_most(tokens):
    async with running(tokens=tokens) as r:
        wish = pb.DigestRequest(article=REQUEST.article, priority=pb.PRIORITY_INTERACTIVE)
        for token in ("apple", "pear"):
            await r.stub.Digest(wish, metadata=bearer(token))
        assert [terms.priority for _, terms in r.pipeline.seen] == [
            Priority.INTERACTIVE,
            Priority.BULK,
        ]


async def test_finished_work_is_kept_apart_where_asked(tmp_path):
    path = tmp_path / "tokens.toml"
    path.write_text(table("a", "apple", "private = true") + table("b", "pear"))
    async with running(tokens=path) as r:
        for token in ("apple", "pear"):
            await r.stub.Digest(REQUEST, metadata=bearer(token))
        assert [terms.scope for _, terms in r.pipeline.seen] == ["a", ""]
        assert [terms.caller for _, terms in r.pipeline.seen] == ["a", "b"]


async def test_an_rpc_that_is_not_allowed_is_refused(tmp_path):
    path = tmp_path / "tokens.toml"
    path.write_text(table("desk", "apple", 'rpcs = ["Translate"]'))
    async with running(tokens=path) as r:
        assert (await failure(r.stub.Digest(REQUEST, metadata=bearer("apple")))) == (
            "PERMISSION_DENIED",
            "PERMISSION_REFUSED",
        )
        await r.stub.Translate(pb.TranslateRequest(text="t"), metadata=bearer("apple"))


async def test_a_revoked_token_ends_its_calls_and_streams_and_no_others(tokens):
    async with running(FakePipeline(act=forever), tokens=tokens) as r:
        calls = {
            token: r.stub.Digest(REQUEST, metadata=bearer(token)) for token in ("apple", "pear")
        }
        stream = r.stub.DigestStream(metadata=bearer("apple"))
        await stream.write(item("a"))
        await r.pipeline.until(lambda: r.pipeline.in_work == 3)
        tokens.write_text(table("archive", "pear", 'priority = "BULK"'))
        assert (await failure(calls["apple"]))[0] == "UNAUTHENTICATED"
        assert (await failure(stream.read()))[0] == "UNAUTHENTICATED"
        await r.pipeline.until(lambda: r.pipeline.cancelled == 2)
        assert not calls["pear"].done()
        assert (await failure(r.stub.Digest(REQUEST, metadata=bearer("apple"))))[0] == (
            "UNAUTHENTICATED"
        )


async def test_a_new_token_works_and_a_broken_file_changes_nothing(tokens):
    callers = Callers(tokens=tokens)
    tokens.write_text("[newsroom\n")
    callers.refresh()
    assert callers.identify(bearer("apple"), "").name == "newsroom"
    tokens.unlink()
    callers.refresh()
    assert callers.identify(bearer("apple"), "").name == "newsroom"
    tokens.write_text(table("desk", "plum"))
    callers.refresh()
    assert callers.identify(bearer("plum"), "").name == "desk"


async def test_a_changed_allowance_holds_for_new_calls_and_ends_none(tokens):
    callers = Callers(tokens=tokens)
    before = callers.identify(bearer("apple"), "")
    tokens.write_text(table("newsroom", "apple", "calls = 3"))
    callers.refresh()
    after = callers.identify(bearer("apple"), "")
    assert not before.revoked
    assert after.allowance.calls == 3


HASH = sha256(b"apple").hexdigest()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[a", "not TOML"),
        ("a = 1", r"write \[a\]"),
        ("[a]", "sha256 must be 64"),
        ("[a]\nsha256 = 'apple'", "sha256 must be 64"),
        (f"[a]\nsha256 = '{HASH}'\n[b]\nsha256 = '{HASH}'", "share a token"),
        (f"[a]\nsha256 = '{HASH}'\ncolour = 1", "colour is unknown; known are"),
        (f"[a]\nsha256 = '{HASH}'\ncalls = 0", "calls must be a whole number"),
        (f"[a]\nsha256 = '{HASH}'\ncalls = 1.5", "calls must be a whole number"),
        (f"[a]\nsha256 = '{HASH}'\ncalls = true", "calls must be a whole number"),
        (f"[a]\nsha256 = '{HASH}'\nrate = -1", "rate must be a number above 0"),
        (f"[a]\nsha256 = '{HASH}'\npriority = 'HIGH'", "priority must be"),
        (f"[a]\nsha256 = '{HASH}'\nprivate = 1", "private must be true or false"),
        (f"[a]\nsha256 = '{HASH}'\nrpcs = ['Delete']", "rpcs must be a list of Digest"),
        (f"[a]\nsha256 = '{HASH}'\nrpcs = 'Digest'", "rpcs must be a list of Digest"),
    ],
)
def test_a_bad_tokens_file_says_where_and_what_would_be_right(tmp_path, content, words):
    path = tmp_path / "tokens.toml"
    path.write_text(content)
    with pytest.raises(TokensInvalid, match=words):
        read_tokens(path, Allowance())


def test_no_tokens_file_is_told_at_the_start(tmp_path):
    with pytest.raises(TokensInvalid, match="cannot be read"):
        Callers(tokens=tmp_path / "none.toml")


# -- health and reflection ---------------------------------------------------------------


async def ask_health(r, metadata=()):
    request = health_pb2.HealthCheckRequest()
    return await health_pb2_grpc.HealthStub(r.channel).Check(request, metadata=metadata)


async def ask_reflection(r, metadata=()):
    stub = reflection_pb2_grpc.ServerReflectionStub(r.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    return await stub.ServerReflectionInfo(iter([request]), metadata=metadata).read()


async def test_health_and_reflection_are_open_or_guarded_by_setting(tokens):
    async with running(tokens=tokens) as r:
        await ask_health(r)
        await ask_reflection(r)
    async with running(tokens=tokens, guarded=True) as r:
        watch = health_pb2_grpc.HealthStub(r.channel).Watch(health_pb2.HealthCheckRequest())
        for call in (ask_health(r), ask_reflection(r), watch.read()):
            assert (await failure(call))[0] == "UNAUTHENTICATED"
        await ask_health(r, bearer("apple"))
        await ask_reflection(r, bearer("apple"))
    async with running(reflection=False) as r:
        assert (await failure(ask_reflection(r)))[0] == "UNIMPLEMENTED"


# -- allowances --------------------------------------------------------------------------


@asynccontextmanager
async def allowing(pipeline=None, **allowance):
    async with running(pipeline, allowance=Allowance(**allowance)) as r:
        yield r


async def test_a_call_too_many_is_refused_and_the_next_is_served_again():
    gate = asyncio.Event()

    async def act(request) -> None:
        await gate.wait()

    async with allowing(FakePipeline(act=act), calls=2) as r:
        calls = [r.stub.Digest(REQUEST) for _ in range(2)]
        await r.pipeline.until(lambda: r.pipeline.in_work == 2)
        assert await failure(r.stub.Digest(REQUEST)) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
        gate.set()
        await asyncio.gather(*calls)
        await r.stub.Digest(REQUEST)


async def test_a_stream_waits_where_its_caller_has_enough_in_work():
    async with allowing(calls=2) as r:
        call = r.stub.DigestStream(item(str(n)) for n in range(30))
        assert {a.request_id async for a in call} == {str(n) for n in range(30)}
        assert r.pipeline.most_in_work <= 2


async def test_requests_over_the_rate_are_refused_with_the_time_to_come_back():
    async with allowing(rate=2.0) as r:
        outcomes = await asyncio.gather(
            *(r.stub.Digest(REQUEST) for _ in range(8)), return_exceptions=True
        )
        refused = [o for o in outcomes if isinstance(o, grpc.aio.AioRpcError)]
        assert 1 <= len(outcomes) - len(refused) <= 4  # a second's worth, and what time brought
        for error in refused:
            status = received(error.code(), error.details(), tuple(error.trailing_metadata()))
            assert status.reason == "OVERLOADED"
            assert status.retry_after
            assert status.retry_after > 0


async def test_certificates_and_addresses_have_an_allowance_each():
    callers = Callers(Allowance(calls=1))
    one, other = callers.identify((), "10.0.0.1"), callers.identify((), "10.0.0.2")
    assert one is callers.identify((), "10.0.0.1")
    assert one is not other


async def test_addresses_are_forgotten_once_idle():
    callers = Callers(Allowance(calls=1))
    busy = callers.identify((), "busy")
    async with busy.call():
        for number in range(5000):
            callers.identify((), f"10.0.{number}")
        assert callers.identify((), "busy") is busy
    assert len(callers._strangers) < 2000


# -- patience ----------------------------------------------------------------------------


async def test_an_old_stream_answers_what_it_has_read_and_ends_unavailable():
    async with running(patience=Patience(age=0.05)) as r:
        call = r.stub.DigestStream()
        await call.write(item("a"))
        assert (await call.read()).request_id == "a"
        assert await failure(call.read()) == ("UNAVAILABLE", "UNAVAILABLE")


async def test_a_caller_that_never_reads_is_let_go(monkeypatch, caplog):
    """What it had in work is dropped, and its stream ends; others are served."""
    text = "x" * 200_000
    ended = asyncio.Event()
    write = _Record.write

    def wrote(record, code: str, status=None) -> None:
        write(record, code, status)
        if code == "UNAVAILABLE":
            ended.set()

    monkeypatch.setattr(_Record, "write", wrote)

    async with running(
        FakePipeline(limits=Limits(max_stream_items=3)), patience=Patience(write=0.1)
    ) as r:
        call = r.stub.DigestStream()

        async def send() -> None:
            with suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):
                for number in range(1000):
                    article = pb.Article(text=text)
                    await call.write(
                        pb.DigestStreamRequest(
                            request_id=str(number), request=pb.DigestRequest(article=article)
                        )
                    )

        sending = asyncio.create_task(send())
        await asyncio.wait_for(ended.wait(), 20)
        assert not r.pipeline.in_work
        await r.stub.Digest(REQUEST)
        sending.cancel()
        call.cancel()  # while the server still tries to tell it
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
