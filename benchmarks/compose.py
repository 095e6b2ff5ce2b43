"""How long composing takes: µs per message of 40 KB with five places, all tokens included.

Usage: python benchmarks/compose.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from benchmarks.content import rendering
from benchmarks.send import KEYS, revision_of
from mailer.compose.mime import MessageTemplate
from mailer.model import Instant, ListId, MailingId, Recipient, SubscriberId

ROUNDS = 7
MESSAGES = 3_000


def recipients(count: int) -> Iterator[Recipient]:
    """Different people: nothing can be remembered from one to the next."""
    for seq in range(count):
        yield Recipient(
            mailing=MailingId(42),
            seq=seq,
            subscriber=SubscriberId(1000 + seq),
            list_number=ListId(1),
            email=f"reader{seq}@example.net",
            name=f"Reader {seq}",
        )


def measure() -> tuple[float, int]:
    """Microseconds per message (median of some rounds), and the octets of one."""
    content = rendering()
    template = MessageTemplate(content, revision_of(content), KEYS)
    people = list(recipients(MESSAGES))
    date = Instant(1_795_680_000_000_000)
    octets = len(template.compose(people[0], date=date).content)
    rounds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for person in people:
            template.compose(person, date=date)
        rounds.append((time.perf_counter() - start) / MESSAGES * 1e6)
    return statistics.median(rounds), octets


if __name__ == "__main__":
    microseconds, size = measure()
    print(f"{size / 1000:.1f} KB in {microseconds:.1f} µs")
