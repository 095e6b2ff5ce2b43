"""A log in any pieces and with any dirt in it says the same (S-42)."""

from __future__ import annotations

import random
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.delivery import relaylog
from mailer.model import Instant, instant

NOW = instant(datetime(2026, 11, 24, 12, 0, tzinfo=UTC))
MANY = settings(max_examples=150, deadline=None)

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TOKENS = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=31, max_size=31)
DIRT = st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b"") + b"\n")


def queued(token: str) -> bytes:
    return (
        b"Nov 24 11:58:01 mx postfix/qmgr[4]: 4X1Yb: "
        b"from=<b-%s@b.example.org>, size=4, nrcpt=1 (queue active)\n" % token.encode()
    )


@MANY
@given(
    tokens=st.lists(TOKENS, max_size=6, unique=True),
    dirt=st.lists(DIRT, max_size=6),
    order=st.randoms(use_true_random=False),
    block=st.integers(64, 400),
)
def test_every_line_is_found_however_the_file_is_cut(
    tokens: list[str], dirt: list[bytes], order: random.Random, block: int
) -> None:
    lines = [*map(queued, tokens), *dirt]
    order.shuffle(lines)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(relaylog, "BLOCK", block)
        path = Path(folder) / "mail.log"
        path.write_bytes(b"".join(lines))
        reading = relaylog.read(path, tokens, since=Instant(0), now=NOW, zone=UTC)
    assert dict.fromkeys(tokens, "4X1Yb") == reading.queued
    assert set() == reading.seen


@MANY
@given(line=st.one_of(st.binary(max_size=80), st.text(max_size=80).map(str.encode)))
def test_any_line_has_a_time_or_none(line: bytes) -> None:
    at = relaylog.stamp(line, now=NOW, zone=UTC)
    assert at is None or isinstance(at, int)


@MANY
@given(
    when=st.datetimes(datetime(2025, 12, 1), datetime(2026, 11, 24, 12)),  # noqa: DTZ001  UTC is added
    name=st.sampled_from(["syslog", "rfc3339"]),
)
def test_a_time_comes_back_as_it_was_written(when: datetime, name: str) -> None:
    when = when.replace(microsecond=0, tzinfo=UTC)
    text = {
        "syslog": f"{MONTHS[when.month - 1]} {when.day:2} {when:%H:%M:%S} mx",
        "rfc3339": f"{when.isoformat()} mx",
    }[name]
    assert instant(when) == relaylog.stamp(text.encode(), now=NOW, zone=UTC)
