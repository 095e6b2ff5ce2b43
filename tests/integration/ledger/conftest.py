"""A ledger for each test, with the lists weekly and monthly: a copy of one that is made once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from mailer.ledger import open_ledger
from tests.samples.people import ledger_with

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
def ledger(tmp_path: Path, empty_ledger: Path) -> Iterator[Ledger]:
    """A fresh ledger."""
    path = shutil.copy(empty_ledger, tmp_path / "mailer.db")
    opened = open_ledger(f"sqlite:{path}")
    yield opened
    opened.close()
