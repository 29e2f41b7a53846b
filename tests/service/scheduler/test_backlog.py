"""The order of work, and what goes together."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from service.scheduler.backlog import PASSED, Backlog, Pick, _Filling
from service.scheduler.entry import Entry
from service.scheduler.meter import Meter
from service.scheduler.work import Batch, Unit
from service.schema import Priority

INTERACTIVE, BULK = Priority.INTERACTIVE, Priority.BULK
LEFT: list[Priority] = []


def backlog(max_padding: float = 0.25, bulk_share: float = 0.1, lead: int = 0) -> Backlog:
    LEFT.clear()
    return Backlog(max_padding=max_padding, bulk_share=bulk_share, lead=lead, left=LEFT.append)


class Waiter:
    """As much of a call as an entry sees."""

    def __init__(
        self, priority: Priority = INTERACTIVE, due: float = 0.0, caller: str = ""
    ) -> None:
        self.job = SimpleNamespace(
            priority=priority, due=due, caller=caller, meter=Meter(lambda: 0.0)
        )
        self.results: dict[int, Entry] = {}


def entry(
    number: int,
    length: int | tuple[int, int] = 10,
    *,
    priority: Priority = INTERACTIVE,
    due: float = 0.0,
    queue: str = "q",
    profile: object = None,
    caller: str = "",
) -> Entry:
    inputs, outputs = length if isinstance(length, tuple) else (length, 0)
    it = Entry(Unit(queue, profile, number, number, inputs, outputs), number, number)
    it.join(Waiter(priority, due, caller), 0)
    return it


def go(line: Backlog, budget: float = 1e9) -> Pick | None:
    """The next batch leaves."""
    pick = line.take(lambda _: budget)
    if pick:
        line.clear(pick)
    return pick


def take(line: Backlog, budget: float = 1e9) -> list[int]:
    pick = go(line, budget)
    return [e.number for e in pick.entries] if pick else []


def test_earliest_date_goes_first_and_interactive_before_bulk():
    line = backlog()
    for number, (priority, due) in enumerate(
        [(BULK, 1), (INTERACTIVE, 9), (INTERACTIVE, 5), (BULK, 0), (INTERACTIVE, 5)]
    ):
        line.add(entry(number, priority=priority, due=due))
    assert [take(line, 1) for _ in range(5)] == [[2], [4], [1], [3], [0]]
    assert take(line) == []


def test_a_batch_is_of_one_queue_and_profile():
    line = backlog()
    for number, (queue, profile) in enumerate(["ax", "bx", "ay", "ax", "bx"]):
        line.add(entry(number, queue=queue, profile=profile))
    assert [sorted(take(line)) for _ in range(3)] == [[0, 3], [1, 4], [2]]


def test_nearest_in_length_fill_first_from_both_sides():
    line = backlog(max_padding=0.9)
    for number, length in enumerate([50, 10, 45, 49, 52, 70, 58]):
        line.add(entry(number, length, due=0 if number == 0 else 1))
    assert take(line, 4 * 52) == [0, 3, 4, 2]


def test_a_misfit_on_one_side_leaves_the_other_open():
    line = backlog(max_padding=0.9)
    for number, length in enumerate([50, 45, 40, 70, 20]):
        line.add(entry(number, length, due=number))
    assert take(line, 200) == [0, 1, 2, 4], "four rows of 70 are too much, four of 50 are not"


def test_the_longer_side_goes_on_when_the_shorter_one_would_pad_too_much():
    line = backlog(max_padding=0.1)
    for number, length in enumerate([50, 30, 100, 51, 52]):
        line.add(entry(number, length, due=number))
    assert take(line) == [0, 3, 4]


def test_of_two_equally_near_the_shorter_goes_along():
    line = backlog(max_padding=0.9)
    for number, length in enumerate([50, 60, 40]):
        line.add(entry(number, length, due=number))
    assert take(line, 120) == [0, 2]


def test_a_batch_looks_at_no_more_than_it_takes_and_one_misfit_a_side(monkeypatch):
    looks = 0
    accept = _Filling._accept

    def count(self: _Filling, it: Entry, budget: float) -> bool:
        nonlocal looks
        looks += 1
        return accept(self, it, budget)

    monkeypatch.setattr(_Filling, "_accept", count)
    line = backlog()
    for number in range(300):
        line.add(entry(number, 1 + number, due=abs(150 - number)))
    taken = take(line, 500)
    assert taken[0] == 150
    assert looks <= len(taken) - 1 + 2


def test_the_budget_counts_longest_input_and_longest_output():
    line = backlog(max_padding=0.5)
    line.add(entry(0, (30, 10)))
    line.add(entry(1, (10, 30)))
    assert take(line, 119) == [0]
    line.add(entry(0, (30, 10)))
    assert take(line, 120) == [0, 1]


def test_the_budget_is_filled_to_the_brim():
    line = backlog()
    for number in range(25):
        line.add(entry(number))
    assert [len(take(line, 100)) for _ in range(3)] == [10, 10, 5]


def test_padding_stays_within_its_share():
    line = backlog(max_padding=0.25)
    for number, length in enumerate([100, 50, 49]):
        line.add(entry(number, length, due=number))
    assert take(line) == [0, 1], "150 of 200 is a quarter of padding; the third is over"


def test_outputs_of_bulk_work_are_not_padding_since_rows_that_end_leave():
    for priority, taken in ((BULK, [0, 1]), (INTERACTIVE, [0])):
        line = backlog(max_padding=0.25)
        line.add(entry(0, (10, 90), priority=priority))
        line.add(entry(1, (10, 1), priority=priority))
        assert take(line, 200) == taken


def test_bulk_work_with_few_of_its_kind_waits_for_more_but_not_for_ever():
    line = backlog()
    line.add(entry(0, priority=BULK, profile="again"))
    for number in range(1, 100):
        line.add(entry(number, priority=BULK, due=number))
    for _ in range(PASSED):
        assert len(take(line, 30)) == 3
    line.add(entry(100, priority=BULK, due=100, profile="again"))
    assert take(line, 30) == [0, 100]


def test_bulk_work_that_fills_its_batch_goes_by_date():
    line = backlog()
    for number in range(3):
        line.add(entry(number, priority=BULK, profile="again"))
    for number in range(3, 100):
        line.add(entry(number, priority=BULK, due=number))
    assert take(line, 30) == [0, 1, 2]


def test_interactive_work_waits_for_no_company():
    line = backlog()
    line.add(entry(0, profile="again"))
    for number in range(1, 100):
        line.add(entry(number, due=number))
    assert take(line, 30) == [0]


def test_of_the_fullest_kind_the_longest_goes():
    line = backlog()
    line.add(entry(0, priority=BULK, profile="again"))
    for number, length in enumerate([9, 12, 10, 11], 1):
        line.add(entry(number, length, priority=BULK, due=number))
    assert take(line, 36) == [2, 4, 3]


def test_more_than_the_budget_goes_alone():
    line = backlog()
    line.add(entry(0, 500))
    line.add(entry(1, 500))
    assert [take(line, 100) for _ in range(2)] == [[0], [1]]


def test_own_priority_fills_first_then_the_other():
    line = backlog()
    line.add(entry(0, 50))
    line.add(entry(1, 50, priority=BULK))
    line.add(entry(2, 52))
    line.add(entry(3, 50, priority=BULK))
    assert take(line, 4 * 3 * 52) == [0, 2, 1]


def test_urgent_work_has_a_batch_of_its_own_kind_or_a_quarter_with_others():
    line = backlog()
    for number in range(0, 40, 2):
        line.add(entry(number, 10))
        line.add(entry(number + 1, 10, priority=BULK))
    assert take(line, 100) == list(range(0, 20, 2)), "nobody else's work has a place in it"
    assert take(line, 100) == list(range(20, 40, 2))
    assert take(line, 100) == [1, 3, 5, 7, 9, 11, 13, 15, 17, 19], "bulk alone fills its own"
    line.add(entry(40, 10))
    assert take(line, 200) == [40, 21, 23, 25, 27], "a quarter"


def test_bulk_ahead_of_its_share_is_filled_with_bulk_first():
    line = backlog()
    for number in range(2):
        line.add(entry(number))
    for number in range(2, 5):
        line.add(entry(number, 11, priority=BULK))
    pick = go(line, 10)
    assert pick
    line.charge(pick, 1.0)
    assert take(line, 33) == [2, 3, 4]


def test_a_second_try_goes_alone_and_joins_nobody():
    line = backlog()
    retried = entry(1)
    retried.retried = True
    for it in (entry(0), retried, entry(2)):
        line.add(it)
    assert [take(line) for _ in range(2)] == [[0, 2], [1]]


def test_who_leaves_is_heard_of_and_counted_out():
    line = backlog()
    first, second = entry(0, 7), entry(1, 5, priority=BULK)
    line.add(first)
    line.add(second)
    assert len(line) == 2
    assert line.tokens(INTERACTIVE)["q"] == 7
    line.remove(first)
    assert LEFT == [INTERACTIVE]
    assert line.tokens(INTERACTIVE).total() == 0
    assert list(line) == [second]
    assert take(line) == [1]
    assert LEFT == [INTERACTIVE, BULK]


def test_the_most_urgent_of_those_who_wait_sets_the_place():
    line = backlog()
    other, shared = entry(0, due=5), entry(1, priority=BULK, due=9)
    line.add(other)
    line.add(shared)
    urgent = Waiter(INTERACTIVE, 1)
    shared.join(urgent, 0)
    line.reorder(shared)
    assert (shared.priority, shared.due) == (INTERACTIVE, 1)
    assert line.tokens(BULK).total() == 0
    shared.leave(urgent)
    line.reorder(shared)
    assert (shared.priority, shared.due) == (BULK, 1), "the class is theirs, the date is kept"
    assert [take(line, 1) for _ in range(2)] == [[0], [1]]


def test_reordering_without_a_change_moves_nothing():
    line = backlog()
    it = entry(0)
    line.add(it)
    it.join(Waiter(BULK, 7), 0)
    line.reorder(it)
    assert LEFT == []


@settings(deadline=None)
@given(st.lists(st.floats(0.1, 10), min_size=50, max_size=200), st.sampled_from([0.1, 0.25, 0.5]))
def test_bulk_gets_its_share_and_no_more_while_both_wait(durations: list[float], share: float):
    line = backlog(bulk_share=share)
    line.add(entry(0))
    line.add(entry(1, priority=BULK))
    spent = {INTERACTIVE: 0.0, BULK: 0.0}
    for number, seconds in enumerate(durations, 2):
        pick = go(line, 1)
        assert pick
        assert pick.contested
        line.charge(pick, seconds)
        spent[pick.priority] += seconds
        line.add(entry(number, priority=pick.priority))
    assert spent[BULK] == pytest.approx(share * sum(durations), abs=10)
    assert spent[INTERACTIVE] > 0


def test_time_that_nobody_else_wanted_is_not_held_against_anybody():
    line = backlog()
    for number in range(20):
        line.add(entry(number, priority=BULK))
        pick = go(line, 1)
        assert pick
        assert not pick.contested
        line.charge(pick, 100.0)
    line.add(entry(100))
    line.add(entry(101))
    line.add(entry(102, priority=BULK))
    pick = go(line, 1)
    assert pick
    assert pick.contested
    line.charge(pick, 1.0)
    assert take(line, 1) == [102]


class Line(RuleBasedStateMachine):
    """Against the plainest model: a list."""

    def __init__(self) -> None:
        super().__init__()
        self.line = backlog()
        self.model: list[Entry] = []
        self.passed: Counter[int] = Counter()
        self.dates: dict[Entry, int] = {}  # the earliest of all who ever waited
        self.number = 0

    @rule(
        length=st.tuples(st.integers(0, 40), st.integers(0, 40)),
        priority=st.sampled_from([INTERACTIVE, BULK]),
        due=st.integers(0, 5),
        queue=st.sampled_from("ab"),
        profile=st.sampled_from("xy"),
        caller=st.sampled_from("ab"),
        retried=st.booleans(),
    )
    def add(self, length, priority, due, queue, profile, caller, retried):
        it = entry(
            self.number,
            length,
            priority=priority,
            due=due,
            queue=queue,
            profile=profile,
            caller=caller,
        )
        it.retried = retried
        self.number += 1
        self.line.add(it)
        self.model.append(it)
        self.dates[it] = due

    @rule(data=st.data())
    def remove(self, data):
        if self.model:
            it = data.draw(st.sampled_from(self.model))
            self.line.remove(it)
            self.model.remove(it)

    @rule(
        data=st.data(),
        priority=st.sampled_from([INTERACTIVE, BULK]),
        due=st.integers(0, 5),
        caller=st.sampled_from("ab"),
    )
    def join(self, data, priority, due, caller):
        if self.model:
            it = data.draw(st.sampled_from(self.model))
            it.join(Waiter(priority, due, caller), 0)
            self.line.reorder(it)
            self.dates[it] = min(self.dates[it], due)

    @rule(data=st.data())
    def leave(self, data):
        shared = [it for it in self.model if len(it.calls) > 1]
        if shared:
            it = data.draw(st.sampled_from(shared))
            it.leave(data.draw(st.sampled_from(list(it.calls))))
            self.line.reorder(it)

    @rule(budget=st.integers(1, 300), seconds=st.floats(0, 10))
    def take(self, budget, seconds):
        pick = go(self.line, budget)
        if not self.model:
            assert pick is None
            return
        assert pick
        head, *rest = pick.entries
        assert pick.contested == (len({it.priority for it in self.model}) == 2)
        assert pick.priority is head.priority
        # Of one caller's; between callers see test_turns.
        same = (head.priority, head.caller)
        rivals = [it for it in self.model if (it.priority, it.caller) == same]
        first = min(rivals, key=lambda it: (it.due, it.number))
        if head is not first:
            assert head.priority is BULK, "nothing goes before interactive work"
            assert self.passed[first.number] < PASSED
            self.passed[first.number] += 1
            kind = attrgetter("unit.queue", "unit.profile")
            alike = Counter(kind(it) for it in rivals if not it.retried)
            assert alike[kind(head)] > alike[kind(first)]
        assert len(set(pick.entries)) == len(pick.entries)
        batch = Batch(tuple(it.unit for it in pick.entries))
        assert {(u.queue, u.profile) for u in batch.units} == {(batch.queue, batch.profile)}
        if rest:
            assert batch.padded <= budget
            units = batch.units
            work = len(units) * max(u.input_tokens for u in units)
            work += sum(u.output_tokens for u in units)
            assert batch.tokens >= 0.75 * (work if head.priority is BULK else batch.padded)
            assert not any(it.retried for it in pick.entries)
        for it in pick.entries:
            self.model.remove(it)
        self.line.charge(pick, seconds)

    @invariant()
    def agree(self):
        assert sorted(self.line, key=id) == sorted(self.model, key=id)
        assert len(self.line) == len(self.model)
        for it in self.model:
            jobs = [c.job for c in it.calls]
            assert it.due == self.dates[it]
            assert (it.priority is INTERACTIVE) == any(j.priority is INTERACTIVE for j in jobs)
            assert it.caller in {job.caller for job in jobs}
        for priority in (INTERACTIVE, BULK):
            for queue in "ab":
                waiting = (
                    it.unit.tokens
                    for it in self.model
                    if it.priority is priority and it.unit.queue == queue
                )
                assert self.line.tokens(priority)[queue] == sum(waiting)
        if not self.model:
            assert not self.line._by_length, "nothing stays behind"


TestLine = Line.TestCase
TestLine.settings = settings(deadline=None)
