"""Whose turn it is within one priority: the earliest date among those not ahead of their share.

This is earliest eligible virtual deadline first (Stoica and Abdel-Wahab, 1995) with
callers for processes and tokens for time. A caller's *service* is what went of its work.
Virtual time is the mean service of all who wait, and a caller is eligible while it is not
further ahead of that than ``lead``. So somebody always is; a single caller always is, and
its work goes by date alone; callers who ask for no more than their share hardly notice each
other; and one who asks for more waits until the others have had as much, or want no more.

Who begins to wait starts at the mean: time away earns nothing. Who was ahead when it had
nothing left to wait with is still ahead when it is back. That is forgotten as soon as
nobody waits, and of the oldest first where there are too many to remember.

It counts tokens and compares dates; it knows no clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import chain, islice

from sortedcontainers import SortedList

from service.scheduler.entry import Entry

REMEMBERED = 1024  # callers who left ahead of their share
LEFT_BEHIND = 8  # times as many dates as entries that wait: then the heap is made anew


class Turns:
    """The waiting entries of one priority. Each step costs O(log n)."""

    def __init__(self, lead: int) -> None:
        self._lead = lead
        self._shares: dict[str, _Share] = {}  # of all who wait
        self._service = 0  # of all who wait
        self._eligible = SortedList()  # by the date of the first entry, some that are so no more
        self._ahead = SortedList()  # by service
        self._left_ahead: dict[str, int] = {}  # service, the oldest first
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Entry]:
        for share in self._shares.values():
            yield from share.entries.values()

    @property
    def callers(self) -> int:
        """How many callers wait."""
        return len(self._shares)

    def tokens(self, caller: str) -> int:
        """Cost of what waits of the caller's."""
        share = self._shares.get(caller)
        return share.tokens if share else 0

    def service(self, caller: str) -> int:
        """Tokens that count as gone for the caller; for one who does not wait, if it came now."""
        share = self._shares.get(caller)
        if share is not None:
            return share.service
        # Rounded up: so the mean always rises when newcomers pass, however many and however
        # small, and comes up to anybody's service in the end.
        mean = -(-self._service // len(self._shares)) if self._shares else 0
        return max(mean, self._left_ahead.get(caller, 0))

    def add(self, entry: Entry) -> None:
        """The entry waits."""
        share = self._shares.get(entry.caller)
        if share is None:
            share = _Share(entry.caller, self.service(entry.caller))
            self._left_ahead.pop(share.caller, None)
            self._shares[share.caller] = share
            self._service += share.service
        share.add(entry)
        self._count += 1
        if share.first is entry:
            self._put(share, share.line if share.line is not None else self._eligible)

    def remove(self, *entries: Entry, served: bool = False) -> None:
        """The entries wait no more. ``served``: because they go."""
        moved: dict[_Share, None] = {}
        for entry in entries:
            share = self._shares[entry.caller]
            share.remove(entry)
            moved[share] = None
            if served:
                share.service += entry.tokens
                self._service += entry.tokens
            if not share.entries:
                self._leave(share)
                del moved[share]
        self._count -= len(entries)
        for share in moved:
            self._put(share, share.line)

    def head(self) -> Entry:
        """The entry whose turn it is. There must be one."""
        while self._ahead and self._may_go(self._ahead[0][-1]):
            self._put(self._ahead[0][-1], self._eligible)
        while not self._may_go(share := self._eligible[0][-1]):
            self._put(share, self._ahead)
        return share.first

    def order(self, most: int) -> tuple[list[str], list[str]]:
        """Up to so many callers who are eligible, by date, and those who are ahead, by service."""
        first, last = [], []
        for *_, share in islice(chain(self._eligible, self._ahead), most):
            (first if self._may_go(share) else last).append(share.caller)
        return first, last

    def _may_go(self, share: _Share) -> bool:
        count = len(self._shares)
        return share.service * count <= self._service + self._lead * count

    def _put(self, share: _Share, line: SortedList | None) -> None:
        """Give the caller its place in one of the lines, or in none."""
        if line is None:
            place = ()
        elif line is self._eligible:
            place = share.first.due, share.first.number, share.caller, share
        else:
            place = share.service, share.caller, share
        if share.line is line and share.place == place:
            return
        if share.line is not None:
            share.line.remove(share.place)
        share.line, share.place = line, place
        if line is not None:
            line.add(place)

    def _leave(self, share: _Share) -> None:
        self._put(share, None)
        del self._shares[share.caller]
        self._service -= share.service
        if not self._shares:
            self._left_ahead.clear()
        elif share.service * len(self._shares) > self._service:
            self._left_ahead[share.caller] = share.service
            if len(self._left_ahead) > REMEMBERED:
                del self._left_ahead[next(iter(self._left_ahead))]


class _Share:
    """One caller who waits. ``place`` is its key in ``line``, one of the two.

    An entry that goes, mostly from the middle since it fits into a batch in length, leaves its date
    behind in the heap until that comes up, or there are too many.
    """

    __slots__ = ("_dates", "caller", "entries", "line", "place", "service", "tokens")

    def __init__(self, caller: str, service: int) -> None:
        self.caller = caller
        self.service = service
        self.tokens = 0
        self.entries: dict[int, Entry] = {}  # by number
        self._dates: list[tuple[float, int]] = []  # a heap of due and number
        self.line: SortedList | None = None
        self.place: tuple[object, ...] = ()

    @property
    def first(self) -> Entry:
        """The entry with the earliest date."""
        while True:
            due, number = self._dates[0]
            entry = self.entries.get(number)
            if entry is not None and entry.due == due:
                return entry
            heappop(self._dates)

    def add(self, entry: Entry) -> None:
        self.entries[entry.number] = entry
        self.tokens += entry.tokens
        heappush(self._dates, (entry.due, entry.number))

    def remove(self, entry: Entry) -> None:
        del self.entries[entry.number]
        self.tokens -= entry.tokens
        if len(self._dates) > LEFT_BEHIND * (1 + len(self.entries)):
            self._dates = [(other.due, number) for number, other in self.entries.items()]
            heapify(self._dates)
