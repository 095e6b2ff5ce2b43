"""Begin and settle: the two writes per delivery, and the one rule that they keep.

The rule (S-41): `begin` is committed before the first content byte leaves; the outcome of a message
is committed before the next final dot on its connection. So a dead process leaves at most one row
in `sending` per open connection, and those alone are in doubt.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from json.encoder import encode_basestring as _json_string
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    bindparam,
    case,
    func,
    literal_column,
    update,
)

from mailer.errors import LedgerError
from mailer.ledger import doubt, events, noting
from mailer.ledger.claims import address_of
from mailer.ledger.dialect import RowUpdate
from mailer.ledger.lines import Kind
from mailer.ledger.schema import delivery, mailing
from mailer.model import (
    HARD,
    BounceClass,
    DeliveryState,
    HolderId,
    Instant,
    MailingId,
    OnDoubt,
    SubscriberId,
)

if TYPE_CHECKING:
    from mailer.ledger.claims import Claimed


class Begin(NamedTuple):
    """The intent to send: Date, revision and slot values are fixed from here on.

    Attributes:
        relay: the name of the relay that it goes to.
    """

    claimed: Claimed
    date: Instant
    values: tuple[str, ...] | None
    relay: str = ""


class Fault(NamedTuple):
    """A refusal that is about us (decisions 16).

    Attributes:
        key: equal for equal replies: phase, code and enhanced code.
        domain: the recipient's domain as lower A-label.
    """

    key: str
    domain: str


class Outcome(NamedTuple):
    """What became of a delivery.

    Attributes:
        resends: how often it was sent again out of doubt before this attempt.
        was: the state that it leaves; `sending`, or `queued` if it ended before its content.
        date: Date of the attempt; kept from the first one on, refused before its content or not,
            because its age counts from there (M-5, S-31).
        due_at: the next try, for a deferred one.
        reply: the relay's words, or why there are none.
        counted: whether this used up an attempt of the recipient's.
        fault: what the reply says is about us; None if it is not.
    """

    mailing: MailingId
    seq: int
    subscriber: SubscriberId
    address_key: bytes
    resends: int
    state: DeliveryState
    was: DeliveryState
    reply: str
    date: Instant | None = None
    due_at: Instant | None = None
    bounce_class: BounceClass | None = None
    counted: bool = True
    fault: Fault | None = None


CODE = 3
"""Characters of a reply that name nobody: what is kept of it once its person is forgotten."""

_THIS = (delivery.c.mailing == bindparam("mailing_"), delivery.c.seq == bindparam("seq_"))
_QUEUED: ColumnElement[str] = literal_column(f"'{DeliveryState.QUEUED}'")
_SENDING: ColumnElement[str] = literal_column(f"'{DeliveryState.SENDING}'")

# As it was claimed: where a lease lapsed under a process that lives, because the clock was set on,
# another one may have begun the row with another Date, and have it back in the queue.
_AS_CLAIMED = (
    delivery.c.state == _QUEUED,
    delivery.c.due_at.is_(None),
    delivery.c.attempts == bindparam("attempts_"),
    func.coalesce(delivery.c.date, literal_column("-1"))
    == bindparam("first_date_", type_=BigInteger),
)

_BEGIN = RowUpdate(
    update(delivery)
    .where(*_THIS, *_AS_CLAIMED)
    .values(
        state=_SENDING,
        attempts=delivery.c.attempts + literal_column("1"),
        revision=bindparam("revision_"),
        date=bindparam("date_"),
        values=bindparam("values_"),
        holder=bindparam("holder_"),
        relay=bindparam("relay_"),
        changed_at=bindparam("changed_at_"),
    ),
    "mailing_ seq_ attempts_ first_date_ revision_ date_ values_ holder_ relay_ changed_at_",
)

_SETTLE = RowUpdate(
    update(delivery)
    .where(*_THIS, delivery.c.state == bindparam("was_"))
    .values(
        state=bindparam("state_"),
        attempts=delivery.c.attempts + bindparam("attempts_"),
        resends=bindparam("resends_"),
        date=func.coalesce(delivery.c.date, bindparam("date_")),
        due_at=bindparam("due_at_"),
        batch=case((bindparam("due_at_").is_(None), delivery.c.batch), else_=None),
        # Who is forgotten leaves no words behind, only the code: replies quote addresses.
        reply=case(
            (
                delivery.c.email.is_(None),
                func.substr(bindparam("reply_"), literal_column("1"), literal_column(str(CODE))),
            ),
            else_=bindparam("reply_"),
        ),
        bounce_class=bindparam("bounce_class_"),
        changed_at=bindparam("changed_at_"),
    ),
    "mailing_ seq_ was_ state_ attempts_ resends_ date_ due_at_ reply_ bounce_class_ changed_at_",
)

_COUNTERS = (
    "sending",
    "accepted",
    "rejected",
    "in_doubt",
    "cancelled",
    "resent",
    "ever_in_doubt",
    "hard",
)

_COUNT = RowUpdate(
    update(mailing)
    .where(mailing.c.id == bindparam("mailing_"))
    .values({mailing.c[name]: mailing.c[name] + bindparam(f"{name}_") for name in _COUNTERS}),
    " ".join(f"{name}_" for name in ("mailing", *_COUNTERS)),
)


def record(
    connection: Connection,
    outcomes: Sequence[Outcome],
    begins: Sequence[Begin],
    *,
    on_doubt: OnDoubt,
    now: Instant,
    holder: HolderId | None = None,
    doubt_wait: int = 0,
) -> None:
    """Write the outcomes that arrived and the intents that go next; the caller commits once.

    `holder` says whose intents they are; recovery asks whether that one is alive. `doubt_wait` is
    how many microseconds a resend waits until the relay's log has spoken (S-42); 0: there is none.

    Raises:
        LedgerError: E606, a row was not in the state that this process left it in.
    """
    moved: dict[MailingId, Counter[str]] = defaultdict(Counter)
    if outcomes:
        if doubt_wait:
            doubt.note(connection, outcomes, now)
        resend_at = Instant(now + doubt_wait) if on_doubt is OnDoubt.RESEND else None
        rows = [_outcome_row(one, resend_at, now, moved[one.mailing]) for one in outcomes]
        _expect(_SETTLE.run(connection, rows), len(rows))
        for outcome in outcomes:
            if outcome.state in _WRITTEN_DOWN:
                _write_down(connection, outcome, now)
        noting.note_deliveries(
            connection,
            [
                (_NOTED[one.state], one.address_key, one.mailing)
                for one in outcomes
                if one.state in _NOTED
            ],
            at=now,
        )
    if begins:
        rows = [_begin_row(begin, holder, now, moved) for begin in begins]
        _expect(_BEGIN.run(connection, rows), len(rows))
    if moved:
        _COUNT.run(
            connection,
            # In one order, or two dispatchers wait for each other.
            [(one, *(moved[one][name] for name in _COUNTERS)) for one in sorted(moved)],
        )


_WRITTEN_DOWN = (DeliveryState.REJECTED, DeliveryState.IN_DOUBT)
_NOTED = {DeliveryState.ACCEPTED: Kind.ACCEPTED, DeliveryState.IN_DOUBT: Kind.IN_DOUBT}


def _begin_row(
    begin: Begin, holder: HolderId | None, now: Instant, moved: dict[MailingId, Counter[str]]
) -> tuple[Any, ...]:
    claimed, values = begin.claimed, begin.values
    recipient = claimed.recipient
    moved[recipient.mailing]["sending"] += 1
    stored = None if values is None else f"[{','.join(map(_json_string, values))}]"
    first_date = -1 if claimed.date is None else claimed.date
    which = (recipient.mailing, recipient.seq, claimed.attempts, first_date)
    return *which, claimed.revision, begin.date, stored, holder, begin.relay, now


def _outcome_row(
    outcome: Outcome, resend_at: Instant | None, now: Instant, moved: Counter[str]
) -> tuple[Any, ...]:
    state, due_at, resends = outcome.state, outcome.due_at, outcome.resends
    began = outcome.was is DeliveryState.SENDING
    if began:
        moved["sending"] -= 1
    if state is DeliveryState.IN_DOUBT:
        moved["ever_in_doubt"] += 1
        if resend_at is not None and resends == 0:
            state, due_at, resends = DeliveryState.QUEUED, resend_at, 1
            moved["resent"] += 1
    if state is not DeliveryState.QUEUED:
        moved[state.value] += 1
    if state is DeliveryState.REJECTED and outcome.bounce_class in HARD:
        moved["hard"] += 1
    return (
        outcome.mailing,
        outcome.seq,
        outcome.was.value,
        state.value,
        # `begin` has counted already; what ended at RCPT is counted here.
        outcome.counted - began,
        resends,
        outcome.date,
        due_at,
        outcome.reply,
        outcome.bounce_class and outcome.bounce_class.value,
        now,
    )


def _write_down(connection: Connection, outcome: Outcome, now: Instant) -> None:
    known = address_of(connection, outcome.mailing, outcome.seq)
    events.record(
        connection,
        kind=outcome.state,
        actor="relay",
        at=now,
        mailing=outcome.mailing,
        seq=outcome.seq,
        subscriber=outcome.subscriber,
        address_key=outcome.address_key,
        detail={
            "reply": outcome.reply if known else outcome.reply[:CODE],
            "class": outcome.bounce_class,
        },
    )


def _expect(changed: int, wanted: int) -> None:
    if changed != wanted:
        raise LedgerError(
            "E606",
            f"{wanted - changed} of {wanted} deliveries were not as this process left them",
            detail="Another process moved them; nothing was written and nothing more is sent.",
            next_step="mailer status, then the same command again",
        )
