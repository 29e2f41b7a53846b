"""Memory is given back once nobody calls, and not before."""

from __future__ import annotations

import asyncio
import ctypes
import weakref
from pathlib import Path

import pytest

from service.rpc import tidying
from service.rpc.calls import Calls
from service.rpc.tidying import tidy, trim

CALLS = 8


class Left:
    """Something that holds itself: only the collector can free it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
async def calls(monkeypatch):
    """A door whose quiet is short."""
    monkeypatch.setattr(tidying, "QUIET", 0.01)
    calls = Calls(CALLS)
    chore = asyncio.create_task(tidy(calls))
    await asyncio.sleep(0)
    yield calls
    assert not chore.done(), "the chore goes on for as long as the server does"
    chore.cancel()


async def test_what_calls_leave_behind_is_collected_after_each_busy_time(calls):
    for _ in range(3):
        gone = asyncio.Event()
        calls.enter()
        weakref.finalize(Left(), gone.set)
        calls.leave()
        await asyncio.wait_for(gone.wait(), 10)


async def test_nothing_is_looked_through_while_a_call_is_inside(calls, monkeypatch):
    looked = []
    once = asyncio.Event()

    def collect() -> None:
        looked.append(calls.inside)
        once.set()

    monkeypatch.setattr(tidying.gc, "collect", collect)
    calls.enter()
    calls.enter()
    calls.leave()
    await asyncio.sleep(0.1)
    assert not looked
    calls.leave()
    await asyncio.wait_for(once.wait(), 10)
    await asyncio.sleep(0.1)
    assert looked == [0], "once is enough until the next call"


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="glibc alone has it")
def test_free_pages_between_pieces_in_use_go_back_to_the_system():
    pieces = [bytes([n % 256]) * 3_000 for n in range(20_000)]
    kept = pieces[::500]  # enough of them that the heap cannot shrink from its end
    full = resident_mb()
    del pieces
    trim()
    assert resident_mb() < full - 40
    assert kept[0] == bytes(3_000)


def resident_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024
