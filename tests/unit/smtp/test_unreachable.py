"""What is said of a relay that cannot be reached (interface §1.6 A)."""

from __future__ import annotations

import errno

from mailer.model import Lost, Phase
from mailer.smtp.trust import failure


def test_a_refused_connection_is_said_in_words() -> None:
    """Asyncio words it as `[Errno 111] Connect call failed ('127.0.0.1', 2601)`."""
    error = ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 2601)")
    found = failure(Phase.CONNECT, error, 30)
    assert Lost(reason="connection refused") == found.reply
    assert not found.configuration
