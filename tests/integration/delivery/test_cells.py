"""Every cell of standards §3.3, from the relay's octets to the ledger's rows.

A fault happens once, at the first occurrence of its stage, or with `lasting` at every one. After
it, the relay is well again, the operator resumes what is paused, the times of retries come: then
everybody has it who can have it, once, or twice where the ledger says that it was in doubt.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy import delete, update

from mailer.errors import MailerError
from mailer.ledger import Ledger, mailings, starting, tally
from mailer.ledger.schema import delivery, throttle
from mailer.model import MailingState
from mailer.when import now
from tests.samples.mailings import dispatcher, enlist, frozen, look, new_ledger, rows
from tests.wire.courier import relay_at
from tests.wire.fault_server import CAPABILITIES, FaultServer, Then, drop, reset, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailer.model import MailingId
    from tests.wire.fault_server import Act

PEOPLE: Final = 3
SENDING, PAUSED = MailingState.SENDING, MailingState.PAUSED
WAITING, SENT = MailingState.WAITING, MailingState.SENT
STAGES: Final = ("banner", "hello", "MAIL", "RCPT", "DATA", "dot", "end")
COLUMNS: Final = ("2xx", "4xx", "5xx", "421", "lost")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell and what is expected of it.

    Attributes:
        stage, column: of the table.
        at: the stages of the fault server at which it happens, and what.
        lasting: it goes on as long as the relay is not mended.
        stops: the code of the error that ends the run; empty if none does.
        mailing: the state of the mailing after the run.
        states: the deliveries by state.
        attempts: how often who met the fault was tried, as the ledger counts.
        wait: seconds until they are tried again; None: nobody waits.
        connections: how many the relay saw; None: it does not matter.
        suppressed: how many addresses are never mailed again.
        doubt: how many were in doubt.
        never: how many do not get it in the end, because they were refused for good.
    """

    stage: str
    column: str
    at: Mapping[str, Act]
    lasting: bool = False
    stops: str = ""
    mailing: MailingState = SENT
    states: Mapping[str, int] = field(default_factory=lambda: {"accepted": 3})
    attempts: int = 1
    wait: int | None = None
    connections: int | None = 1
    suppressed: int = 0
    doubt: int = 0
    never: int = 0

    def __str__(self) -> str:
        what = ", ".join(f"{stage} {act.octets!r}" for stage, act in self.at.items())
        return f"§3.3 {self.stage}/{self.column}: {what}"


def down(stage: str, column: str, **at: Act) -> Cell:
    """The relay is left alone, the mailing waits, nobody is marked."""
    return Cell(
        stage=stage,
        column=column,
        at=at,
        lasting=True,
        stops="E310",
        mailing=WAITING,
        states={"queued": 3},
        attempts=0,
        connections=None,
    )


def stopped(stage: str, code: str, **at: Act) -> Cell:
    """It is about us: the mailing is paused, nobody is marked."""
    return Cell(
        stage=stage,
        column="5xx",
        at=at,
        lasting=True,
        stops=code,
        mailing=PAUSED,
        states={"queued": 3},
        attempts=0,
        connections=None,
    )


def deferred(stage: str, column: str, *, wait: int = 300, connections: int = 1, **at: Act) -> Cell:
    """One is queued until a time, the two others have it."""
    return Cell(
        stage=stage,
        column=column,
        at=at,
        mailing=SENDING,
        states={"accepted": 2, "queued": 1},
        attempts=0 if wait == 30 else 1,
        wait=wait,
        connections=connections,
    )


def rejected(stage: str, *, suppressed: int = 0, **at: Act) -> Cell:
    """One is refused for good, the two others have it."""
    return Cell(
        stage=stage,
        column="5xx",
        at=at,
        states={"accepted": 2, "rejected": 1},
        suppressed=suppressed,
        never=1,
    )


def passed(stage: str, column: str, *, connections: int | None = 1, **at: Act) -> Cell:
    """Everybody has it at the first run."""
    return Cell(stage=stage, column=column, at=at, connections=connections)


BUSY, LATER = say(b"450 4.3.2 busy"), say(b"450 4.2.0 later")
CLOSING = say(b"421 4.3.2 closing", then=Then.DROP)

# Before EHLO has answered, PIPELINING is not known: one run each.
EARLY: Final = (
    passed("banner", "2xx", banner=say(b"220-hello\r\n220 there")),
    down("banner", "4xx", banner=BUSY),
    down("banner", "5xx", banner=say(b"554 5.7.1 blocked")),
    down("banner", "421", banner=CLOSING),
    down("banner", "lost", banner=drop()),
    down("banner", "lost", banner=reset()),
    down("hello", "4xx", EHLO=BUSY),
    down("hello", "421", EHLO=CLOSING),
    down("hello", "lost", EHLO=drop()),
    down("hello", "lost", EHLO=reset()),
    stopped("hello", "E305", EHLO=say(b"550 5.7.1 no"), HELO=say(b"550 5.7.1 no")),
    passed("hello", "5xx", EHLO=say(b"502 5.5.1 what?")),  # S-1: HELO
    passed("hello", "2xx", AUTH=say(b"235 2.7.0 welcome")),
    down("hello", "4xx", AUTH=say(b"454 4.7.0 later")),
    stopped("hello", "E303", AUTH=say(b"535 5.7.8 no")),
    down("hello", "421", AUTH=CLOSING),
    down("hello", "lost", AUTH=drop()),
)

LATE: Final = (
    passed("MAIL", "2xx", MAIL=say(b"250 2.1.0 fine")),
    passed("MAIL", "4xx", MAIL=say(b"451 4.3.0 later")),
    stopped("MAIL", "E311", MAIL=say(b"550 5.1.8 sender unknown")),
    stopped("MAIL", "E311", MAIL=say(b"554 5.7.1 not owned by user")),
    passed("MAIL", "421", MAIL=CLOSING, connections=2),
    passed("MAIL", "lost", MAIL=drop(), connections=2),
    passed("MAIL", "lost", MAIL=reset(), connections=2),
    passed("RCPT", "2xx", RCPT=say(b"251 2.1.5 will forward")),
    deferred("RCPT", "4xx", RCPT=LATER),
    deferred("RCPT", "4xx", RCPT=say(b"451 4.7.1 greylisted")),
    deferred("RCPT", "4xx", RCPT=say(b"452 4.2.2 mailbox full")),
    deferred("RCPT", "4xx", RCPT=say(b"452 4.5.3 too many"), connections=2),
    deferred("RCPT", "4xx", RCPT=say(b"451 4.7.500 server busy"), wait=90 * 60),
    rejected("RCPT", RCPT=say(b"550 5.1.1 no such user"), suppressed=1),
    rejected("RCPT", RCPT=say(b"552 5.2.2 mailbox full")),
    rejected("RCPT", RCPT=say(b"550 4.2.2 mailbox full")),
    dataclasses.replace(
        deferred("RCPT", "5xx", RCPT=say(b"550 5.7.26 unauthenticated")), column="5xx"
    ),
    deferred("RCPT", "421", RCPT=CLOSING, wait=30, connections=2),
    passed("RCPT", "lost", RCPT=drop(), connections=2),
    passed("RCPT", "lost", RCPT=reset(), connections=2),
    passed("DATA", "2xx", DATA=say(b"354 go on")),
    deferred("DATA", "4xx", DATA=LATER),
    rejected("DATA", DATA=say(b"554 5.5.0 transaction failed")),
    deferred("DATA", "5xx", DATA=say(b"554 5.7.1 by policy")),
    deferred("DATA", "421", DATA=CLOSING, wait=30, connections=2),
    passed("DATA", "lost", DATA=drop(), connections=2),
    passed("DATA", "lost", DATA=reset(), connections=2),
    passed("dot", "2xx", dot=say(b"250 2.0.0 queued as 4XyZ")),
    deferred("dot", "4xx", dot=LATER),
    deferred("dot", "5xx", dot=say(b"554 5.7.1 looks like spam")),
    deferred("dot", "5xx", dot=say(b"552 5.3.4 too big")),
    rejected("dot", dot=say(b"554 5.0.0 no")),
    rejected("dot", dot=say(b"552 5.2.2 mailbox full")),
    deferred("dot", "421", dot=CLOSING, connections=2),
    *(
        Cell(
            stage="dot",
            column="lost",
            at={"dot": fault},
            attempts=2,
            connections=2,
            doubt=1,
        )
        for fault in (drop(), reset(), drop(store=True), reset(store=True))
    ),
    # A refused DATA leaves a transaction behind, which RSET ends: what it says changes nothing.
    *(
        dataclasses.replace(deferred("end", column, DATA=LATER, RSET=said), connections=connections)
        for column, said, connections in (
            ("2xx", say(b"250 2.0.0 fine"), 1),
            ("4xx", BUSY, 1),
            ("5xx", say(b"500 5.5.2 what?"), 1),
            ("421", CLOSING, 2),
            ("lost", drop(), 2),
        )
    ),
    *(
        passed("end", column, QUIT=said)
        for column, said in (
            ("2xx", say(b"221 2.0.0 bye")),
            ("4xx", BUSY),
            ("5xx", say(b"500 5.5.2 what?")),
            ("421", CLOSING),
            ("lost", reset()),
        )
    ),
)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run notices soon that a relay is down."""
    monkeypatch.setattr("mailer.delivery.dispatch.LOOK", 0.02)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """One for all cells: what SQLAlchemy has compiled for it saves half of their time."""
    opened = new_ledger(tmp_path_factory.mktemp("cells"))
    yield opened
    opened.close()


@pytest.fixture
def mailing(ledger: Ledger) -> Iterator[MailingId]:
    """A mailing of its own to people of its own, each in another domain."""
    name = f"issue{next(_names)}"
    enlist(ledger, *(f"{name}@d{number}.test" for number in range(PEOPLE)), list_slug=name)
    made = frozen(ledger, issue=name, list_slug=name)
    yield made
    with ledger.write() as connection:
        connection.execute(delete(throttle))
        mailings.cancel(connection, made, actor="test", now=now())


_names = itertools.count()


def run(ledger: Ledger, server: FaultServer, *, user: str = "", patience: float = 30.0) -> str:
    """One run over one connection; the code of the error that ended it."""
    relay = relay_at(server.port, user=user, password=user)
    relay = dataclasses.replace(relay, connections=1)
    try:
        asyncio.run(dispatcher(ledger, relays=[relay], patience=patience).run())
    except MailerError as error:
        return error.code
    return ""


def mend(ledger: Ledger, mailing: MailingId) -> None:
    """The operator resumes, and the times of retries come."""
    with ledger.write() as connection:
        if look(ledger, mailing).state is PAUSED:
            starting.resume(connection, mailing, actor="op", now=now())
        connection.execute(
            update(delivery)
            .where(delivery.c.mailing == mailing, delivery.c.due_at.is_not(None))
            .values(due_at=now() - 1)
        )
        connection.execute(delete(throttle))


@pytest.mark.parametrize(
    ("cell", "pipelining"),
    [*((cell, True) for cell in EARLY), *itertools.product(LATE, (True, False))],
    ids=str,
)
def test_cell(ledger: Ledger, mailing: MailingId, cell: Cell, *, pipelining: bool) -> None:
    """§3.3, cases 25 to 28, 31, 34: state, attempts, time, mailing, suppression, connections."""
    offers = CAPABILITIES if pipelining else CAPABILITIES[1:]
    script = {
        stage: itertools.repeat(act) if cell.lasting else [act] for stage, act in cell.at.items()
    }
    with FaultServer(script, capabilities=offers) as server:
        user = "me" if "AUTH" in cell.at else ""
        # Only a relay that never works is not waited for, whatever the machine has to do besides.
        patience = 0.1 if cell.stops == "E310" else 30.0
        assert cell.stops == run(ledger, server, user=user, patience=patience)
    seen, found = look(ledger, mailing), rows(ledger, mailing)
    assert cell.states == Counter(row.state for row in found)
    assert (cell.mailing, cell.doubt) == (seen.state, seen.ever_in_doubt)
    # Who met the fault: who waits, or was refused, or was tried more often.
    met = max(found, key=lambda row: (row.state != "accepted", row.attempts))
    assert cell.attempts == met.attempts
    waits = [round((row.due_at - row.changed_at) / 1e6) for row in found if row.due_at is not None]
    assert ([] if cell.wait is None else [cell.wait]) == waits
    with ledger.read() as connection:
        assert cell.suppressed == tally.suppressed_by(connection, mailing)
    assert cell.connections in (None, len(server.connections))
    assert server.violations == []
    got = Counter(one.rcpt for one in server.messages)
    if cell.mailing is not SENT:  # and then the relay is well
        mend(ledger, mailing)
        with FaultServer(capabilities=offers) as well:
            assert "" == run(ledger, well)
        assert look(ledger, mailing).state is SENT
        got.update(one.rcpt for one in well.messages)
    assert PEOPLE - cell.never == len(got)
    assert sum(got.values()) - len(got) <= cell.doubt


def test_every_cell_has_a_row() -> None:
    """§3.3: seven stages, five columns."""
    shown = {(cell.stage, cell.column) for cell in (*EARLY, *LATE)}
    assert set(itertools.product(STAGES, COLUMNS)) == shown
