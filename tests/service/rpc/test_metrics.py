"""What Prometheus is told, as it would read it."""

from __future__ import annotations

import asyncio
from urllib.request import urlopen

import grpc.aio
import pytest
from prometheus_client.parser import text_string_to_metric_families

from fake_pipeline import FakePipeline, running
from service.errors import EmptyArticle, Violation
from service.rpc.metrics import Metrics, MetricsFailed
from service.schema import Finding, FindingKind, Severity, Usage
from svodka.v1 import svodka_service_pb2 as pb


async def scrape(port: int) -> dict[tuple[str, ...], float]:
    """Each sample by its name and its labels' values, in the order of the labels' names."""

    def read() -> str:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            return answer.read().decode()

    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(await asyncio.to_thread(read))
        for sample in family.samples
    }


def request(text: str) -> pb.DigestRequest:
    return pb.DigestRequest(article=pb.Article(text=text))


async def test_calls_and_items_are_counted_by_rpc_and_code():
    async def act(asked) -> None:
        if asked.article.text == "empty":
            raise EmptyArticle(Violation("article.text", "is empty"))

    async with running(FakePipeline(act=act)) as r:
        with r.server.metrics.served("127.0.0.1:0", r.pipeline.stats) as port:
            await r.stub.Digest(request("story"))
            with pytest.raises(grpc.aio.AioRpcError):
                await r.stub.Digest(request("empty"))
            items = [
                pb.DigestStreamRequest(request_id=text, request=request(text))
                for text in ("story", "empty")
            ]
            assert [answer async for answer in r.stub.DigestStream(iter(items))]
            samples = await scrape(port)
    assert samples["svodka_requests_total", "OK", "Digest"] == 1
    assert samples["svodka_requests_total", "INVALID_ARGUMENT", "Digest"] == 1
    assert samples["svodka_requests_total", "OK", "DigestStream"] == 1
    assert samples["svodka_requests_total", "OK", "DigestStream/item"] == 1
    assert samples["svodka_requests_total", "INVALID_ARGUMENT", "DigestStream/item"] == 1
    assert samples["svodka_request_seconds_count", "Digest"] == 2


async def test_the_schedulers_numbers_are_read_when_asked():
    pipeline = FakePipeline()
    with Metrics().served("127.0.0.1:0", pipeline.stats) as port:
        samples = await scrape(port)
    assert samples["svodka_serving",] == 1
    assert samples["svodka_loop_lag_seconds", "0.99"] == 0.004
    assert samples["svodka_waiting_tokens", "BULK", "translator"] == 70
    assert samples["svodka_padded_tokens_total", "translator"] == 1000
    assert samples["svodka_scheduler_events_total", "cached"] == 5
    assert samples["process_open_fds",] > 0


async def test_each_call_in_work_has_its_tasks_and_leaves_none():
    async def tasks(port: int) -> float:
        return (await scrape(port))["svodka_tasks",]

    more = asyncio.Event()

    async def act(asked) -> None:
        await more.wait()

    async with running(FakePipeline(act=act)) as r:
        with r.server.metrics.served("127.0.0.1:0", r.pipeline.stats) as port:
            before = await tasks(port)
            calls = [asyncio.ensure_future(r.stub.Digest(request("story"))) for _ in range(20)]
            await r.pipeline.until(lambda: r.pipeline.in_work == 20)
            assert await tasks(port) >= before + 20
            more.set()
            await asyncio.gather(*calls)
            async with asyncio.timeout(20):
                while await tasks(port) > before:
                    pass


async def test_findings_and_stages_are_counted():
    metrics = Metrics()
    finding = Finding(FindingKind.NUMBERS, Severity.WARNING, "summary_ru", "3 is missing")
    metrics.answered(Usage(queue_ms=200.0), [finding, finding])
    with metrics.served("127.0.0.1:0", FakePipeline().stats) as port:
        samples = await scrape(port)
    assert samples["svodka_findings_total", "NUMBERS", "WARNING"] == 2
    assert samples["svodka_stage_seconds_sum", "queue"] == pytest.approx(0.2)


@pytest.mark.parametrize("address", ["127.0.0.1:http", "127.0.0.1:70000", "192.0.2.1:0"])
async def test_an_address_that_cannot_be_had_is_told(address):
    with (
        pytest.raises(MetricsFailed, match="Cannot serve metrics"),
        Metrics().served(address, FakePipeline().stats),
    ):
        pass
