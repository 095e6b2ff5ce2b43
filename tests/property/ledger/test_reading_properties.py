"""What lines ask for does not depend on which other lines are looked at with them."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer.ledger import reading, sheets
from mailer.ledger.reading import Line, Reader
from mailer.model import SubscriptionState

CELL = st.one_of(
    st.sampled_from(["", "a", " a", "a ", "'a", "'=a", "a\nb", "a\n", "\n'a", "\u00a0a", "\x85"]),
    st.text(
        alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=5
    ),
)
EMAIL = st.one_of(st.sampled_from(["a@x.test", "B@x.test", "b@x.test", "no", "'a@x.test"]), CELL)
ROWS = st.lists(
    st.builds(lambda email, rest: [email, *rest], EMAIL, st.lists(CELL, max_size=3)), max_size=8
)


def read(file: Path, size: int) -> tuple[list[list[Any]], list[int], list[bytes], list[Line]]:
    """All that a file asks for, where so many lines are looked at together."""
    sheet = sheets.examine(file, "list.csv")
    texts: list[list[Any]] = []
    numbers: list[int] = []
    keys: list[bytes] = []
    skipped: list[Line] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "PART", size)
        reader = Reader(
            sheet,
            lambda address: hashlib.sha256(address.encode()).digest(),
            SubscriptionState.CONFIRMED,
            keep_addresses=True,
        )
        parts, entries = reader.batch(100)
    for part, packed in zip(parts, entries, strict=True):
        numbers += part.numbers
        skipped += part.skipped
        texts += json.loads(packed.texts)
        keys.append(packed.keys)
    return texts, numbers, [b"".join(keys)], skipped


@given(rows=ROWS)
@example(rows=[["a@x.test", "1", "2"], ["b@x.test", "a\n'b", "2"]])
@settings(max_examples=100, deadline=None)
def test_lines_are_read_alone_as_they_are_together(rows: list[list[str]]) -> None:
    with NamedTemporaryFile("w", newline="", encoding="utf-8", suffix=".csv") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([["email", "name", "city"], *rows])
        file.flush()

        assert read(Path(file.name), 1) == read(Path(file.name), 100)
