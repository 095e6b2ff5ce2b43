"""Logs: text on a terminal, a JSON object per line elsewhere."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailer.cli.context import App


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
    log = logging.getLogger("mailer")
    log.addHandler(handler)
    log.setLevel(logging.WARNING if app.quiet else logging.INFO)
