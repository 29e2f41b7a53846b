"""What the server counts, for Prometheus, on a port of its own.

Two sources: the boundary and the servicer tell of each call and each answer as it
ends, and the scheduler's own numbers are read when somebody asks. A label never
holds anything a caller wrote.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from service.errors import SvodkaError
from service.scheduler import State, Stats
from service.schema import Finding, Usage

# Seconds. An answer takes from milliseconds (cached) to minutes (a long article, a full queue).
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)
_SCRAPE_SECONDS = 5.0


class MetricsFailed(SvodkaError):
    """The metrics' address cannot be listened on."""

    reason = "METRICS_FAILED"


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._requests = Counter(
            "svodka_requests", "Calls and stream items.", ["rpc", "code"], registry=self.registry
        )
        self._seconds = Histogram(
            "svodka_request_seconds",
            "From a request's arrival to its answer.",
            ["rpc"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._stages = Histogram(
            "svodka_stage_seconds",
            "Of an answered request in preparation, in the queue, and computing (its share).",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._findings = Counter(
            "svodka_findings",
            "Findings in answers.",
            ["kind", "severity"],
            registry=self.registry,
        )

    def called(self, rpc: str, code: str, seconds: float) -> None:
        """Count a call, or an item of a stream, that has ended."""
        self._requests.labels(rpc, code).inc()
        self._seconds.labels(rpc).observe(seconds)

    def answered(self, usage: Usage, findings: Iterable[Finding]) -> None:
        """Count what an answer cost and what the checks found in it."""
        self._stages.labels("prepare").observe(usage.prepare_ms / 1000)
        self._stages.labels("queue").observe(usage.queue_ms / 1000)
        self._stages.labels("compute").observe(usage.compute_ms / 1000)
        for finding in findings:
            self._findings.labels(finding.kind.name, finding.severity.name).inc()

    @contextmanager
    def served(self, address: str, stats: Callable[[], Stats]) -> Iterator[int]:
        """Serve ``/metrics`` on ``address`` from a thread; yields the port.

        ``stats`` is called on the running event loop, to which its numbers belong.
        Raises MetricsFailed.
        """
        host, _, port = address.rpartition(":")
        self.registry.register(_Scheduler(stats, asyncio.get_running_loop()))
        server: WSGIServer
        thread: Thread
        try:
            server, thread = start_http_server(int(port), host.strip("[]"), self.registry)
        except (OSError, OverflowError, ValueError) as error:
            raise MetricsFailed(f"Cannot serve metrics on {address}: {error}") from error
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Scheduler:
    """Reads the scheduler's numbers when Prometheus asks."""

    def __init__(self, stats: Callable[[], Stats], loop: asyncio.AbstractEventLoop) -> None:
        self._stats = stats
        self._loop = loop

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: the loop that has the numbers may not run yet."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Called in the metrics' thread."""

        async def read() -> tuple[Stats, int]:
            return self._stats(), len(asyncio.all_tasks()) - 1  # without the one that counts

        reading = asyncio.run_coroutine_threadsafe(read(), self._loop)
        stats, tasks = reading.result(_SCRAPE_SECONDS)
        yield from families(stats)
        yield _gauge("svodka_tasks", "Tasks of the event loop: what it does side by side.", tasks)


def families(stats: Stats) -> Iterator[Metric]:
    """The scheduler's numbers as Prometheus has them."""
    lanes = GaugeMetricFamily("svodka_lanes", "Lanes by state.", labels=["state"])
    lanes.add_metric(["serving"], stats.lanes_serving)
    lanes.add_metric(["busy"], stats.lanes_busy)
    lanes.add_metric(["all"], stats.lanes)
    yield lanes
    yield _gauge("svodka_serving", "1 while work can be computed.", stats.state is State.SERVING)
    lag = GaugeMetricFamily(
        "svodka_loop_lag_seconds", "How late the event loop was, of late.", labels=["quantile"]
    )
    for quantile, seconds in (
        ("0.5", stats.lag.p50),
        ("0.99", stats.lag.p99),
        ("1", stats.lag.max),
    ):
        lag.add_metric([quantile], seconds)
    yield lag
    yield _gauge("svodka_jobs", "Articles in work.", stats.jobs)
    yield _gauge("svodka_waiting_units", "Units that wait for a lane.", stats.waiting_units)
    waiting = GaugeMetricFamily(
        "svodka_waiting_tokens", "Tokens that wait for a lane.", labels=["priority", "queue"]
    )
    for (priority, queue), tokens in stats.waiting_tokens.items():
        waiting.add_metric([priority.name, queue], tokens)
    yield waiting
    wait = GaugeMetricFamily(
        "svodka_predicted_wait_seconds", "For work that arrives now.", labels=["priority"]
    )
    for priority, seconds in stats.wait_seconds.items():
        wait.add_metric([priority.name], seconds)
    yield wait
    yield _gauge("svodka_cache_entries", "Finished units that are kept.", stats.cache_entries)
    yield _gauge("svodka_cache_bytes", "What they take.", stats.cache_bytes)
    events = CounterMetricFamily(
        "svodka_scheduler_events",
        "Units served from the cache or shared, and what went wrong.",
        labels=["event"],
    )
    for event in _EVENTS:
        events.add_metric([event], getattr(stats, event))
    yield events
    for field, text in _QUEUE_TOTALS.items():
        total = CounterMetricFamily(f"svodka_{field}", text, labels=["queue"])
        for queue, numbers in stats.queues.items():
            total.add_metric([queue], getattr(numbers, field))
        yield total
    budget = GaugeMetricFamily(
        "svodka_batch_budget_tokens", "Padded tokens that a batch may have now.", labels=["queue"]
    )
    for queue, numbers in stats.queues.items():
        budget.add_metric([queue], numbers.budget)
    yield budget


_EVENTS = (
    "cached",
    "shared",
    "abandoned",
    "overloaded",
    "expired",
    "failed",
    "retries",
    "out_of_memory",
    "lane_deaths",
)
_QUEUE_TOTALS = {
    "batches": "Batches that were computed.",
    "units": "Units that were computed.",
    "tokens": "Their tokens.",
    "padded_tokens": "Their tokens with padding.",
    "busy_seconds": "Lanes' time on them.",
}


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=float(value))
