"""A file of lines that several write to at once: no line is lost, cut or mixed with another."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from mailer.ledger import linefile
from mailer.ledger.linefile import LineFile, all_lines, last_lines

if TYPE_CHECKING:
    from pathlib import Path

WRITERS = 4
TIMES = 150


def found(path: Path) -> list[bytes]:
    """The lines, without the empty ones between and behind them."""
    return [line for line in all_lines(path) if line != b"\n"]


@pytest.mark.parametrize("room", [64, 1000, 65_536])
def test_lines_of_several_writers_never_mix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """Decisions 10: each has the file open for itself, as processes do, and it grows often."""
    monkeypatch.setattr(linefile, "LEAST_ROOM", room)
    monkeypatch.setattr(linefile, "MOST_ROOM", room)
    monkeypatch.setattr(linefile, "_sync", lambda _: None)
    path = tmp_path / "lines"
    path.write_bytes(b"the first\n")
    texts = [
        [b"%d %d %b\n" % (writer, number, b"x" * (number % 50)) for number in range(TIMES)]
        for writer in range(WRITERS)
    ]

    def write(mine: list[bytes]) -> None:
        file = LineFile(path)
        for first, second in zip(mine[::2], mine[1::2], strict=True):
            file.add(first + second)
        file.close()

    threads = [threading.Thread(target=write, args=(mine,)) for mine in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, *rest = found(path)
    assert b"the first\n" == first
    assert Counter(line for mine in texts for line in mine) == Counter(rest)
    for mine in texts:  # each writer's lines stand in their order
        assert mine == [line for line in rest if line in set(mine)]


def test_a_file_that_was_closed_goes_on_behind_its_last_line(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"")
    for number in range(3):
        file = LineFile(path)
        file.add(b"%d\n" % number)
        file.close()
    assert [b"0\n", b"1\n", b"2\n"] == list(all_lines(path))
    assert [b"2\n"] == list(last_lines(path, octets=2))


def test_a_file_that_was_cut_while_it_is_open_has_no_hole(tmp_path: Path) -> None:
    """Whoever shortens it loses lines, but makes no gap in front of those to come."""
    path = tmp_path / "lines"
    path.write_bytes(b"")
    file = LineFile(path)
    file.add(b"one\n" * 100)
    with path.open("r+b") as other:
        other.truncate(4)
    file.add(b"two\n")
    file.close()
    assert [b"one\n", b"two\n"] == list(all_lines(path))
