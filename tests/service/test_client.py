"""The client against a real server: same answers, same exceptions, tries again when it should."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import grpc.aio
import pytest

from fake_pipeline import FakePipeline, running
from service.client import Client
from service.errors import (
    ComputeFailed,
    DeadlineExpired,
    EmptyArticle,
    InvalidRequest,
    NotEnglish,
    Overloaded,
    SvodkaError,
    TooLarge,
    Unavailable,
    Violation,
)
from service.rpc.server import Listen, Server
from service.schema import (
    Article,
    DigestRequest,
    SummarizeRequest,
    TranslateRequest,
)
from svodka.v1 import svodka_service_pb2 as pb
from svodka.v1 import svodka_service_pb2_grpc


def request(text: str = "story", **fields) -> DigestRequest:
    return DigestRequest(Article("a1", text=text), **fields)


async def many(*pairs: tuple[str, DigestRequest]):
    for pair in pairs:
        yield pair


async def forever(_) -> None:
    await asyncio.Event().wait()


async def test_the_halves_and_the_whole():
    async with running() as r, Client(r.address) as client:
        assert (await client.digest(request())).summary_en == "story"
        assert (await client.summarize(SummarizeRequest(Article(text="s")))).summary_en == "s"
        translation = await client.translate(TranslateRequest(html="<p>"))
        assert (translation.html_ru, translation.text_ru) == ("<p>", None)
        assert await client.server_info() == r.pipeline.info


@pytest.mark.parametrize(
    "error",
    [
        EmptyArticle(Violation("article", "is empty; send a story")),
        NotEnglish(Violation("article", "is French"), Violation("x", "y")),
        DeadlineExpired("late"),
        ComputeFailed("poison"),
    ],
)
async def test_the_servers_exceptions_arrive_as_they_were(error):
    async def act(_) -> None:
        raise error

    async with running(FakePipeline(act=act)) as r, Client(r.address) as client:
        with pytest.raises(type(error)) as single:
            await client.digest(request())
        ((_, item),) = [pair async for pair in client.digest_many(many(("a", request())))]
        for again in (single.value, item):
            assert type(again) is type(error)
            assert str(again) == str(error)
            assert getattr(again, "violations", ()) == getattr(error, "violations", ())
        assert len(r.pipeline.seen) == 2  # none of these is tried again


@pytest.mark.parametrize(
    "error", [Unavailable("restarting", retry_after=0), Overloaded("full", retry_after=0)]
)
async def test_it_tries_again_when_that_makes_sense(error):
    left = 2

    async def act(_) -> None:
        nonlocal left
        if left:
            left -= 1
            raise error

    async with running(FakePipeline(act=act)) as r, Client(r.address) as client:
        assert (await client.digest(request())).summary_en == "story"
        assert len(r.pipeline.seen) == 3


async def test_it_gives_up_after_its_attempts_with_the_last_reason():
    async def act(_) -> None:
        raise Overloaded("full", retry_after=0)

    async with running(FakePipeline(act=act)) as r, Client(r.address, attempts=2) as client:
        with pytest.raises(Overloaded, match="full"):
            await client.digest(request())
        assert len(r.pipeline.seen) == 2


async def test_it_does_not_wait_longer_than_the_answer_is_of_use():
    async def act(_) -> None:
        raise Overloaded("full", retry_after=3600)

    async with running(FakePipeline(act=act)) as r, Client(r.address) as client:
        with pytest.raises(Overloaded):
            await client.digest(request(timeout=60))
        assert len(r.pipeline.seen) == 1


async def test_no_server_is_a_clear_error():
    async with Client("127.0.0.1:1", attempts=2) as client:
        with pytest.raises(Unavailable, match="connect"):
            await client.digest(request())
        with pytest.raises(Unavailable, match="connect"):
            await anext(client.digest_many(many(("a", request()))))


async def test_another_service_is_a_clear_error():
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with Client(f"127.0.0.1:{port}") as client:
        with pytest.raises(SvodkaError) as failure:
            await client.digest(request())
        assert failure.value.reason == "UNIMPLEMENTED"
    await server.stop(None)


async def test_what_cannot_be_sent_is_refused_by_name():
    async with running() as r, Client(r.address) as client:
        with pytest.raises(InvalidRequest, match=r"article\.text: holds a lone surrogate"):
            await client.digest(request("\ud800"))
        assert not r.pipeline.seen


async def test_an_answer_of_a_newer_server_is_said_to_be_that():
    class Newer(svodka_service_pb2_grpc.SvodkaServiceServicer):
        async def Digest(self, request, context):  # noqa: N802
            return pb.DigestResponse(findings=[pb.Finding(kind=99, severity=1)])

        async def DigestStream(self, request_iterator, context):  # noqa: N802
            async for item in request_iterator:
                digest = await self.Digest(item.request, context)
                yield pb.DigestStreamResponse(request_id=item.request_id, digest=digest)

    server = grpc.aio.server()
    svodka_service_pb2_grpc.add_SvodkaServiceServicer_to_server(Newer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with Client(f"127.0.0.1:{port}") as client:
        with pytest.raises(SvodkaError, match="newer version") as failure:
            await client.digest(request())
        assert not isinstance(failure.value, InvalidRequest)
        ((_, outcome),) = [pair async for pair in client.digest_many(many(("a", request())))]
        assert "newer version" in str(outcome)
    await server.stop(None)


# -- many --------------------------------------------------------------------------------


async def test_many_come_back_each_under_its_name_errors_in_their_place():
    async with running() as r, Client(r.address) as client:
        pairs = [(str(i), request(f"text {i}")) for i in range(40)]
        pairs += [("bad", request("\ud800")), ("long", request("x" * 10_001))]
        outcomes = {name: one async for name, one in client.digest_many(many(*pairs))}
        assert len(outcomes) == 42
        assert all(outcomes[str(i)].summary_en == f"text {i}" for i in range(40))
        assert type(outcomes["bad"]) is InvalidRequest
        assert outcomes["bad"].violations[0].field == "request.article.text"
        assert type(outcomes["long"]) is TooLarge


async def test_none_come_back_of_none():
    async with running() as r, Client(r.address) as client:
        assert [pair async for pair in client.digest_many(many())] == []


async def test_no_more_are_taken_than_the_window_allows():
    taken = 0

    async def source():
        nonlocal taken
        for i in range(100):
            taken += 1
            yield str(i), request()

    async with running() as r, Client(r.address) as client:
        given = 0
        async for _ in client.digest_many(source(), window=4):
            given += 1
            # Those not given back yet, and one in the hand of who waits for room.
            assert taken - given <= 5
        assert given == 100


async def test_a_consumer_that_stops_early_ends_it_all():
    async def act(one) -> None:
        if one.article.text == "slow":
            await forever(one)

    async with running(FakePipeline(act=act)) as r, Client(r.address) as client:
        outcomes = client.digest_many(many(("1", request()), ("2", request("slow"))))
        name, _ = await anext(outcomes)
        assert name == "1"
        await r.pipeline.until(lambda: r.pipeline.in_work == 1)
        await outcomes.aclose()
        await r.pipeline.until(lambda: r.pipeline.cancelled == 1)


async def test_a_source_that_fails_is_heard_of_after_the_answers():
    async def source():
        yield "1", request()
        raise OSError("disk")

    async with running() as r, Client(r.address) as client:
        outcomes = client.digest_many(source())
        assert (await anext(outcomes))[0] == "1"
        with pytest.raises(OSError, match="disk"):
            await anext(outcomes)


@pytest.mark.parametrize("second", ["same", ""])
async def test_names_are_needed_and_unique_while_in_work(second):
    async with running() as r, Client(r.address) as client:
        outcomes = client.digest_many(many(("same", request()), (second, request())))
        assert (await anext(outcomes))[0] == "same"
        with pytest.raises(InvalidRequest, match="request_id"):
            await anext(outcomes)


async def test_unanswered_items_go_to_the_servers_successor():
    """The first server drains with items in work beyond its grace and items unread."""
    first = FakePipeline()

    async def act(one) -> None:
        if int(one.article.text) >= 2:
            await forever(one)

    first.act = act
    server = Server(first, Listen(address="127.0.0.1:0"))
    await server.start()
    pairs = [(str(i), request(str(i))) for i in range(8)]
    outcomes: dict[str, object] = {}

    async def collect(client: Client) -> None:
        async for name, outcome in client.digest_many(many(*pairs)):
            assert name not in outcomes
            outcomes[name] = outcome

    async with Client(f"127.0.0.1:{server.port}", attempts=100) as client:
        collecting = asyncio.create_task(collect(client))
        await first.until(lambda: first.in_work == 3 and len(first.seen) == 5)
        await server.stop(0)
        second = FakePipeline()
        successor = Server(second, Listen(address=f"127.0.0.1:{server.port}"))
        await successor.start()
        async with asyncio.timeout(20):
            await collecting
        await successor.stop(0)
    assert {name: one.summary_en for name, one in outcomes.items()} == {n: n for n, _ in pairs}
    assert {one.article.text for one, _ in second.seen} == {"2", "3", "4", "5", "6", "7"}


async def test_a_stream_refused_for_good_is_raised():
    async with running(FakePipeline(state="DOWN")) as r, Client(r.address, attempts=1) as client:
        with pytest.raises(Unavailable):
            await anext(client.digest_many(many(("a", request()))))


async def test_nothing_is_connected_before_there_is_something_to_ask():
    gate = asyncio.Event()

    async def source():
        await gate.wait()
        yield "a", request()

    async with Client("127.0.0.1:1", attempts=1) as client:
        first = asyncio.ensure_future(anext(client.digest_many(source())))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not first.done()
        gate.set()
        with pytest.raises(Unavailable):
            await first


# -- several servers ---------------------------------------------------------------------


async def test_requests_go_to_the_servers_in_turn():
    async with running() as a, running() as b, Client(f"{a.address},{b.address}") as client:
        for _ in range(6):
            await client.digest(request())
        assert (len(a.pipeline.seen), len(b.pipeline.seen)) == (3, 3)


async def test_a_server_that_is_away_or_busy_costs_no_pause():
    async def busy(_) -> None:
        raise Overloaded("full", retry_after=1000)

    async with running() as good, running(FakePipeline(act=busy)) as full:
        address = f"127.0.0.1:1,{full.address}, {good.address}"
        async with Client(address, attempts=1) as client:
            for _ in range(6):
                assert (await client.digest(request())).summary_en == "story"
            pairs = [(str(n), request()) for n in range(6)]
            outcomes = [outcome async for outcome in client.digest_many(many(*pairs))]
    assert len(outcomes) == 6
    assert len(good.pipeline.seen) >= 6


async def test_requests_side_by_side_all_find_the_server_that_is_there():
    async with running() as r, Client(f"127.0.0.1:1,{r.address}", attempts=1) as client:
        digests = await asyncio.gather(*(client.digest(request()) for _ in range(20)))
    assert [digest.summary_en for digest in digests] == ["story"] * 20


async def test_no_server_named_is_an_error():
    for address in ("", " , "):
        with pytest.raises(ValueError, match="name HOST:PORT"):
            Client(address)


async def test_nothing_is_lost_while_two_servers_are_restarted_one_after_the_other():
    async def takes_a_moment(_) -> None:
        await asyncio.sleep(0.02)

    async def started(port: int = 0) -> Server:
        server = Server(FakePipeline(act=takes_a_moment), Listen(f"127.0.0.1:{port}"))
        await server.start()
        return server

    servers = [await started(), await started()]
    ports = [server.port for server in servers]
    stop = asyncio.Event()
    answered = streamed = 0

    async def load(client: Client) -> None:
        nonlocal answered
        while not stop.is_set():
            assert (await client.digest(request())).summary_en == "story"
            answered += 1

    async def stream(client: Client) -> None:
        nonlocal streamed

        async def endless():
            number = 0
            while not stop.is_set():
                yield str(number), request()
                number += 1

        async for _, outcome in client.digest_many(endless(), window=8):
            assert not isinstance(outcome, SvodkaError), outcome
            streamed += 1

    async with Client(",".join(f"127.0.0.1:{port}" for port in ports)) as client:
        asking = [asyncio.create_task(load(client)) for _ in range(8)]
        asking.append(asyncio.create_task(stream(client)))
        for index in (0, 1, 0, 1):
            before = answered, streamed
            await servers[index].stop(10)
            servers[index] = await started(ports[index])
            while answered < before[0] + 50 or streamed < before[1] + 20:
                assert not any(task.done() for task in asking)
                await asyncio.sleep(0.01)
        stop.set()
        await asyncio.gather(*asking)
    for server in servers:
        await server.stop(0)


async def test_the_published_service_config_makes_any_client_try_again():
    """A plain stub with it: refused once with the time to come back, answered then."""
    config = (Path(__file__).parents[2] / "deploy/client/service_config.json").read_text()
    refusals = iter([Overloaded("full", retry_after=0.01), Unavailable("away", retry_after=0.01)])

    async def act(_) -> None:
        for refusal in refusals:
            raise refusal

    async with running(FakePipeline(act=act)) as r:
        options = [("grpc.service_config", config), ("grpc.enable_retries", 1)]
        async with grpc.aio.insecure_channel(r.address, options=options) as channel:
            stub = svodka_service_pb2_grpc.SvodkaServiceStub(channel)
            answer = await stub.Digest(pb.DigestRequest(article=pb.Article(text="story")))
            assert answer.summary_en == "story"


def test_it_needs_the_base_install_alone():
    missing = ["torch", "transformers", "numpy", "grpc_health", "grpc_reflection", "grpc_status"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({[*missing, 'models', 'service.pipeline']}))"
        "; import service.client"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
