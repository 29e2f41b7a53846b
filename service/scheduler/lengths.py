"""One caller's entries by length, from which batches are filled.

Lengths are whole numbers and few. So an entry that comes or goes in a crowd costs a step in
a table, and only the first and last of a length costs O(log n).
"""

from __future__ import annotations

from collections.abc import Iterator

from sortedcontainers import SortedList

from service.scheduler.entry import Entry


class Lengths:
    """By length, and of equals the one that came first."""

    def __init__(self) -> None:
        self._lengths = SortedList()  # that there are
        self._entries: dict[int, dict[int, Entry]] = {}  # by length and number
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, entry: Entry) -> None:
        """O(1), and O(log n) where no other has its length."""
        equals = self._entries.get(entry.tokens)
        if equals is None:
            equals = self._entries[entry.tokens] = {}
            self._lengths.add(entry.tokens)
        equals[entry.number] = entry
        self._count += 1

    def remove(self, entry: Entry) -> None:
        """Likewise."""
        equals = self._entries[entry.tokens]
        del equals[entry.number]
        self._count -= 1
        if not equals:
            del self._entries[entry.tokens]
            self._lengths.remove(entry.tokens)

    def longest(self) -> Entry:
        """Of the longest, the one that came first. There must be one."""
        length = next(self._lengths.irange(reverse=True))
        return next(iter(self._entries[length].values()))

    def shorter(self, length: int) -> Iterator[Entry]:
        """Those shorter than that, the longest first."""
        for tokens in self._lengths.irange(maximum=length, inclusive=(True, False), reverse=True):
            yield from self._entries[tokens].values()

    def longer(self, length: int) -> Iterator[Entry]:
        """Those at least as long, the shortest first."""
        for tokens in self._lengths.irange(length):
            yield from self._entries[tokens].values()
