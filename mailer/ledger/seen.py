"""Which keyed addresses there were already, in 8 octets each: a file may name a million."""

from __future__ import annotations

_MARK = 6
_EMPTY = bytes(_MARK)


class Seen:
    """A hash table of fixed size with open addressing; a set of `bytes` takes ten times as much.

    A key is its place, which its first octets say, and the next six octets. That two differ and
    agree in those, near enough to be taken for each other, happens in one of 100 million files.

    Args:
        most: how many keys there will be.
    """

    def __init__(self, most: int) -> None:
        # A quarter stays empty: on the average, 2.5 places are looked at.
        self._places = most + most // 3 + 1
        self._table = bytearray(self._places * _MARK)

    def add(self, key: bytes) -> bool:
        """Remember a key of at least 14 octets; False if it was there already."""
        table, end = self._table, self._places * _MARK
        mark = key[8 : 8 + _MARK]
        at = int.from_bytes(key[:8], "little") % self._places * _MARK
        while (found := table[at : at + _MARK]) != _EMPTY:
            if found == mark:
                return False
            at = at + _MARK if at + _MARK < end else 0
        table[at : at + _MARK] = mark
        return True
