"""Memory is given back once a process rests, and not before; lanes and workers do it as well."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
import weakref
from pathlib import Path

import pytest

from models.heap import trim
from service import tidying
from service.lane import ProcessLane
from service.pipeline.workers import Workers
from service.scheduler import Batch, Output, Unit
from service.tidying import QUIET, WORTH, Tidying, tidy

LITTER_MB = 60

glibc = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="glibc alone gives memory back"
)


class Left:
    """Something that holds itself: only the collector can free it."""

    def __init__(self) -> None:
        self.itself = self


class Clock:
    """Processor time that passes when told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.collected = 0
        monkeypatch.setattr(tidying.time, "process_time", lambda: self.now)
        monkeypatch.setattr(tidying.gc, "collect", self.collect)

    def collect(self) -> None:
        self.collected += 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_a_process_tidies_up_once_after_each_time_of_work(clock: Clock):
    chore = Tidying()
    for times in (1, 2):
        for _ in range(5):
            clock.now += 0.5
            chore.look()
            assert clock.collected == times - 1, "it works"
        for _ in range(5):
            clock.now += 0.001
            chore.look()
            assert clock.collected == times, "at rest, once"


def test_health_checks_are_no_work(clock: Clock):
    chore = Tidying()
    for _ in range(int(0.9 * WORTH / 0.001)):
        clock.now += 0.001
        chore.look()
    assert not clock.collected


async def test_what_work_leaves_behind_is_collected_while_the_loop_goes_on(monkeypatch):
    monkeypatch.setattr(tidying, "QUIET", 0.05)
    chore = asyncio.create_task(tidy())
    await asyncio.sleep(0)
    gone = asyncio.Event()
    weakref.finalize(Left(), gone.set)
    work()
    await asyncio.wait_for(gone.wait(), 30)
    assert not chore.done()
    chore.cancel()


@glibc
def test_free_pages_between_pieces_in_use_go_back_to_the_system():
    pieces = [bytes([n % 256]) * 3_000 for n in range(20_000)]
    kept = pieces[::500]  # enough of them that the heap cannot shrink from its end
    full = resident_mb()
    del pieces
    trim()
    assert resident_mb() < full - 40
    assert kept[0] == bytes(3_000)


@glibc
async def test_a_worker_at_rest_gives_back_what_its_tasks_took():
    workers = Workers(1, int)
    try:
        pid, full = await workers.run(litter)
        await falls(pid, full)
    finally:
        await workers.close()


@glibc
async def test_a_lane_at_rest_gives_back_what_its_batches_took():
    lane = ProcessLane(load)
    await lane.start()
    try:
        (output,) = await lane.run(Batch((Unit("litter", None, "", "", 1, 1),)))
        await falls(*output.value)
    finally:
        await lane.stop()


def load():
    return {"litter": lambda *_: [Output(litter(), 1)]}


def litter() -> tuple[int, float]:
    """Leave a heap full of holes, held by a circle; return who did, and its resident MB then."""
    circle: list[object] = [bytes([n % 256]) * 3_000 for n in range(LITTER_MB * 1_000_000 // 3_000)]
    kept.extend(circle[::500])
    circle.append(circle)
    work()
    return os.getpid(), resident_mb()


kept: list[object] = []


def work() -> None:
    """Use as much processor time as is worth tidying up after."""
    end = time.process_time() + 2 * WORTH
    while time.process_time() < end:
        pass


async def falls(pid: int, full: float) -> None:
    async with asyncio.timeout(60):
        while resident_mb(pid) > full - 0.7 * LITTER_MB:  # noqa: ASYNC110
            await asyncio.sleep(QUIET / 4)


def resident_mb(pid: int | None = None) -> float:
    status = Path(f"/proc/{pid or 'self'}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024
