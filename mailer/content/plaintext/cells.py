"""A table in lines: its columns side by side, or its cells one below another where it is wide."""

from __future__ import annotations

from dataclasses import dataclass

from mailer.content.plaintext.lines import columns, indent, join, wrap

_GAP = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The texts of a table's cells, row by row, each on one line.

    Attributes:
        head: the names of the columns; empty if they have none.
        right: the columns that are aligned on the right.
    """

    rows: list[list[str]]
    head: list[str]
    right: frozenset[int] = frozenset()

    def lines(self, width: int) -> list[str]:
        """The table in lines of at most so many columns, words that are longer apart."""
        every = [*([self.head] if self.head else []), *self.rows]
        widths = [
            max(columns(row[at]) for row in every if at < len(row))
            for at in range(max(map(len, every), default=0))
        ]
        if sum(widths) + len(_GAP) * (len(widths) - 1) > width:
            return self._one_below_another(width)
        lines = [self._side_by_side(row, widths) for row in every]
        if self.head:
            lines.insert(1, _GAP.join("-" * wide for wide in widths))
        return lines

    def _side_by_side(self, row: list[str], widths: list[int]) -> str:
        cells = []
        for at, cell in enumerate(row):
            space = " " * (widths[at] - columns(cell))
            cells.append(space + cell if at in self.right else cell + space)
        return _GAP.join(cells).rstrip()

    def _one_below_another(self, width: int) -> list[str]:
        """Each cell after its column's name; rows apart."""
        parts = []
        for row in self.rows:
            lines: list[str] = []
            for at, cell in enumerate(row):
                name = self.head[at] if at < len(self.head) else ""
                text = f"{name}: {cell}" if name and cell else cell
                lines += indent(wrap(text, width - len(_GAP)), "", _GAP)
            parts.append(lines)
        return join(parts or [self.head], tight=False)
