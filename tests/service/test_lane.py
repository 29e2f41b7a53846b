"""A real process that is killed, hangs, fails to load, and outlives nobody."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from service.errors import ModelUnavailable
from service.lane import MOST_FAILURES, BatchFailed, ProcessLane
from service.scheduler import Batch, LaneDied, OutOfMemory, Output, Policy, Scheduler, Unit
from service.schema import Priority

# What a child runs has to be importable there, so it lives in a module of its own.
LOADERS = '''
import os, signal, sys, time
from service.scheduler import Output

AT_IMPORT = [os.environ.get(name) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")]


class ModelError(Exception):
    pass


class OutOfMemoryError(RuntimeError):
    """Named as torch's is."""


class Runner:
    def __call__(self, payloads, profile, dropped, spare):
        return [Output(self.one(payload, profile), 1) for payload in payloads]

    def one(self, payload, profile):
        match payload:
            case "raise":
                raise ValueError("poison")
            case "memory":
                raise MemoryError
            case "torch":
                raise OutOfMemoryError("CUDA")
            case "allocator":
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes")
            case "runtime":
                raise RuntimeError("some other trouble")
            case "file":
                raise EOFError("of some file")
            case "unpicklable":
                return lambda: None
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hang":
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                print("hanging", file=sys.stderr, flush=True)
                time.sleep(1000)
            case "panic":
                raise BaseException("what an extension module may raise")
            case "threads":
                return AT_IMPORT
            case "print":
                print("noise")
            case "pid":
                return os.getpid()
            case "interrupt":
                os.kill(os.getpid(), signal.SIGINT)
                return "still here"
        return payload, profile


def steps(payloads, pipe, dropped, spare):
    """Tell which rows were dropped first, then go on until all are."""
    while not (first := dropped()):
        pass
    with open(pipe, "w") as out:
        print(*first, file=out)
    while len(dropped()) < len(payloads):
        pass
    return [Output(payload, 1) for payload in payloads]


def roomy(payloads, pipe, dropped, spare):
    """Have room at once; end when the pipe says so, or when all is dropped."""
    spare()
    if pipe is None:
        while len(dropped()) < len(payloads):
            pass
    elif open(pipe).read() == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return [Output((payload, os.getpid()), 1) for payload in payloads]


def load():
    return {"q": Runner(), "r": lambda *_: [], "steps": steps, "roomy": roomy}


def fail():
    raise ModelError("The weights are missing: run fetch.")


def break_down():
    raise KeyError("layer")


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def hang():
    time.sleep(1000)


def lock_up():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return load()
'''


@pytest.fixture(scope="module", autouse=True)
def loaders(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("loaders")
    (folder / "lane_loaders.py").write_text(LOADERS)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


def loader(name: str):
    import lane_loaders  # pyright: ignore[reportMissingImports]

    return getattr(lane_loaders, name)


def batch(*payloads: object, queue: str = "q", profile: object = None) -> Batch:
    return Batch(tuple(Unit(queue, profile, p, p, 1, 1) for p in payloads))


async def values(lane: ProcessLane, *payloads: object, **options: object) -> list[object]:
    return [output.value for output in await lane.run(batch(*payloads, **options))]


@asynccontextmanager
async def started() -> AsyncIterator[ProcessLane]:
    lane = ProcessLane(loader("load"))
    await lane.start()
    try:
        yield lane
    finally:
        await lane.stop()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


async def test_answers_batches_and_survives_what_a_runner_raises(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MKL_NUM_THREADS", "7")
    lane = ProcessLane(loader("load"), threads=3)
    assert lane.pid is None
    await lane.start()
    try:
        assert await values(lane, 1, "b", profile=("p", 2)) == [(1, ("p", 2)), ("b", ("p", 2))]
        assert await values(lane, "a", queue="r") == []
        pid = lane.pid
        assert pid is not None
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, pid) > own, "the parent goes before it"
        for payload, trace in [
            ("raise", "ValueError: poison"),
            ("file", "EOFError: of some file"),
            ("runtime", "some other trouble"),
            ("unpicklable", "lambda"),
        ]:
            with pytest.raises(BatchFailed, match=trace):
                await lane.run(batch("fine", payload))
        with pytest.raises(BatchFailed, match="KeyError"):
            await lane.run(batch("a", queue="unknown"))
        for payload in ("memory", "torch", "allocator"):
            with pytest.raises(OutOfMemory):
                await lane.run(batch(payload))
        with pytest.raises((AttributeError, TypeError)):
            await lane.run(batch(threading.Lock()))  # cannot be sent
        large = "x" * 5_000_000
        assert await values(lane, large) == [(large, None)]
        assert await values(lane, "pid", "threads", "interrupt") == [pid, ["3", None], "still here"]
    finally:
        await lane.stop()
    assert lane.pid is None
    assert not alive(pid)
    await lane.stop()
    with pytest.raises(LaneDied):
        await lane.run(batch("a"))


async def test_a_running_batch_hears_of_dropped_rows_and_the_next_knows_nothing_of_them(
    tmp_path: Path,
):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    lane = ProcessLane(loader("load"))
    lane.drop(batch("a"), [0])  # no batch, no process: nothing to do
    await lane.start()
    try:
        for first in ([1], [0, 2]):
            rows = batch("a", "b", "c", queue="steps", profile=pipe)
            running = lane.run(rows)
            lane.drop(rows, first)
            seen = await asyncio.to_thread(pipe.read_text)
            assert [int(row) for row in seen.split()] == first
            lane.drop(rows, [0, 1, 2])
            assert [output.value for output in await running] == ["a", "b", "c"]
            lane.drop(rows, [0])  # too late: it is of no running batch
        assert await values(lane, "a", "b") == [("a", None), ("b", None)]
    finally:
        await lane.stop()


async def test_batches_run_side_by_side_where_one_leaves_room(tmp_path: Path):
    pipes = [tmp_path / name for name in "abc"]
    for pipe in pipes:
        os.mkfifo(pipe)
    async with started() as lane:

        async def begun(profile: object) -> tuple[Batch, asyncio.Future[Sequence[Output]]]:
            room, rows = asyncio.Event(), batch("x", queue="roomy", profile=profile)
            running = lane.run(rows, room.set)
            await asyncio.wait_for(room.wait(), 20)
            return rows, running

        _, first = await begun(pipes[0])
        dropped, second = await begun(None)
        assert await values(lane, "fine") == [("fine", None)], "beside both"
        lane.drop(dropped, [0])
        await second
        assert not first.done(), "nobody dropped that"
        _, third = await begun(pipes[1])
        pipes[0].write_text("end")
        assert [output.value for output in await first] == [("x", lane.pid)]
        _, fourth = await begun(pipes[2])
        pipes[1].write_text("die")
        for answer in (third, fourth):
            with pytest.raises(LaneDied):
                await answer
        await lane.wait()


async def test_a_stop_ends_every_batch():
    lane = ProcessLane(loader("load"))
    await lane.start()
    answers = []
    for _ in range(2):
        room = asyncio.Event()
        answers.append(lane.run(batch("x", queue="roomy"), room.set))
        await asyncio.wait_for(room.wait(), 20)
    await lane.stop()
    assert all(isinstance(answer.exception(), LaneDied) for answer in answers)


async def test_a_death_is_noticed_idle_or_busy_and_the_lane_starts_again():
    lane = ProcessLane(loader("load"))
    await lane.start()
    os.kill(lane.pid, signal.SIGKILL)
    await lane.wait()
    with pytest.raises(LaneDied):
        await lane.run(batch("a"))
    await lane.stop()
    await lane.start()
    assert await values(lane, "a") == [("a", None)]
    with pytest.raises(LaneDied):
        await lane.run(batch("die"))
    await lane.wait()
    await lane.stop()


async def test_what_is_worse_than_an_error_ends_the_process():
    async with started() as lane:
        async with asyncio.timeout(20):
            with pytest.raises(LaneDied):
                await lane.run(batch("panic"))
            await lane.wait()


async def test_a_lane_that_is_not_listened_to_any_more_takes_no_batch_and_ends():
    async with started() as lane:
        waiting = lane.run(batch("x", queue="roomy"), lambda: 1 / 0)
        with pytest.raises(LaneDied):
            await waiting
        with pytest.raises(LaneDied):
            await lane.run(batch("a"))
        async with asyncio.timeout(20):
            await lane.wait()


async def test_a_process_in_which_nothing_succeeds_any_more_ends():
    """Whatever broke in it: another one may do better. One success, and it is trusted again."""
    lane = ProcessLane(loader("load"))
    await lane.start()
    for failures in (MOST_FAILURES - 1, MOST_FAILURES):
        for _ in range(failures):
            with pytest.raises(BatchFailed, match="poison"):
                await lane.run(batch("raise"))
        if failures < MOST_FAILURES:
            assert await values(lane, "a") == [("a", None)]
    async with asyncio.timeout(20):
        await lane.wait()
    with pytest.raises(LaneDied):
        await lane.run(batch("a"))
    await lane.stop()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fail", r"^The weights are missing: run fetch\.$"),
        ("break_down", "^KeyError: 'layer'$"),
        ("die", "ended while"),
    ],
)
async def test_a_loader_that_fails_is_told_and_leaves_no_process(name: str, message: str):
    lane = ProcessLane(loader(name))
    with pytest.raises(ModelUnavailable, match=message) as failure:
        await lane.start()
    assert isinstance(failure.value.__cause__, BatchFailed | LaneDied)
    assert lane.pid is None


async def test_a_start_that_is_cancelled_leaves_no_process():
    lane = ProcessLane(loader("hang"))
    start = asyncio.create_task(lane.start())
    await asyncio.sleep(0)
    pid = lane.pid
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert not alive(pid)


async def test_a_batch_that_hangs_is_killed_when_cancelled():
    lane = ProcessLane(loader("load"))
    await lane.start()
    pid = lane.pid
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticker = asyncio.create_task(tick())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await lane.run(batch("hang"))
    ticker.cancel()
    assert ticks > 3, "the loop ran on"
    await lane.wait()
    await lane.stop()
    assert not alive(pid)


async def test_a_process_that_will_not_end_is_killed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("service.lane.STOP_GRACE", 0.1)
    lane = ProcessLane(loader("lock_up"))
    await lane.start()
    pid = lane.pid
    await lane.stop()
    assert not alive(pid)


async def test_the_scheduler_survives_a_killed_and_a_hung_process():
    lane = ProcessLane(loader("load"))
    policy = Policy(batch_limit=1.0)
    async with Scheduler([lane], policy, sizeof=lambda _: 100) as s:

        async def ask(*payloads: object) -> Sequence[Output | Exception]:
            async with s.job(priority=Priority.BULK, deadline=time.monotonic() + 60) as job:
                return await job.run(batch(*payloads).units)

        (first,) = await ask("pid")
        assert isinstance(first, Output)
        os.kill(lane.pid, signal.SIGKILL)
        answer, hung = await asyncio.gather(ask("a"), ask("hang"))
        assert answer == [Output(("a", None), 1)]
        assert isinstance(hung[0], Exception)
        assert await ask("b") == [Output(("b", None), 1)]
        assert lane.pid != first.value


PARENT = """
    import asyncio, sys
    sys.path.insert(0, {folder!r})
    import lane_loaders
    from service.lane import ProcessLane
    from service.scheduler import Batch, Unit

    async def main():
        lane = ProcessLane(lane_loaders.load)
        await lane.start()
        print("result")
        await lane.run(Batch((Unit("q", None, "print", 0, 1, 1),)))
        print(lane.pid, flush=True)
        await lane.run(Batch((Unit("q", None, {payload!r}, 0, 1, 1),)))
        print("idle", flush=True)
        await asyncio.sleep(1000)

    if __name__ == "__main__":
        asyncio.run(main())
"""


@pytest.mark.parametrize("payload", ["a", "hang"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_parent_that_dies_takes_its_lane_along(
    how: signal.Signals, payload: str, tmp_path: Path, loaders: Path
):
    script = tmp_path / "parent.py"
    script.write_text(textwrap.dedent(PARENT).format(folder=str(loaders), payload=payload))
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        assert parent.stderr
        assert parent.stdout.readline() == "result\n", "the child's noise is no result"
        pid = int(parent.stdout.readline())
        if payload == "hang":
            while "hanging" not in parent.stderr.readline():
                pass
        else:
            assert parent.stdout.readline() == "idle\n"
        # asyncio.run sets no wake-up descriptor: a signal that comes just before its loop goes to
        # sleep is noticed at the next one. So whoever presses Ctrl-C may have to press it again.
        for _ in range(5):
            parent.send_signal(how)
            with suppress(subprocess.TimeoutExpired):
                # Both pipes end only when the lane, who inherited them, has ended as well.
                parent.communicate(timeout=5)
                break
        else:
            parent.kill()
            pytest.fail("the parent did not end")
    assert not alive(pid)
