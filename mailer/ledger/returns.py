"""What came back: bounces recorded with their evidence, and dead addresses suppressed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, select, update

from mailer.ledger import audience, events
from mailer.ledger.engines import Lock
from mailer.ledger.events import Kind
from mailer.ledger.schema import delivery, event, mailing
from mailer.model import HARD, Bounce, DeliveryState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailer.ledger.database import Ledger
    from mailer.ledger.events import Event
    from mailer.model import Instant, MailingId

EVIDENCE_OCTETS = 2048  # B-23
FAILED = "failed"
UNRECOGNISED = "unrecognised"
RETURNED = (Kind.BOUNCED, Kind.REPORTED, Kind.REJECTED)
"""Reports of failure, other or unidentified reports, and permanent refusals at SMTP time."""


def unrecognised(raw: bytes) -> Bounce:
    """What is kept of mail that is no report: its beginning, for people to look at."""
    text = raw[:EVIDENCE_OCTETS].decode("utf-8", "replace")
    evidence = "".join(
        character if character.isprintable() or character in "\n\t" else "�"
        for character in text.replace("\r\n", "\n")
    )
    return Bounce(
        action=UNRECOGNISED,
        status="",
        diagnostic="",
        recipient="",
        evidence=evidence,
        bounce_class=None,
    )


def record(
    ledger: Ledger, bounces: Sequence[tuple[Bounce, bool]], *, digest: str, now: Instant
) -> list[bool]:
    """Store what a report says, each entry once however often it comes (B-9).

    Each entry comes with whether it suppresses its address. One without a verified delivery is
    logged and never suppresses anybody (B-2); `digest`, the report's own, tells it from others.

    Returns:
        For each entry whether it was new.
    """
    with ledger.write(Lock.PEOPLE) as connection:
        return [
            _record(connection, bounce, f"{digest}:{number}", now=now, suppresses=suppresses)
            for number, (bounce, suppresses) in enumerate(bounces)
        ]


def _record(
    connection: Connection, bounce: Bounce, unnamed: str, *, now: Instant, suppresses: bool
) -> bool:
    row = _delivery(connection, bounce)
    failed = bounce.action == FAILED and row is not None
    new = events.record(
        connection,
        kind=Kind.BOUNCED if failed else Kind.REPORTED,
        actor="report",
        at=now,
        mailing=bounce.mailing if row is not None else None,
        seq=bounce.seq if row is not None else None,
        subscriber=None if row is None else row.subscriber,
        address_key=None if row is None else row.address_key,
        detail=_detail(bounce, forgotten=row is not None and row.email is None),
        # A delivery that was tried again may come back again: that is another return.
        once=f"report:{unnamed}"
        if row is None
        else f"report:{row.mailing}:{row.seq}:{row.changed_at}:{bounce.action}:{bounce.status}",
    )
    if new and failed and row is not None and _was_accepted(row, bounce):
        connection.execute(
            update(mailing).where(mailing.c.id == row.mailing).values(hard=mailing.c.hard + 1)
        )
    if new and failed and suppresses and row is not None:
        audience.suppress(
            connection,
            row.address_key,
            address=row.email,
            bounce_class=str(bounce.bounce_class),
            evidence=bounce.evidence if row.email is not None else bounce.status,
            source=f"m{row.mailing}",
            now=now,
        )
    return new


def _was_accepted(row: Row[Any], bounce: Bounce) -> bool:
    """Whether a report says of what had been taken that there is nobody to mail to (S-33)."""
    return row.state == DeliveryState.ACCEPTED and bounce.bounce_class in HARD


def _delivery(connection: Connection, bounce: Bounce) -> Row[Any] | None:
    if bounce.mailing is None or bounce.seq is None:
        return None
    query = select(delivery).where(
        delivery.c.mailing == bounce.mailing, delivery.c.seq == bounce.seq
    )
    return connection.execute(query).one_or_none()


def _detail(bounce: Bounce, *, forgotten: bool) -> dict[str, Any]:
    codes = {
        "action": bounce.action,
        "status": bounce.status,
        "class": bounce.bounce_class,
    }
    if forgotten:  # the words of a report name the person
        return codes
    words = {
        "diagnostic": bounce.diagnostic,
        "recipient": bounce.recipient,
        "evidence": bounce.evidence,
    }
    return codes | words


def returned(
    connection: Connection, *, mailing: MailingId | None = None, limit: int = events.PAGE
) -> list[tuple[Event, str | None]]:
    """The newest returns with the address of each, as far as it is known."""
    found = events.history(connection, mailing=mailing, kinds=RETURNED, limit=limit)
    return [(one, _email(connection, one)) for one in found]


def one_return(connection: Connection, number: int) -> tuple[Event, str | None] | None:
    """One return by its number."""
    known = connection.scalar(
        select(event.c.id).where(event.c.id == number, event.c.kind.in_(RETURNED))
    )
    if known is None:
        return None
    (found,) = events.history(connection, kinds=RETURNED, before=number + 1, limit=1)
    return found, _email(connection, found)


def _email(connection: Connection, one: Event) -> str | None:
    email: str | None = connection.scalar(
        select(delivery.c.email).where(delivery.c.mailing == one.mailing, delivery.c.seq == one.seq)
    )
    return email
