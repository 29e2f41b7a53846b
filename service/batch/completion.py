"""Which records of a dump are done.

One bit a record, so that a hundred million of them take 12 MB; and one entry
a file. Where the bits come from is the business of ``outputs``.
"""

from __future__ import annotations

from service.batch.record import Place


class Places:
    """A set of places."""

    def __init__(self) -> None:
        self._bits: dict[str, bytearray] = {}
        self._count = 0

    def add(self, place: Place) -> None:
        """Put a place in."""
        bits = self._bits.setdefault(place.path, bytearray())
        index, bit = divmod(place.number, 8)
        if index >= len(bits):
            # Room ahead, so that a growing file is not copied for each of its records.
            bits.extend(bytes(index + 1 - len(bits) + len(bits) // 8))
        if not bits[index] >> bit & 1:
            bits[index] |= 1 << bit
            self._count += 1

    def bits(self, path: str) -> bytes:
        """Those of one file, for ``of`` in another process."""
        return bytes(self._bits.get(path, b""))

    @staticmethod
    def of(path: str, bits: bytes) -> Places:
        """What ``bits`` gave."""
        places = Places()
        places._bits[path] = bytearray(bits)
        places._count = sum(byte.bit_count() for byte in bits)
        return places

    def __contains__(self, place: Place) -> bool:
        bits = self._bits.get(place.path)
        index, bit = divmod(place.number, 8)
        return bits is not None and index < len(bits) and bool(bits[index] >> bit & 1)

    def __len__(self) -> int:
        return self._count


class Names:
    """About how many names came again: a Bloom filter, so in bounded memory.

    Seven in a million are miscounted among the first ten million (4 bits a name
    in 2**28), more among more.
    """

    def __init__(self) -> None:
        self._bits = bytearray(1 << 25)
        self.repeated = 0

    def add(self, name: str) -> bool:
        """Put a name in; was it there before?"""
        first = hash(name)
        second = hash((name, 1)) | 1
        fresh = False
        for n in range(4):
            index, bit = divmod((first + n * second) & 0xFFFFFFF, 8)
            if not self._bits[index] >> bit & 1:
                self._bits[index] |= 1 << bit
                fresh = True
        self.repeated += not fresh
        return not fresh
