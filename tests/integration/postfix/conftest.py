"""One Postfix for all tests here; each finds it empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.wire.postfix import Postfix

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def running_postfix() -> Iterator[Postfix]:
    """A Postfix that is stopped and removed at the end."""
    with Postfix() as running:
        yield running
    assert [] == running.processes()
    assert not running.folder.exists()


@pytest.fixture
def postfix(running_postfix: Postfix) -> Postfix:
    """Postfix with nothing queued and nothing delivered."""
    running_postfix.forget()
    return running_postfix
