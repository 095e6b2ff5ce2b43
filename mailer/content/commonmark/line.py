"""One line of a document, and how much of it the containers around it have taken."""

from __future__ import annotations

import re
from typing import Final

TAB: Final = 4
_WHITE = re.compile(r"[ \t]*+")


class Line:
    """A cursor in a line that counts columns: a tab reaches to the next multiple of four.

    Attributes:
        text: the line; a tab that is taken in part has become spaces.
        place: where the part that is not yet taken begins.
        start: the first character from there that is no white space.
        indent: columns of white space between the two.
    """

    __slots__ = ("_column", "indent", "place", "start", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = self._column = 0
        self._measure()

    @property
    def blank(self) -> bool:
        """Nothing but white space is left of it."""
        return self.start == len(self.text)

    @property
    def rest(self) -> str:
        """What is not yet taken, without the white space before it."""
        return self.text[self.start :]

    @property
    def untaken(self) -> str:
        """What is not yet taken, with the white space before it."""
        return self.text[self.place :]

    def take(self, columns: int) -> None:
        """Take white space, at most as many columns of it as there are."""
        left = min(columns, self.indent)
        while left:
            width = TAB - self._column % TAB if self.text[self.place] == "\t" else 1
            if width > left:
                spaces = " " * width
                self.text = self.text[: self.place] + spaces + self.text[self.place + 1 :]
                width = 1
            self.place += 1
            self._column += width
            left -= width
        self._measure()

    def take_mark(self, length: int) -> None:
        """Take the white space and a mark of `length` characters after it."""
        self._column += self.indent + length
        self.place = self.start + length
        self._measure()

    def _measure(self) -> None:
        white = _WHITE.match(self.text, self.place)
        assert white is not None
        self.start = white.end()
        self.indent = self.start - self.place
        if "\t" in white[0]:
            offset = self._column % TAB
            self.indent = len((" " * offset + white[0]).expandtabs(TAB)) - offset
