"""A folder of caught messages: NAME.eml holds exactly what was received, NAME.json its envelope."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_NAME = re.compile(r"[0-9]{8}-[0-9]{12}-[0-9]{6}").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Whom a message came from and went to, as SMTP said it."""

    mail_from: str
    rcpt_to: tuple[str, ...]


class Store:
    """The folder, and the names in it; names sort by arrival."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._names = sorted(path.stem for path in folder.glob("*.eml") if _NAME(path.stem))
        self._taken = 0

    def add(self, mail_from: str, rcpt_to: Sequence[str], content: bytes) -> str:
        """Keep a message and return its name; a reader never sees half of it."""
        self._taken += 1
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S%f}-{self._taken:06d}"
        envelope = {"mail_from": mail_from, "rcpt_to": list(rcpt_to)}
        # The envelope first: where there is a message there is its envelope.
        self._write(f"{name}.json", json.dumps(envelope).encode())
        self._write(f"{name}.eml", content)
        self._names.append(name)
        return name

    def _write(self, name: str, content: bytes) -> None:
        part = self.folder / f".{name}.part"
        part.write_bytes(content)
        part.rename(self.folder / name)

    def __len__(self) -> int:
        return len(self._names)

    def newest(self, first: int, count: int) -> list[str]:
        """Some names, newest first, from position `first` on."""
        end = len(self._names) - first
        return self._names[max(end - count, 0) : max(end, 0)][::-1]

    def content(self, name: str) -> bytes | None:
        """The message as it was received; None if there is none of that name."""
        path = self.folder / f"{name}.eml"
        return path.read_bytes() if _NAME(name) and path.is_file() else None

    def envelope(self, name: str) -> Envelope:
        """Its envelope; empty if its file has gone."""
        path = self.folder / f"{name}.json"
        if not _NAME(name) or not path.is_file():
            return Envelope(mail_from="", rcpt_to=())
        raw = json.loads(path.read_bytes())
        return Envelope(mail_from=raw["mail_from"], rcpt_to=tuple(raw["rcpt_to"]))
