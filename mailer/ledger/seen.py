"""Which keyed addresses there were already, in 8 octets each: a file may name a million."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        # A ninth stays empty: on the average, five places are looked at.
        self._places = most + most // 8 + 1
        self._table = bytearray(self._places * _MARK)

    def add(self, keys: Sequence[bytes]) -> list[int]:
        """Remember keys of at least 14 octets; returns the places of those that were there already.

        Hundreds at once, because a call costs half of what it does.
        """
        table, places, end = self._table, self._places, self._places * _MARK
        known = []
        for place, key in enumerate(keys):
            mark = key[8 : 8 + _MARK]
            at = int.from_bytes(key[:8], "little") % places * _MARK
            while (found := table[at : at + _MARK]) != _EMPTY:
                if found == mark:
                    known.append(place)
                    break
                at = at + _MARK if at + _MARK < end else 0
            else:
                table[at : at + _MARK] = mark
        return known
