"""Logs: text on a terminal, a JSON object per line elsewhere; no address, no token in clear."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailer.cli.context import App

_VERP = re.compile(r"\bb-[a-z2-7]{31}(?=@)", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>\"'(),;:@]+@[^\s<>\"'(),;:@]+\.[^\s<>\"'(),;:@]*[^\s<>\"'(),;:@.]")
_HASH_DIGITS = 8


class Discreet(logging.Filter):
    """Masks tokens always, and addresses by their keyed hash unless they are wanted in clear.

    Args:
        hashed: the keyed hash of an address (decisions 3); None leaves addresses as they are.
    """

    def __init__(self, hashed: Callable[[str], str] | None) -> None:
        super().__init__()
        self._hashed = hashed

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the masked text into the record."""
        text = _VERP.sub("b-•••", record.getMessage())
        if self._hashed is not None:
            text = _ADDRESS.sub(self._mask, text)
        record.msg, record.args = text, ()
        return True

    def _mask(self, found: re.Match[str]) -> str:
        assert self._hashed is not None
        return found[0] if found[0].startswith("b-•••@") else self._hashed(found[0])


class JsonLines(logging.Formatter):
    """One event per line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a JSON object."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        event = {"at": at, "level": record.levelname.lower(), "message": record.getMessage()}
        return json.dumps(event, ensure_ascii=False)


def begin_log(app: App) -> None:
    """Log to stderr from now on."""
    handler = logging.StreamHandler()
    text = logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S")
    handler.setFormatter(text if sys.stderr.isatty() else JsonLines())
    handler.addFilter(Discreet(None if app.verbose else lambda address: _hashed(app, address)))
    log = logging.getLogger("mailer")
    log.addHandler(handler)
    log.setLevel(logging.WARNING if app.quiet else logging.INFO)


class _Above(logging.StreamHandler):  # type: ignore[type-arg]  # the stream is stderr
    """Has a picture taken away before it writes: else the next one covers what was written."""

    def __init__(self, make_room: Callable[[], None]) -> None:
        super().__init__()
        self._make_room = make_room

    def emit(self, record: logging.LogRecord) -> None:
        """Write it where the picture was."""
        self._make_room()
        super().emit(record)


@contextlib.contextmanager
def warnings_above(app: App, make_room: Callable[[], None]) -> Iterator[None]:
    """Show warnings, while the command delivers in the foreground, above its picture."""
    handler = _Above(make_room)
    handler.setLevel(logging.WARNING)
    handler.addFilter(Discreet(None if app.verbose else lambda address: _hashed(app, address)))
    log = logging.getLogger("mailer")
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


def _hashed(app: App, address: str) -> str:
    """The first digits of the keyed hash under which the ledger knows an address."""
    digest = app.ledger.normalised_key(address.strip(".").lower()).hex()
    return f"#{digest[:_HASH_DIGITS]}"
