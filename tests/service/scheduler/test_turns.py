"""Whose turn it is: the earliest date, among callers who are not ahead of their share."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from service.scheduler.turns import LEFT_BEHIND, REMEMBERED, Turns

NAMES = "abcd"
sizes = st.integers(1, 50)


def entry(number: int, caller: str = "a", *, due: float = 0.0, tokens: int = 10):
    """As much of an entry as turns are about."""
    return SimpleNamespace(number=number, caller=caller, due=due, tokens=tokens)


def go(turns: Turns):
    """The next one goes."""
    head = turns.head()
    turns.remove(head, served=True)
    return head


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), sizes), min_size=1), st.sampled_from([0, 100]))
def test_a_single_caller_goes_by_date_alone(dates: list[tuple[int, int]], lead: int):
    turns = Turns(lead)
    entries = [entry(n, due=due, tokens=size) for n, (due, size) in enumerate(dates)]
    for it in entries:
        turns.add(it)
    expected = sorted(entries, key=lambda it: (it.due, it.number))
    assert [go(turns) for _ in entries] == expected


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), sizes), min_size=40, max_size=200),
    st.sampled_from([0, 60]),
)
def test_nobody_gets_more_than_its_share_while_others_wait(
    work: list[tuple[int, int, int]], lead: int
):
    """Whatever the dates and sizes: one with the earliest dates and the longest units, too."""
    turns = Turns(lead)
    for n, (who, due, size) in enumerate(work):
        turns.add(entry(n, NAMES[who], due=due, tokens=size))
    got = dict.fromkeys({NAMES[who] for who, _, _ in work}, 0)
    while all(turns.tokens(name) for name in got):
        head = go(turns)
        got[head.caller] += head.tokens
        assert max(got.values()) <= sum(got.values()) / len(got) + lead + 50


def test_who_was_away_has_earned_nothing_by_it():
    turns = Turns(lead=0)
    for n in range(100):
        turns.add(entry(n, "busy"))
    for _ in range(50):
        assert go(turns).caller == "busy"
    for n in range(100, 150):
        turns.add(entry(n, "new", due=-1))  # and it is more urgent
    pairs = [{go(turns).caller, go(turns).caller} for _ in range(20)]
    assert pairs == [{"busy", "new"}] * 20


def test_who_left_ahead_is_ahead_when_it_is_back_until_nobody_waits():
    for others_wait in (True, False):
        turns = Turns(lead=0)
        turns.add(entry(0, "greedy", tokens=1000))
        turns.add(entry(1, "other", due=1))
        assert go(turns).caller == "greedy"
        if not others_wait:
            assert go(turns).caller == "other"
            turns.add(entry(2, "other", due=1))
        turns.add(entry(3, "greedy"))
        assert go(turns).caller == ("other" if others_wait else "greedy")


def test_a_stream_of_newcomers_starves_nobody():
    turns = Turns(lead=0)
    turns.add(entry(0, "old", tokens=1000, due=-2))
    for n in range(1, 10):
        turns.add(entry(n, f"new {n}"))
    assert go(turns).caller == "old"
    turns.add(entry(10, "old", due=-1))
    for n in range(11, 2000):
        turns.add(entry(n, f"new {n}"))  # each comes once, and asks for little
        if go(turns).caller == "old":
            break
    assert 100 < n < 1000, "it waits for as much as it had, and no longer"


def test_what_is_remembered_is_bounded():
    turns = Turns(lead=0)
    turns.add(entry(0, "stays", due=1e9))
    for n in range(1, 3 * REMEMBERED):
        turns.add(entry(n, f"passes {n}", tokens=n % 7 + 1))
        go(turns)
    assert len(turns._left_ahead) <= REMEMBERED
    for it in list(turns):
        turns.remove(it)
    assert not turns._left_ahead
    assert not turns._shares


def test_what_went_is_soon_forgotten_though_its_date_never_comes_up():
    turns = Turns(lead=0)
    turns.add(entry(0, due=-1))
    for n in range(1, 2000):
        turns.add(entry(n, due=n))
        turns.remove(entry(n, due=n), served=True)
        assert len(turns._shares["a"]._dates) <= LEFT_BEHIND * 2 + 1
    assert turns.head().number == 0


class Line(RuleBasedStateMachine):
    """Against the plainest model: it looks at everybody each time."""

    LEAD = 15

    def __init__(self) -> None:
        super().__init__()
        self.turns = Turns(self.LEAD)
        self.waiting: list = []
        self.service: dict[str, int] = {}  # of those who wait, and of those who left ahead
        self.number = 0

    @property
    def names(self) -> set[str]:
        return {it.caller for it in self.waiting}

    @property
    def mean(self) -> float:
        return sum(self.service[name] for name in self.names) / len(self.names)

    @rule(caller=st.sampled_from(NAMES), due=st.integers(0, 5), tokens=sizes)
    def add(self, caller: str, due: int, tokens: int) -> None:
        self.come(entry(self.number, caller, due=due, tokens=tokens))
        self.number += 1

    def come(self, it) -> None:
        if it.caller not in self.names:
            start = int(-(-self.mean // 1)) if self.waiting else 0
            self.service[it.caller] = max(start, self.service.get(it.caller, 0))
        self.waiting.append(it)
        self.turns.add(it)

    @rule(data=st.data())
    def leave(self, data) -> None:
        if self.waiting:
            it = data.draw(st.sampled_from(self.waiting))
            self.turns.remove(it)
            self.gone(it)

    @rule(data=st.data(), due=st.integers(0, 5))
    def reorder(self, data, due: int) -> None:
        """Out of the line and in again, with another date."""
        if self.waiting:
            it = data.draw(st.sampled_from(self.waiting))
            self.turns.remove(it)
            self.gone(it)
            it.due = due
            self.come(it)

    @rule()
    def take(self) -> None:
        if self.waiting:
            able = {n for n in self.names if self.service[n] <= self.mean + self.LEAD}
            rivals = [it for it in self.waiting if it.caller in able]
            assert self.turns.head() is min(rivals, key=lambda it: (it.due, it.number))
            self.taken(self.turns.head())

    @rule(data=st.data())
    def fill(self, data) -> None:
        """Taken along, whoever's turn it is."""
        if self.waiting:
            self.taken(data.draw(st.sampled_from(self.waiting)))

    def taken(self, it) -> None:
        self.turns.remove(it, served=True)
        self.service[it.caller] += it.tokens
        self.gone(it)

    def gone(self, it) -> None:
        self.waiting.remove(it)
        if not self.waiting:
            self.service.clear()
        elif it.caller not in self.names and self.service[it.caller] <= self.mean:
            del self.service[it.caller]

    @invariant()
    def agree(self) -> None:
        assert sorted(self.turns, key=id) == sorted(self.waiting, key=id)
        assert len(self.turns) == len(self.waiting)
        assert self.turns.callers == len(self.names)
        for name in self.names:
            assert self.turns.service(name) == self.service[name]
            own = sum(it.tokens for it in self.waiting if it.caller == name)
            assert self.turns.tokens(name) == own
        first, last = self.turns.order(10)
        assert sorted(first + last) == sorted(self.names)
        assert all(self.service[name] <= self.mean + self.LEAD for name in first)
        assert all(self.service[name] > self.mean + self.LEAD for name in last)


TestLine = Line.TestCase
TestLine.settings = settings(deadline=None)


def test_an_entry_may_become_anothers_while_both_callers_have_yet_to_be_settled():
    """Two share it, and the one goes away just after a batch with work of both has gone."""
    turns = Turns(lead=0)
    gone, shared = entry(0, "b"), entry(1, "a")
    for it in (gone, shared, entry(2, "a"), entry(3, "b", due=5.0)):
        turns.add(it)
    turns.remove(gone, served=True)
    turns.remove(shared)
    shared.caller = "b"
    turns.add(shared)
    assert [go(turns).number for _ in range(3)] == [2, 1, 3]
