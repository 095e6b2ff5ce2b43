"""A ledger for each test, with the lists weekly and monthly: a copy of one that is made once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.samples.mailings import SERVER, new_ledger
from tests.samples.people import define, ledger_with

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailer.ledger import Ledger


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a ledger that has lists and nobody on them."""
    made = ledger_with(tmp_path_factory.mktemp("ledger"), "weekly", "monthly")
    made.close()
    assert made.path is not None
    return made.path


@pytest.fixture
def ledger(empty_ledger: Path, database: Path) -> Iterator[Ledger]:
    """A fresh ledger, on each database in turn."""
    if not (database / SERVER).exists():
        shutil.copy(empty_ledger, database / "mailer.db")
    opened = new_ledger(database)
    for slug in ("weekly", "monthly"):
        define(opened, slug)
    yield opened
    opened.close()
