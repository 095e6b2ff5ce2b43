"""Tables as GitHub reads them: a head, a line that aligns, and rows to the next blank line."""

from __future__ import annotations

import re

_RULE = re.compile(r"[|:-][|:\s-]+\Z")
_ALIGN = re.compile(r"(:?)-+(:?)")


def alignments(line: str) -> list[str]:
    """How the columns are aligned ("" if not at all) by the line below a head; [] if it is none."""
    if not _RULE.match(line) or line.startswith(("- ", "-\t")):
        return []
    columns = [column.strip() for column in line.strip().split("|")]
    columns = columns[not columns[0] : len(columns) - (not columns[-1])]
    matches = [_ALIGN.fullmatch(column) for column in columns]
    return [_align(match[1], match[2]) for match in matches if match] if all(matches) else []


def _align(left: str, right: str) -> str:
    return "center" if left and right else "left" if left else "right" if right else ""


def cells(line: str) -> list[str]:
    """The texts between the bars of a row; a bar after a backslash is text."""
    pieces: list[str] = []
    last = ""
    for piece in line.strip().split("|"):
        last += piece
        if last.endswith("\\"):
            last = last[:-1] + "|"
        else:
            pieces.append(last.strip())
            last = ""
    if last:
        pieces.append(last.removesuffix("|").strip() + "\\")
    if pieces and not pieces[0]:
        del pieces[0]
    if pieces and not pieces[-1]:
        del pieces[-1]
    return pieces


def row(line: str, width: int) -> list[str]:
    """The cells of a row of `width` columns: missing ones are empty, what is too much is kept."""
    found = cells(line)
    if len(found) > width:
        found[width - 1 :] = [" | ".join(found[width - 1 :])]
    return found + [""] * (width - len(found))
