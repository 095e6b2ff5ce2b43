"""The journal is read whatever was left in it: whole lines count, all else is passed over."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mailer.ledger import lines
from mailer.ledger.journal import Journal
from mailer.ledger.lines import Kind, Line
from mailer.model import Instant

SALT = b"s" * 32
NUMBERS = st.integers(min_value=1, max_value=10**15)
TEXTS = st.text(max_size=20)

LINES = st.builds(
    Line,
    n=NUMBERS,
    kind=st.sampled_from([kind for kind in Kind if kind is not Kind.MARK]),
    key=st.binary(min_size=16, max_size=16),
    at=st.integers(min_value=-(10**16), max_value=10**16).map(Instant),
    mailing=st.none() | NUMBERS,
    issue=TEXTS,
    list=TEXTS,
    bounce_class=TEXTS,
)


def written(line: Line) -> bytes:
    """A line as the journal has it."""
    fields = lines.about(
        mailing=line.mailing, issue=line.issue, list_=line.list, bounce_class=line.bounce_class
    )
    return lines.write(line.n, line.kind, line.key, fields, line.at).encode()


def journal_with(folder: str, octets: bytes) -> Journal:
    """A journal with these octets behind its first line."""
    path = Path(folder) / "mailer.journal"
    path.write_bytes(lines.header(SALT).encode() + octets)
    return Journal(path, SALT)


@given(LINES)
def test_what_is_written_is_read(line: Line) -> None:
    """Also where a name holds quotes, backslashes or anything else."""
    assert line == lines.read(written(line))
    assert line.n == lines.number(written(line))


@given(st.binary(max_size=300))
def test_garbage_is_no_line_and_no_error(octets: bytes) -> None:
    assert lines.read(octets) is None
    assert lines.read_header(octets) is None
    assert lines.number(octets) == 0


@given(LINES, st.data())
def test_no_part_of_a_line_is_a_line(line: Line, data: st.DataObject) -> None:
    """A crash leaves its beginning, a repaired end nothing that could be read as another."""
    whole = written(line)
    cut = data.draw(st.integers(min_value=0, max_value=len(whole) - 2))
    assert lines.read(whole[:cut] + b"\n") is None
    assert lines.read(whole[:cut]) is None


@given(
    st.lists(
        LINES.map(lambda line: (line, written(line)))
        | st.binary(max_size=80).map(lambda octets: (None, octets.replace(b"\n", b" ") + b"\n")),
        max_size=20,
    ),
    st.binary(max_size=60),
)
def test_every_whole_line_is_found_in_any_order_among_garbage(
    parts: list[tuple[Line | None, bytes]], torn: bytes
) -> None:
    """A torn end, lines out of order and lines of something else change nothing (case 47)."""
    known = [line for line, _ in parts if line is not None]
    with tempfile.TemporaryDirectory() as folder:
        octets = b"".join(text for _, text in parts) + torn.replace(b"\n", b" ")
        journal = journal_with(folder, octets)
        assert known == list(journal.lines(after=0))
        assert max([line.n for line in known], default=0) == journal.tail().highest


@given(st.lists(LINES, min_size=1, max_size=10), st.binary(min_size=1, max_size=60))
def test_half_a_line_is_ended_before_the_next_is_added(known: list[Line], torn: bytes) -> None:
    """What comes after it is not lost with it."""
    with tempfile.TemporaryDirectory() as folder:
        journal = journal_with(folder, torn.replace(b"\n", b" "))
        journal.append("".join(written(line).decode() for line in known))
        journal.close()
        assert known == list(journal.lines(after=0))
