"""Whatever comes back, reading it ends well: no exception, and nobody marked without our token."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.bounces.dsn import parse
from mailer.bounces.parts import DEPTH_MAX, PARTS_MAX, walk
from tests.samples.messages import KEYRING
from tests.samples.reports import ALL, DELIVERY, VERP

LINES = sorted({line for report in ALL for line in report.splitlines()})
PIECES = st.one_of(
    st.sampled_from(LINES).map(str.encode),
    st.binary(max_size=40),
    st.sampled_from([b"", b" ", b"\r"]),
)
CUTS = st.lists(
    st.tuples(st.integers(0, 6000), st.binary(max_size=6), st.integers(0, 40)), max_size=8
)


def check(raw: bytes, recipient: str) -> None:
    found = parse(raw, envelope_recipient=recipient, keyring=KEYRING)
    assert found is None or found
    for bounce in found or []:
        assert (bounce.mailing, bounce.seq) in (DELIVERY, (None, None))
        assert bounce.action in ("failed", "delayed", "delivered", "relayed", "expanded")
        assert (bounce.bounce_class is None) is (bounce.action != "failed")
        assert re.fullmatch(r"(?:[245]\.\d{1,3}\.\d{1,3})?", bounce.status)
        assert len(bounce.evidence) <= 2048
        assert not re.search(r"[\x00-\x1f]", bounce.diagnostic + bounce.recipient)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=2000), st.text(max_size=60))
def test_any_octets_are_read(raw: bytes, recipient: str) -> None:
    """B-6, case 56."""
    check(raw, recipient)


@settings(deadline=None, max_examples=200)
@given(st.lists(PIECES, max_size=40), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_shuffled_lines_of_reports_are_read(lines: list[bytes], end: bytes) -> None:
    """B-6, case 56."""
    raw = end.join(lines)
    check(raw, VERP)
    parts = list(walk(raw))
    assert 1 <= len(parts) <= PARTS_MAX
    assert max(part.inside for part in parts) <= DEPTH_MAX


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(ALL), CUTS)
def test_damaged_reports_are_read(report: str, cuts: list[tuple[int, bytes, int]]) -> None:
    """B-6, case 56, case 57: damage never makes another delivery of it."""
    raw = report.encode()
    for at, inserted, dropped in cuts:
        raw = raw[:at] + inserted + raw[at + dropped :]
    check(raw, "")
