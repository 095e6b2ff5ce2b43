"""Where a state machine has its ledgers: a fresh one for each example, opened by many processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailer.ledger import Ledger, open_ledger
from tests.samples import mailings as samples

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine


class Place:
    """Where the ledgers of one example after the other lie; engines serve again.

    What SQLAlchemy has compiled belongs to an engine, and compiling takes longer than running.
    """

    def __init__(
        self, folder: Path, lend: Callable[[], str], take_back: Callable[[str], None]
    ) -> None:
        self.folder = folder
        self._lend = lend
        self._take_back = take_back
        self._engines: dict[str, list[Engine]] = {}

    def empty(self) -> None:
        """A fresh ledger for the next example."""
        self._url = self._lend()
        self._salt = self._open().salt
        self._free = list(self._engines[self._url])

    def _open(self) -> Ledger:
        opened = open_ledger(self._url, journal=self.folder / "mailer.journal")
        self._engines.setdefault(self._url, []).append(opened.engine)
        opened.close()
        return opened

    def reach(self) -> Ledger:
        """The ledger as another process opens it."""
        if not self._free:
            self._free.append(self._open().engine)
        return Ledger(
            self._free.pop(), self._salt, self._url, journal=self.folder / "mailer.journal"
        )

    def leave(self, ledger: Ledger) -> None:
        """A process is over."""
        ledger.close()
        self._free.append(ledger.engine)

    def clear(self) -> None:
        """The example is over."""
        self._take_back(self._url)
        (self.folder / "mailer.journal").unlink(missing_ok=True)


class Embedded(Place):
    """SQLite."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, self._copy, self._remove)

    def _copy(self) -> str:
        samples.new_ledger(self.folder).close()
        return f"sqlite:{self.folder / 'mailer.db'}"

    def _remove(self, _: str) -> None:
        for path in self.folder.glob("mailer.db*"):
            path.unlink()
