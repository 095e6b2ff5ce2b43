"""How long composing takes: µs per message of 40 KB with five places, all tokens included.

Usage: python benchmarks/compose.py

Signing is measured beside bare RSA-2048 signatures of the same library, in turns.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.content import rendering
from benchmarks.send import KEYS, revision_of, signer_of
from mailer.compose.mime import MessageTemplate
from mailer.compose.signingkeys import make_key, read_key
from mailer.model import Instant, ListId, MailingId, Recipient, SubscriberId

ROUNDS = 15
MESSAGES = 1_000
DATE = Instant(1_795_680_000_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composing:
    """Microseconds per message, medians of the rounds.

    Attributes:
        octets: of one message without a signature.
        raw: one RSA-2048 signature and nothing else.
    """

    octets: int
    plain: float
    rsa: float
    ed25519: float
    raw: float

    @property
    def ratio(self) -> float:
        """How many bare signatures a signed message takes."""
        return self.rsa / self.raw

    def __str__(self) -> str:
        return (
            f"{self.octets / 1000:.1f} KB in {self.plain:.1f} µs; "
            f"with RSA-2048 in {self.rsa:.0f} µs = {self.ratio:.2f} bare signatures "
            f"of {self.raw:.0f} µs; "
            f"with Ed25519 in {self.ed25519:.0f} µs"
        )


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


def composer(*kinds: str) -> Callable[[Recipient], object]:
    """Composes for one recipient, signed with a key of each kind."""
    content = rendering()
    signer = signer_of(*kinds)
    template = MessageTemplate(content, revision_of(content, signer), KEYS, signer)
    return lambda person: template.compose(person, date=DATE).content


def octets() -> int:
    """Of one message without a signature."""
    content = rendering()
    template = MessageTemplate(content, revision_of(content), KEYS)
    return template.compose(next(recipients(1)), date=DATE).octets


def measure() -> Composing:
    """All of them in turns, so that whatever else the machine does falls on each alike."""
    plain, rsa, ed25519 = composer(), composer("rsa"), composer("ed25519")
    key = read_key("raw", make_key("rsa"))
    runs: dict[str, tuple[Callable[[Recipient], object], int]] = {
        "plain": (plain, MESSAGES),
        "raw": (lambda _: key.sign(bytes(32)), MESSAGES // 5),
        "rsa": (rsa, MESSAGES // 5),
        "ed25519": (ed25519, MESSAGES),
    }
    people = list(recipients(MESSAGES))
    rounds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, (run, count) in runs.items():
            start = time.perf_counter()
            for person in people[:count]:
                run(person)
            rounds[name].append((time.perf_counter() - start) / count * 1e6)
    medians = {name: statistics.median(found) for name, found in rounds.items()}
    return Composing(octets=octets(), **medians)


if __name__ == "__main__":
    print(measure())
