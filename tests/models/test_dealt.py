"""How an engine deals a batch out to those who compute it side by side."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.engine import dealt

batches = st.lists(st.integers(1, 40), min_size=1, max_size=60)


@given(batches, st.integers(1, 5), st.none() | st.integers(1, 9))
def test_every_row_is_dealt_once_and_about_as_many_together_as_wanted(lengths, ways, together):
    rows = range(len(lengths))
    calls = list(dealt([(0,) * length for length in lengths], rows, ways, together))
    assert sorted(row for call in calls for row in call) == list(rows)
    assert all(calls)
    if together is None:
        assert len(calls) <= ways
        return
    # Half a round more than what is wanted goes into the rounds there are, or makes one more.
    assert max(map(len, calls)) <= 1.5 * together + 1
    full = len(lengths) // (ways * together)
    assert ways * (full - 1) < len(calls) <= ways * (full + 1)


@given(batches, st.integers(2, 5), st.integers(1, 9))
def test_those_side_by_side_take_as_long_as_each_other_and_the_longest_go_first(
    lengths, ways, together
):
    rows = range(len(lengths))
    calls = list(dealt([(0,) * length for length in lengths], rows, ways, together))
    longest = [max(lengths[row] for row in call) for call in calls]
    assert longest == sorted(longest, reverse=True)
    for start in range(0, len(calls) - ways + 1, ways):
        sizes = [len(call) for call in calls[start : start + ways]]
        assert max(sizes) - min(sizes) <= 1
