"""The load generator, against servers whose every answer is known. Time is the loop's own."""

from __future__ import annotations

import asyncio
import itertools
import math

import pytest

from bench import load
from bench.load import Answer, Item, arriving, closed, percentile, rate, until
from virtual_loop import now, run


@pytest.fixture(autouse=True)
def virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load.time, "perf_counter", now)


def items():
    return (Item(n, 2.0) for n in itertools.count())


def test_a_closed_loop_keeps_so_many_requests_in_work():
    most = 0

    async def main() -> list[Answer]:
        working = 0

        async def ask(_: int) -> None:
            nonlocal working, most
            working += 1
            most = max(most, working)
            await asyncio.sleep(1)
            working -= 1

        return await closed(ask, items(), 3, 10.5)

    answers = run(main())
    assert most == 3
    assert len(answers) == 30
    assert all(answer.latency == pytest.approx(1.0) for answer in answers)
    assert rate(answers, 2.0) == pytest.approx(6.0, rel=0.1)


def test_a_server_that_stalls_is_charged_for_all_who_would_have_come():
    async def main() -> list[Answer]:
        lock = asyncio.Lock()
        stalls = iter([5.0])

        async def ask(_: int) -> None:
            async with lock:
                await asyncio.sleep(next(stalls, 0.0))

        return await arriving(ask, items(), 10.0, 10.0)

    answers = run(main())
    assert len(answers) == pytest.approx(100, abs=30)
    late = [answer.latency for answer in answers if answer.latency > 1]
    assert len(late) == pytest.approx(40, abs=20), "all who came in four of the five seconds"
    assert percentile(answers, 0.95) > 4


def test_a_sender_behind_its_time_counts_from_when_it_should_have_sent():
    async def main() -> list[Answer]:
        async def ask(_: int) -> None:
            load_blocks()

        return await arriving(ask, items(), 10.0, 2.0)

    def load_blocks() -> None:
        asyncio.get_running_loop().leap.now += 1.0  # type: ignore[attr-defined]

    answers = run(main())
    assert max(answer.latency for answer in answers) > 10


def test_errors_are_answers_but_no_work():
    async def main() -> list[Answer]:
        async def ask(n: int) -> None:
            await asyncio.sleep(1)
            if n % 2:
                raise ValueError

        return await closed(ask, items(), 2, 20.5)

    answers = run(main())
    assert sum(answer.error == "ValueError" for answer in answers) == len(answers) / 2
    assert rate(answers) == pytest.approx(2.0, rel=0.1)


@pytest.mark.parametrize("clumps", [5, 20, 100])
def test_clumps_do_not_bend_the_rate(clumps: int):
    answers = [
        Answer(0.0, 10 * clump / clumps + 0.001 * n, 100 / clumps / 4)
        for clump in range(1, clumps + 1)
        for n in range(4)
    ]
    assert rate(answers) == pytest.approx(10.0, rel=0.1)


def test_little_is_no_reason_to_fall_over():
    assert math.isnan(rate([]))
    assert math.isnan(rate([Answer(1.0, 1.0, 1.0)]))
    assert math.isnan(percentile([], 0.5))
    assert until([], 1.0) == []
    assert [a.done for a in until([Answer(0, 1, 1), Answer(0, 3, 1)], 2.0)] == [1]


def test_who_arrives_stays_away_when_there_is_nothing_more_to_ask():
    async def main() -> list[Answer]:
        async def ask(_: int) -> None:
            await asyncio.sleep(1)

        return await arriving(ask, itertools.islice(items(), 7), 10.0)

    assert len(run(main())) == 7
