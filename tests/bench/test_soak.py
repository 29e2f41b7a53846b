"""The soak, short; and would it notice?"""

from __future__ import annotations

import random

import pytest

from bench.soak import Soak, soak
from bench.vitals import Vitals, growth


@pytest.mark.slow
async def test_nothing_is_lost_crossed_or_left_behind():
    result = await soak(minutes=2.0, rate=5.0, rests=8, seed=3)
    assert not result.wrong
    assert result.visits.total() > 100
    assert len({name for name, _ in result.visits}) >= 15  # nearly every kind came


def test_a_line_has_its_own_slope():
    grown = growth([0.0, 0.25, 0.5, 1.0], [100.0, 102.0, 104.0, 108.0])
    assert grown.slope == pytest.approx(8)
    assert grown.low == pytest.approx(8)


def test_what_wanders_is_not_taken_for_growth():
    """A level that keeps its value for long has few independent samples, and says so."""
    level = [0.0] * 15 + [4.0] * 15 + [1.0] * 15 + [3.0] * 15
    grown = growth([n / 60 for n in range(60)], level)
    assert grown.low < 0 < grown.high


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_holds_the_truth_behind_noise(seed: int):
    chance = random.Random(seed)
    hours = [n / 60 for n in range(60)]
    grown = growth(hours, [300 + 20 * hour + chance.gauss(0, 1) for hour in hours])
    assert grown.low < 20 < grown.high
    assert grown.high - grown.low < 10


def rests(**growing: float) -> list[Vitals]:
    """An hour at rest, a sample a minute; figures that grow do so by so much an hour."""
    steady = {
        "memory_mb": 900.0, "resident_mb": 1000.0, "processes": 4, "threads": 29, "descriptors": 57,
        "sockets": 12, "tasks": 16.0,
    }  # fmt: skip
    chance = random.Random(1)
    return [
        Vitals(
            n / 60,
            **{
                name: value + int(growing.get(name, 0) * n / 60) + chance.choice((0, 0, 1))
                for name, value in steady.items()
            },
        )
        for n in range(1, 61)
    ]


@pytest.mark.parametrize("name", ["processes", "threads", "descriptors", "sockets", "tasks"])
def test_what_is_left_behind_is_told_by_name(name: str):
    result = Soak(60, warm=10, rests=rests(**{name: 6.0}))
    result.judge()
    (line,) = result.wrong
    assert line.startswith(f"{name} grow")


def test_one_more_than_before_is_no_growth():
    """A table that is allocated late, say, is one descriptor more from then on."""
    for late in range(1, 8):
        level = [12] * (8 - late) + [13] * late
        times = [Vitals(n / 240, 700, 900, 4, 33, 45 + v, v, 17) for n, v in enumerate(level)]
        result = Soak(2, warm=0.5, rests=times)
        result.judge()
        assert not result.wrong


def test_memory_may_grow_a_little_and_no_more():
    for slope, lines in ((0.0, 0), (7.0, 0), (15.0, 1)):
        result = Soak(60, warm=10, rests=rests(memory_mb=slope))
        result.judge()
        assert len(result.wrong) == lines
