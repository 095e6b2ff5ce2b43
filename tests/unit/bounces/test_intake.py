from __future__ import annotations

import io

from mailer.bounces.intake import read_report
from mailer.bounces.parts import OCTETS_MAX


class Pipe(io.RawIOBase):
    """Gives a few octets at a time, as pipes do."""

    def __init__(self, octets: int) -> None:
        self.left = octets

    def read(self, size: int = -1, /) -> bytes:
        """At most 4 KB."""
        given = b"x" * min(self.left, size, 4096)
        self.left -= len(given)
        return given


def test_a_report_is_read_whole() -> None:
    assert read_report(io.BytesIO(b"Subject: x\n\ny")) == b"Subject: x\n\ny"
    assert read_report(io.BytesIO(b"")) == b""


def test_a_pipe_that_gives_little_at_a_time_is_read_to_its_end() -> None:
    assert len(read_report(Pipe(100_000))) == 100_000  # type: ignore[arg-type]


def test_what_is_over_a_megabyte_is_read_and_dropped() -> None:
    """B-6, X-17: the mail server must be able to finish writing."""
    pipe = Pipe(3 * OCTETS_MAX)
    assert len(read_report(pipe)) == OCTETS_MAX  # type: ignore[arg-type]
    assert pipe.left == 0
