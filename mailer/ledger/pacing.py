"""The pace that all processes on one ledger share: of relays, and of recipient domains (S-32).

Whoever is to send asks here for leave, in the transaction that it commits anyway. What is written
is one instant per relay or domain and one count per slot of a quota; where nothing limits the pace
nothing is asked and nothing written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, delete, literal_column, null, select, update

from mailer.config.parse import rate as parse_rate
from mailer.ledger import events
from mailer.ledger.database import bump_changes
from mailer.ledger.dialect import RowUpdate, insert_new
from mailer.ledger.metering import (
    LATE,
    SLOTS,
    Grant,
    Throttle,
    gap_of,
    metered,
    recovered,
    slot,
    slower,
    within,
)
from mailer.ledger.schema import delivery, quota_use, relay, throttle
from mailer.model import DeliveryState, Instant, MailingId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailer.config import Quota, RelayConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayState:
    """A relay as people see it.

    Attributes:
        rate: messages per second that hold now; None: no limit.
        override: an operator's word that overrules the configured rate, such as "5/s"; or empty.
        quota_used: how many went out within the quota's time.
        down_since: since when it is not used; None: it is.
        trouble: why.
        quota_until: when its quota, which is used up, lets the next message go; None: it does now.
    """

    name: str
    rate: float | None
    override: str
    quota_used: int
    down_since: Instant | None
    trouble: str
    quota_until: Instant | None = None


# --- relays --------------------------------------------------------------------------------------


def grant(connection: Connection, config: RelayConfig, wanted: int, now: Instant) -> Grant:
    """Leave to send up to so many messages through a relay, by its rate and its quota."""
    row = _row(connection, config.name)
    rate = parse_rate(row.rate) if row.rate else config.rate
    allowed = _quota_left(connection, config, wanted, now)
    gap = gap_of(rate)
    # Never further away than one gap, unless the clock was put back (case 45).
    free_at = row.free_at if row.free_at <= now + gap + LATE else now
    granted = metered(free_at, gap, wanted=allowed.count, now=now)
    if granted.count:
        if granted.gap:
            _set(connection, config.name, free_at=granted.next_at)
        _use(connection, config, granted.count, now)
    return replace(granted, next_at=Instant(max(granted.next_at, allowed.next_at)))


def return_unused(connection: Connection, config: RelayConfig, count: int, now: Instant) -> None:
    """Give back what was granted and not used."""
    if count:
        row = _row(connection, config.name)
        gap = gap_of(parse_rate(row.rate) if row.rate else config.rate)
        _set(connection, config.name, free_at=row.free_at - count * gap)
        _use(connection, config, -count, now)


def set_rate(connection: Connection, name: str, text: str | None, now: Instant, actor: str) -> None:
    """Let an operator's rate such as "5/s" overrule the configured one from the next message on.

    None takes it back.

    Raises:
        ValueError: it is no rate.
    """
    if text is not None:
        parse_rate(text)
    _row(connection, name)
    _set(connection, name, rate=text, free_at=now, changed_at=now)
    detail = {"relay": name, "rate": text}
    events.record(connection, kind="rate", actor=actor, at=now, detail=detail)
    bump_changes(connection)


def overrides(connection: Connection) -> set[str]:
    """The relays whose rate an operator has set."""
    return set(connection.scalars(select(relay.c.name).where(relay.c.rate.is_not(None))))


def set_trouble(
    connection: Connection, name: str, trouble: str, *, since: Instant | None, now: Instant
) -> None:
    """Write down that a relay is not used, since when and why; since None: it is used again.

    Of one that is not used already the reason changes, and not since when.
    """
    row = _row(connection, name)
    if since is not None and row.down_since is not None:
        since = row.down_since
    _set(connection, name, down_since=since, trouble=trouble, changed_at=now)


def states(connection: Connection, relays: Sequence[RelayConfig], now: Instant) -> list[RelayState]:
    """The configured relays as people see them."""
    rows = {row.name: row for row in connection.execute(select(relay)).all()}
    found = []
    for config in relays:
        row = rows.get(config.name)
        override = (row.rate if row else None) or ""
        used = _used(connection, config.name, config.quota, now) if config.quota else {}
        found.append(
            RelayState(
                name=config.name,
                rate=parse_rate(override) if override else config.rate,
                override=override,
                quota_used=sum(used.values()),
                down_since=row.down_since if row else None,
                trouble=row.trouble if row else "",
                quota_until=_until(config.quota, used, now),
            )
        )
    return found


def _row(connection: Connection, name: str) -> Any:  # noqa: ANN401  a row
    query = select(relay).where(relay.c.name == name).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        connection.execute(insert_new(connection, relay).values(name=name))
        row = connection.execute(query).one()
    return row


def _set(connection: Connection, name: str, **values: Any) -> None:  # noqa: ANN401  columns
    connection.execute(update(relay).where(relay.c.name == name).values(values))


def _used(connection: Connection, name: str, quota: Quota, now: Instant) -> dict[int, int]:
    here = slot(quota, now)
    query = select(quota_use.c.slot, quota_use.c.used).where(
        quota_use.c.relay == name, quota_use.c.slot.between(here - SLOTS, here)
    )
    return {row.slot: row.used for row in connection.execute(query)}


def _until(quota: Quota | None, used: dict[int, int], now: Instant) -> Instant | None:
    if quota is None:
        return None
    next_one = within(quota, used, wanted=1, now=now)
    return None if next_one.count else next_one.next_at


def _quota_left(connection: Connection, config: RelayConfig, wanted: int, now: Instant) -> Grant:
    if config.quota is None:
        return Grant(wanted, now)
    used = _used(connection, config.name, config.quota, now)
    return within(config.quota, used, wanted=wanted, now=now)


def _use(connection: Connection, config: RelayConfig, count: int, now: Instant) -> None:
    if config.quota is None:
        return
    here = slot(config.quota, now)
    this = (quota_use.c.relay == config.name, quota_use.c.slot == here)
    more = update(quota_use).where(*this).values(used=quota_use.c.used + count)
    if connection.execute(more).rowcount:
        return
    row = {"relay": config.name, "slot": here, "used": count}
    connection.execute(insert_new(connection, quota_use).values(row))
    over = (quota_use.c.relay == config.name, quota_use.c.slot < here - SLOTS)
    connection.execute(delete(quota_use).where(*over))


# --- recipient domains ---------------------------------------------------------------------------


def throttles(connection: Connection) -> list[Throttle]:
    """The recipient domains that asked for less and are sent less."""
    query = select(throttle).where(throttle.c.gap > 0).order_by(throttle.c.domain)
    return [_throttle(row) for row in connection.execute(query)]


def grant_domain(
    connection: Connection, domain: str, rate: float | None, wanted: int, now: Instant
) -> Grant:
    """Leave to send up to so many messages to a domain: by its limit, and by what it asked for."""
    known = _known(connection, domain)
    current = recovered(known, now)
    gap = max(current.gap, gap_of(rate))
    granted = metered(current.free_at, gap, wanted=wanted, now=now)
    free_at = granted.next_at if granted.gap else current.free_at
    if granted.count or current != known:
        _keep(connection, current._replace(free_at=free_at), forget=not gap)
    return granted


def return_domain(connection: Connection, domain: str, count: int, gap: int) -> None:
    """Give back what was granted for a domain and not used."""
    connection.execute(
        update(throttle)
        .where(throttle.c.domain == domain)
        .values(free_at=throttle.c.free_at - count * gap)
    )


def slow_down(connection: Connection, domain: str, away: float, reply: str, now: Instant) -> None:
    """A domain asked for less, or to be left alone for so many seconds."""
    known = _known(connection, domain)
    current = slower(recovered(known, now), away=away, reply=reply, now=now)
    if current != known:
        _keep(connection, current, forget=False)
        bump_changes(connection)  # other processes hear of it


def _throttle(row: Any) -> Throttle:  # noqa: ANN401  a row
    return Throttle(row.domain, row.gap, Instant(row.free_at), row.reply, Instant(row.changed_at))


def _known(connection: Connection, domain: str) -> Throttle:
    query = select(throttle).where(throttle.c.domain == domain).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        return Throttle(domain, 0, Instant(0), "", Instant(0))
    return _throttle(row)


def _keep(connection: Connection, current: Throttle, *, forget: bool) -> None:
    this = throttle.c.domain == current.domain
    if forget:
        connection.execute(delete(throttle).where(this))
        return
    values = current._asdict()
    if not connection.execute(update(throttle).where(this).values(values)).rowcount:
        connection.execute(insert_new(connection, throttle).values(values))


# --- what must wait ------------------------------------------------------------------------------

_PUT_OFF = RowUpdate(
    update(delivery)
    .where(
        delivery.c.mailing == bindparam("mailing_"),
        delivery.c.seq == bindparam("seq_"),
        delivery.c.state == literal_column(f"'{DeliveryState.QUEUED}'"),
    )
    .values(due_at=bindparam("due_at_"), batch=null()),
    "mailing_ seq_ due_at_",
)


def put_off(connection: Connection, rows: Sequence[tuple[MailingId, int, Instant]]) -> None:
    """Let claimed deliveries leave their batches until a time; no attempt is counted."""
    if rows:
        _PUT_OFF.run(connection, rows)
