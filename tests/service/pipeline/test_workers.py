"""Workers that die or hang are replaced, and never outlive their parent."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

from service.errors import ComputeFailed, NotEnglish, Unavailable, Violation
from service.pipeline import workers as module
from service.pipeline.workers import Workers

state: dict[str, str] = {}


def set_up(word: str) -> None:
    state["word"] = word


def ask() -> str:
    return state["word"]


def die_once(marker: Path) -> str:
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return state["word"]


def die() -> None:
    os._exit(1)


def slowly() -> int:
    time.sleep(4)
    return os.getpid()


def hang() -> None:
    time.sleep(3600)


def refuse() -> None:
    raise NotEnglish(Violation("article.text", "is Russian"))


@pytest.fixture
async def pool():
    pool = Workers(1, set_up, "ready")
    yield pool
    await pool.close()


async def test_a_task_runs_where_the_setup_ran(pool: Workers) -> None:
    assert await pool.run(ask) == "ready"


async def test_once_warm_nobody_waits_for_a_process_to_start() -> None:
    before = set(active_children())
    pool = Workers(3, set_up, "ready")
    try:
        await pool.warm(ask)
        pids = {process.pid for process in set(active_children()) - before}
        assert len(pids) == 3
        again = await asyncio.gather(*(pool.run(os.getpid) for _ in range(30)))
        assert set(again) <= pids
    finally:
        await pool.close()


async def test_an_error_comes_back_whole(pool: Workers) -> None:
    with pytest.raises(NotEnglish) as caught:
        await pool.run(refuse)
    assert caught.value.violations == (Violation("article.text", "is Russian"),)


async def test_a_setup_that_fails_is_told_by_every_task() -> None:
    pool = Workers(1, refuse)
    try:
        for _ in range(2):
            with pytest.raises(NotEnglish):
                await pool.run(ask)
    finally:
        await pool.close()


async def test_a_task_whose_worker_is_killed_is_done_again(pool: Workers, tmp_path: Path) -> None:
    assert await pool.run(die_once, tmp_path / "died") == "ready"


async def test_a_task_that_kills_twice_fails_alone(pool: Workers) -> None:
    with pytest.raises(ComputeFailed):
        await pool.run(die)
    assert await pool.run(ask) == "ready"


async def test_a_hang_costs_its_own_task(pool: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await pool.run(ask) == "ready"
    monkeypatch.setattr(module, "TASK_SECONDS", 1.0)
    with pytest.raises(ComputeFailed):
        await pool.run(hang)
    monkeypatch.setattr(module, "TASK_SECONDS", 60.0)
    assert await pool.run(ask) == "ready"


async def test_a_hang_hurts_no_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Workers(2, set_up, "ready")
    try:
        monkeypatch.setattr(module, "TASK_SECONDS", 60.0)
        first = await pool.run(os.getpid)
        slow = asyncio.create_task(pool.run(slowly))
        await asyncio.sleep(0.1)
        monkeypatch.setattr(module, "TASK_SECONDS", 1.0)
        with pytest.raises(ComputeFailed):
            await pool.run(hang)
        assert await slow == first, "done by the worker that it was given to, and once"
    finally:
        await pool.close()


async def test_leaving_does_not_wait_for_the_answer(pool: Workers) -> None:
    task = asyncio.create_task(pool.run(hang))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_hang_that_nobody_waits_for_holds_up_nobody_for_ever(
    pool: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await pool.run(ask) == "ready"
    monkeypatch.setattr(module, "TASK_SECONDS", 1.0)
    task = asyncio.create_task(pool.run(hang))
    await asyncio.sleep(0)
    task.cancel()
    assert await pool.run(ask) == "ready"


async def test_what_is_urgent_goes_first_and_the_rest_in_order(
    pool: Workers, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    order: list[str] = []

    async def note(rank: int, name: str) -> None:
        assert await pool.run_ranked(rank, "", ask) == "ready"
        order.append(name)

    reading = asyncio.create_task(pool.run(gate.read_text))
    await asyncio.sleep(0)
    names = [(2, "bulk 1"), (1, "call 1"), (0, "begun 1"), (2, "bulk 2"), (0, "begun 2")]
    tasks = [asyncio.create_task(note(rank, name)) for rank, name in names]
    await asyncio.sleep(0)
    leaver = asyncio.create_task(note(0, "left"))
    await asyncio.sleep(0)
    leaver.cancel()
    await asyncio.to_thread(gate.write_text, "open")
    await asyncio.gather(reading, *tasks)
    assert order == ["begun 1", "begun 2", "call 1", "bulk 1", "bulk 2"]
    assert leaver.cancelled()


async def test_callers_take_turns_and_who_has_many_waiting_holds_up_nobody(
    pool: Workers, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    order: list[str] = []

    async def note(name: str) -> None:
        assert await pool.run_ranked(1, name[0], ask) == "ready"
        order.append(name)
        if name == "a3":
            tasks.append(asyncio.create_task(note("c1")))  # comes late, and goes next

    reading = asyncio.create_task(pool.run(gate.read_text))
    await asyncio.sleep(0)
    names = ["a1", "a2", "a3", "a4", "a5", "b1", "b2"]
    tasks = [asyncio.create_task(note(name)) for name in names]
    await asyncio.sleep(0)
    await asyncio.to_thread(gate.write_text, "open")
    await reading
    while len(order) < 8:
        await asyncio.gather(*tasks)
    assert order[:5] == ["a1", "b1", "a2", "b2", "a3"]
    assert order.index("c1") <= 6
    assert [name for name in order if name[0] == "a"] == names[:5]


async def test_the_wait_for_a_worker_is_foreseen_from_who_is_ahead_and_how_fast_they_went(
    pool: Workers, tmp_path: Path
) -> None:
    assert pool.wait(1, "") == 0.0
    gates = [tmp_path / name for name in "abc"]
    for gate in gates:
        os.mkfifo(gate)
    tasks = [asyncio.create_task(pool.run_ranked(1, "", gate.read_text)) for gate in gates]
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(pool.run_ranked(2, "", ask)) for _ in range(4)]
    await asyncio.sleep(0)
    for gate, task in zip(gates, tasks, strict=False):
        await asyncio.to_thread(gate.write_text, "open")
        await task
        if task is tasks[0]:
            assert pool.wait(1, "") == 0.0, "nobody has waited long enough to tell"
        if task is tasks[1]:
            rhythm = pool.wait(2, "")
    await asyncio.gather(*tasks)
    assert pool.wait(1, "") == pool.wait(2, "") == 0.0
    assert rhythm == 0.0, "of its rank nobody had a turn"
    held = asyncio.create_task(pool.run(hang))
    await asyncio.sleep(0)
    line = [asyncio.create_task(pool.run_ranked(rank, "", ask)) for rank in (1, 2, 2)]
    await asyncio.sleep(0)
    one = pool.wait(1, "")
    assert 0 < one < 60
    assert pool.wait(2, "") > 0
    line[0].cancel()
    await asyncio.wait([line[0]])
    assert pool.wait(1, "") == 0.0
    assert pool._ranks[1]._turned is None, "the time until somebody waits again is no pace"
    await pool.close()
    await asyncio.wait([held, *line])


async def test_what_still_runs_at_the_end_fails_and_starts_nothing_new(pool: Workers) -> None:
    assert await pool.run(ask) == "ready"
    task = asyncio.create_task(pool.run(hang))
    await asyncio.sleep(0)
    await pool.close()
    with pytest.raises(Unavailable):
        await task
    with pytest.raises(Unavailable):
        await pool.run(ask)


@pytest.mark.parametrize("turns", range(6))
async def test_the_end_may_come_at_any_moment_of_a_start(turns: int) -> None:
    pool = Workers(1, set_up, "ready")
    task = asyncio.create_task(pool.run(hang))
    for _ in range(turns):
        await asyncio.sleep(0)
    await pool.close()
    async with asyncio.timeout(10):
        with pytest.raises(Unavailable):
            await task


def test_no_worker_outlives_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import asyncio, os\n"
        "from service.pipeline.workers import Workers\n"
        "def nothing(): pass\n"
        "async def main():\n"
        "    pool = Workers(1, nothing)\n"
        "    print(await pool.run(os.getpid), flush=True)\n"
        "    await asyncio.sleep(3600)\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert int(parent.stdout.readline()) != parent.pid
    parent.kill()
    parent.wait()
    # The worker holds the pipe's other end: only with its end can this read return.
    assert parent.stdout.read() == ""
    parent.stdout.close()
