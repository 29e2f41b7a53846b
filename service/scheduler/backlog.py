"""What waits, in which order it goes, and what goes together.

All of the ordering policy is here, without tasks, clocks or lanes.

Every entry stands in two orders: that of turns within its priority, by caller and
date, which gives the head of a batch (``turns``), and one per queue, profile, priority
and caller by length, from which the batch is filled. Either costs O(log n) a step, and
an entry that is cancelled leaves both at once.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter

from service.scheduler.entry import Entry
from service.scheduler.lengths import Lengths
from service.scheduler.turns import Turns
from service.scheduler.work import padded_tokens
from service.schema import Priority

CLASSES = (Priority.INTERACTIVE, Priority.BULK)
LENGTH = attrgetter("tokens")
FILLING = 64  # callers of whose work a batch is filled, at most
# Of the budget of a batch that urgent work heads: up to there others' work may fill it. For it
# the batch before has yet to end, too, and its own may begin with a part of the lane only;
# together they are to take little more than one full batch.
BESIDE_URGENT = 0.25
PASSED = 4  # times that bulk work which is next lets a fuller batch go before, at most

_Group = tuple[str, Hashable, Priority]


@dataclass(frozen=True)
class Pick:
    """The entries of one batch. ``contested``: the other priority had to wait."""

    entries: list[Entry]
    priority: Priority
    contested: bool


class Backlog:
    """The waiting entries of all queues. ``left`` hears of every removal."""

    def __init__(
        self,
        *,
        max_padding: float,
        bulk_share: float,
        lead: int,
        left: Callable[[Priority], None],
    ) -> None:
        self._left = left
        self._useful = 1 - max_padding
        self._credit = bulk_share / (1 - bulk_share)
        self._owed = 0.0  # seconds that bulk has to get back
        self._turns = {priority: Turns(lead) for priority in CLASSES}
        self._by_length: dict[_Group, dict[str, Lengths]] = {}
        self._tokens: dict[Priority, Counter[str]] = {priority: Counter() for priority in CLASSES}

    def __len__(self) -> int:
        return sum(map(len, self._turns.values()))

    def __iter__(self) -> Iterator[Entry]:
        return itertools.chain.from_iterable(self._turns.values())

    def tokens(self, priority: Priority) -> Counter[str]:
        """Cost of what waits, by queue."""
        return self._tokens[priority]

    def own(self, priority: Priority, caller: str) -> int:
        """Cost of what waits of one caller's."""
        return self._turns[priority].tokens(caller)

    def others(self, priority: Priority, caller: str) -> int:
        """How many other callers wait."""
        turns = self._turns[priority]
        return turns.callers - bool(turns.tokens(caller))

    def add(self, entry: Entry) -> None:
        """Put an entry in line. Its urgency is taken now; see ``reorder``."""
        entry.priority, entry.due, entry.caller = self._place(entry)
        self._turns[entry.priority].add(entry)
        self._tokens[entry.priority][entry.unit.queue] += entry.tokens
        # One that runs alone is a head, or nothing; so it has no place by length.
        if not entry.retried:
            callers = self._by_length.setdefault(self._group(entry, entry.priority), {})
            lengths = callers.get(entry.caller)
            if lengths is None:
                lengths = callers[entry.caller] = Lengths()
            lengths.add(entry)

    def remove(self, *entries: Entry, served: bool = False) -> None:
        """Take entries out of the line; ``served``: at their callers' account."""
        for priority in CLASSES:
            some = [entry for entry in entries if entry.priority is priority]
            if not some:
                continue
            self._turns[priority].remove(*some, served=served)
            for entry in some:
                self._tokens[priority][entry.unit.queue] -= entry.tokens
                if entry.retried:
                    continue
                group = self._group(entry, priority)
                callers = self._by_length[group]
                lengths = callers[entry.caller]
                lengths.remove(entry)
                if not lengths:
                    del callers[entry.caller]
                if not callers:
                    del self._by_length[group]
            self._left(priority)

    def reorder(self, entry: Entry) -> None:
        """Whoever waits for the entry has changed."""
        if self._place(entry) != (entry.priority, entry.due, entry.caller):
            self.remove(entry)
            self.add(entry)

    def take(self, budget: Callable[[str], float], *, beside: bool = False) -> Pick | None:
        """The next batch, or None if nothing waits, or only for what runs: a second try is
        computed ``beside`` nothing. ``clear`` comes next, before anything else is done here: the
        head has left the line by then, the others have not.

        The head goes whatever its cost. Others of its queue and profile join
        it, nearest in length first, while the padded cost stays within
        ``budget(queue)`` and the padding within its share; the head's own
        priority comes first, the other one fills what is left, but beside an
        interactive head a quarter of the budget only. Within either, callers who are
        ahead of their share come last.

        The head is whose turn it is; but bulk work that has few of its kind beside it
        waits for more, a few batches long, while its caller has fuller ones to send.
        """
        interactive, bulk = (self._turns[priority] for priority in CLASSES)
        if not interactive and not bulk:
            return None
        contested = bool(interactive and bulk)
        turn = bulk if not interactive or (bulk and self._owed > 0) else interactive
        head = turn.head()
        if turn is bulk:
            head = self._fuller(head, budget(head.unit.queue))
        if head.retried and beside:
            return None
        self.remove(head, served=True)  # who is ahead of its share depends on it
        filling = _Filling(head, self._useful)
        if not head.retried:
            full = budget(head.unit.queue)
            for priority in sorted(CLASSES, key=lambda p: p is not head.priority):
                lengths = self._by_length.get(self._group(head, priority))
                if lengths:
                    urgent = head.priority is Priority.INTERACTIVE and priority is Priority.BULK
                    room = full * BESIDE_URGENT if urgent else full
                    for callers in self._turns[priority].order(FILLING):
                        filling.fill([lengths[own] for own in callers if own in lengths], room)
        return Pick(filling.entries, head.priority, contested)

    def clear(self, pick: Pick) -> None:
        """Take a batch off the books, for which there is time when it is on its way."""
        self.remove(*pick.entries[1:], served=True)

    def _fuller(self, head: Entry, budget: float) -> Entry:
        """What goes in the place of bulk work whose turn it is: itself, or where its batch would
        be small, the longest of what its caller has most of.

        Second tries come a few at a time; a batch of one costs nearly as much as one of ten.
        """
        if head.retried or head.passed >= PASSED:
            return head
        own = self._by_length[self._group(head, head.priority)][head.caller]
        if len(own) * head.tokens >= budget:
            return head
        kinds = (c for group, c in self._by_length.items() if group[-1] is head.priority)
        most = max((c[head.caller] for c in kinds if head.caller in c), key=len)
        if len(most) <= len(own):
            return head
        head.passed += 1
        return most.longest()

    def charge(self, pick: Pick, seconds: float) -> None:
        """The batch took so long. Keeps the shares of the priorities.

        Only contested time counts: nobody owes for time that nobody else
        wanted, and nobody saves up.
        """
        if pick.contested:
            bulk = pick.priority is Priority.BULK
            self._owed += -seconds if bulk else seconds * self._credit

    def _place(self, entry: Entry) -> tuple[Priority, float, str]:
        """Class, date and caller: of two who share it, the one with less that waits."""
        priority, due = entry.urgency()
        first, last = entry.callers()
        caller = first if first == last else min(first, last, key=self._turns[priority].tokens)
        return priority, due, caller

    @staticmethod
    def _group(entry: Entry, priority: Priority) -> _Group:
        return entry.unit.queue, entry.unit.profile, priority


class _Filling:
    """A batch that grows around its head."""

    def __init__(self, head: Entry, useful: float) -> None:
        self.entries = [head]
        self._useful = useful
        self._bulk = head.priority is Priority.BULK
        self._length = self._tokens = head.tokens
        self._input = head.unit.input_tokens
        self._output = self._outputs = head.unit.output_tokens

    def fill(self, lengths: Sequence[Lengths], budget: float) -> None:
        """Take from both sides of the head's length, the nearer one first, up to ``budget``.

        The first misfit closes its side: what lies beyond is longer, or pads more.
        """
        middle = self._length
        shorter = merge(*(some.shorter(middle) for some in lengths), key=LENGTH, reverse=True)
        longer = merge(*(some.longer(middle) for some in lengths), key=LENGTH)
        below, above = next(shorter, None), next(longer, None)
        while below or above:
            if above is None or (below and middle - below.tokens <= above.tokens - middle):
                assert below is not None
                below = next(shorter, None) if self._accept(below, budget) else None
            else:
                above = next(longer, None) if self._accept(above, budget) else None

    def _accept(self, entry: Entry, budget: float) -> bool:
        unit = entry.unit
        longest_input = max(self._input, unit.input_tokens)
        longest_output = max(self._output, unit.output_tokens)
        count = len(self.entries) + 1
        tokens, outputs = self._tokens + entry.tokens, self._outputs + unit.output_tokens
        padded = padded_tokens(count, longest_input, longest_output)
        if padded > budget:
            return False
        # An engine lets a row go that has ended, so outputs are no work for nothing. But the
        # answer waits for the longest; where somebody waits for it, that is padding, too.
        work = count * longest_input + outputs if self._bulk else padded
        if tokens < work * self._useful:
            return False
        self._input, self._output = longest_input, longest_output
        self._tokens, self._outputs = tokens, outputs
        self.entries.append(entry)
        return True
