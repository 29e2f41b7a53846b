"""How an engine deals a batch out to those who compute it side by side."""

from __future__ import annotations

from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from models.engine import dealt

batches = st.lists(st.integers(1, 40), min_size=1, max_size=60)


@given(batches, st.integers(1, 5), st.none() | st.integers(1, 9))
def test_every_row_is_dealt_once_and_never_too_many_together(lengths, ways, most):
    calls = list(dealt([(0,) * length for length in lengths], range(len(lengths)), ways, most))
    assert sorted(row for call in calls for row in call) == list(range(len(lengths)))
    assert all(calls)
    assert max(map(len, calls)) <= (most or len(lengths))
    assert len(calls) <= ways * (ceil(len(lengths) / (ways * most)) if most else 1)


@given(batches, st.integers(2, 5), st.integers(1, 9))
def test_those_side_by_side_take_as_long_as_each_other_and_the_longest_go_first(
    lengths, ways, most
):
    calls = list(dealt([(0,) * length for length in lengths], range(len(lengths)), ways, most))
    longest = [max(lengths[row] for row in call) for call in calls]
    assert longest == sorted(longest, reverse=True)
    for start in range(0, len(calls) - ways + 1, ways):
        sizes = [len(call) for call in calls[start : start + ways]]
        assert max(sizes) - min(sizes) <= 1
