"""Threads that all batches share: who has nothing to do is known, and in time."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.crew import Crew


def test_there_is_room_once_a_thread_finds_no_more_calls():
    crew, heard = Crew(2), []
    gates = [threading.Event() for _ in range(3)]
    begun = [threading.Event() for _ in range(3)]

    def call(n: int) -> int:
        begun[n].set()
        assert gates[n].wait(10)
        return n

    def spare() -> None:
        heard.append([future.done() for future in futures])

    futures = []
    futures += crew.compute([lambda n=n: call(n) for n in range(3)], spare)
    assert begun[0].wait(10)
    assert begun[1].wait(10)
    assert not begun[2].is_set(), "two at a time"
    assert crew.free == 0
    gates[1].set()
    assert futures[1].result(10) == 1
    assert begun[2].wait(10)
    assert heard == [], "both are at work"
    gates[0].set()
    assert futures[0].result(10) == 0
    assert len(heard) == 1
    assert heard[0][2] is False, "before the last call ends"
    assert crew.free == 1
    more: list[str] = []
    (last,) = crew.compute([lambda: 9], lambda: more.append("room"))
    assert last.result(10) == 9, "beside the first batch's last call"
    assert more == ["room"]
    gates[2].set()
    assert [future.result(10) for future in futures] == [0, 1, 2]
    assert len(heard) == 1


def test_a_call_that_raises_leaves_its_thread():
    crew, heard = Crew(1), []

    def fail() -> None:
        raise RuntimeError("no")

    (future,) = crew.compute([fail], lambda: heard.append(1))
    with pytest.raises(RuntimeError, match="no"):
        future.result(10)
    assert (heard, crew.free) == ([1], 1)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 4), st.lists(st.integers(0, 6), max_size=6))
def test_each_batch_is_told_once_and_never_more_is_computed_than_there_are_threads(
    count: int, batches: list[int]
):
    crew, lock = Crew(count), threading.Lock()
    busy = most = 0

    def call() -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        with lock:
            busy -= 1

    for size in batches:
        room = threading.Semaphore(0)
        futures = crew.compute([call] * size, room.release)
        assert room.acquire(timeout=10)
        for future in futures:
            future.result(10)
        assert not room.acquire(blocking=False)
    assert most <= count
    assert crew.free == count
