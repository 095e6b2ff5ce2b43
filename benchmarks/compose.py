"""How long composing takes: µs per message of 40 KB with five slots, all tokens included.

Run as `python benchmarks/compose.py`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from mailer.compose.links import Keyring
from mailer.compose.mime import MessageTemplate
from mailer.model import (
    Instant,
    ListId,
    Mailbox,
    MailingId,
    Place,
    Recipient,
    Rendering,
    Revision,
    Slot,
    SubscriberId,
    Template,
)

ROUNDS = 7
MESSAGES = 3_000
MESSAGE_OCTETS = 40_000
LATIN = "Greetings from the harbour: a line of <b>plain</b> and naïve text, = of usual width.\n"
CYRILLIC = "Добрый день! Новости этой недели, <b>коротко</b> и по порядку.\n"


def rendering(line: str) -> Rendering:
    """A rendering of about 40 KB on the wire, four fifths of it HTML."""
    octets = len(line.encode()) * (1.1 if line == LATIN else 1.37)
    lines = int(MESSAGE_OCTETS / octets / 2)

    def body(share: float, place: Place) -> Template:
        text = line * int(2 * lines * share / 2)
        return (
            "Hello ",
            Slot(expression='subscriber.name or "reader"', place=place),
            f", this is {'<i>' if place is Place.HTML else ''}",
            *((Slot(expression="list.title", place=place),) if place is Place.HTML else ()),
            text + text,
            Slot(
                expression="unsubscribe_url",
                place=Place.URL if place is Place.HTML else Place.TEXT,
            ),
            "\n",
        )

    return Rendering(
        language="en",
        subject=("News from the harbour",),
        html=body(0.8, Place.HTML),
        text=body(0.2, Place.TEXT),
    )


def revision(key_id: int) -> Revision:
    """The mailing-wide values."""
    return Revision(
        issue="2026-11-26-harbour",
        list="weekly",
        list_title="The Weekly",
        list_id="weekly.example.org",
        feedback_sender="theweekly",
        sender=Mailbox(name="The Weekly", address="weekly@example.org"),
        reply_to=Mailbox(name="", address="hello@example.org"),
        url="https://news.example.org",
        bounce_domain="bounces.example.org",
        key_id=key_id,
        digest="0" * 64,
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


def measure(line: str) -> tuple[float, int]:
    """Microseconds per message (best of some rounds), and the octets of one."""
    ring = Keyring((bytes(range(32)),))
    template = MessageTemplate(rendering(line), revision(ring.newest_id), ring)
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


def main() -> None:
    """Print one line per script: Latin goes out as quoted-printable, Cyrillic as base64."""
    for name, line in (("quoted-printable", LATIN), ("base64", CYRILLIC)):
        microseconds, octets = measure(line)
        print(f"{name:17} {octets / 1000:5.1f} KB  {microseconds:5.1f} µs per message")


if __name__ == "__main__":
    main()
