"""The ledger under everything that may happen to it, in any order (hypothesis decides)."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from mailer.config import GuardConfig
from mailer.errors import SafetyError
from mailer.ledger import (
    audience,
    doubt,
    forgetting,
    freezing,
    holds,
    liveness,
    mailings,
    reconciling,
    recovery,
    replay,
    retrying,
    returns,
    revising,
    standing,
    starting,
)
from mailer.ledger.schema import delivery, hold, mailing, subscriber
from mailer.model import (
    Bounce,
    BounceClass,
    DeliveryState,
    Instant,
    ListId,
    MailingId,
    MailingState,
    OnDoubt,
    SubscriberId,
)
from tests.samples import mailings as samples
from tests.samples.hands import LANES, Hand, Moment, Word
from tests.samples.places import Embedded, Place
from tests.samples.truth import LISTS, Truth, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.postgres import Postgres

MINUTE = 60 * 1_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
BORN = Instant(1_800_000_000_000_000)
PEOPLE = 8
HANDS = 3
FEW = GuardConfig(hard=0.5, sample=6, minimum=4, equal_replies=2)

who = st.integers(0, HANDS - 1)
whom = st.integers(0, PEOPLE + 3)
domains = st.sampled_from(["d0.test", "d1.test", "d2.test"])
words = st.lists(st.sampled_from([*Word, Word.TAKEN]), max_size=12)


which_list = st.sampled_from(list(LISTS))
names = st.sampled_from(["", "Ann", "Bo"])


def address(number: int) -> str:
    """So many people, over three domains."""
    return f"p{number}@d{number % 3}.test"


class Machine(RuleBasedStateMachine):
    """Processes that deliver and die, people who come and go, an operator, a clock, a backup."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        place.empty()
        self.now = BORN
        self.hands: dict[int, Hand] = {}
        self.truth = Truth()
        self.then: Truth | None = None
        self.ledger = self.place.reach()

    def clock(self) -> Instant:
        """The time that all processes read."""
        return self.now

    @initialize(
        on_doubt=st.sampled_from(OnDoubt),
        doubt_wait=st.sampled_from([0, 30 * MINUTE]),
        canary=st.sampled_from([0, 0, 2]),
    )
    def begin(self, on_doubt: OnDoubt, doubt_wait: int, canary: int) -> None:
        """A mailing that is being sent by two processes."""
        self.on_doubt, self.doubt_wait = on_doubt, doubt_wait
        everybody = [address(number) for number in range(PEOPLE)]
        samples.enlist(self.ledger, *everybody)
        samples.enlist(self.ledger, *everybody[:3], list_slug="monthly")
        standing.admit(self.ledger, instance="here", now=self.now)
        self.mail("winter", "weekly", canary=canary, wait=None, due_in=0)
        self.start(0)
        self.start(1)
        if self.ledger.path is not None:
            self.back_up()

    # --- processes -------------------------------------------------------------------------------

    @rule(number=who)
    def start(self, number: int) -> None:
        """A process begins, as a turn of the service does."""
        if number in self.hands:
            return
        ledger = self.place.reach()
        standing.admit(ledger, instance="here", now=self.now)
        self.hands[number] = Hand(
            ledger,
            self.truth,
            clock=self.clock,
            on_doubt=self.on_doubt,
            doubt_wait=self.doubt_wait,
            limits=FEW,
        )
        self.recover()
        self.look()

    @rule()
    def recover(self) -> None:
        """Whoever begins a turn takes over from the dead."""
        for hand in self.hands.values():
            if hand.taken_for_dead:
                hand.doubt()
                hand.is_over = True
        self._wait_for_locks()
        recovery.recover(
            self.ledger, on_doubt=self.on_doubt, now=self.now, doubt_wait=self.doubt_wait
        )

    def _wait_for_locks(self) -> None:
        """A server notices a little later that a session is gone."""
        alive = {hand.holder for hand in self.hands.values() if not hand.taken_for_dead}
        for _ in range(500):
            with self.ledger.read() as connection:
                if set(liveness.sort_out(self.ledger, connection)[0]) <= alive:
                    return
            time.sleep(0.01)

    @rule()
    def look(self) -> None:
        """What is due starts; what came back to a cancelled mailing is cancelled."""
        with self.ledger.write() as connection:
            mailings.cancel_late(connection, now=self.now)
            starting.start_due(connection, now=self.now, actor="mailer")

    def _hand(self, number: int) -> Hand | None:
        hand = self.hands.get(number)
        if hand is None and self.hands:
            hand = next(iter(self.hands.values()))
        return hand

    def _bury(self) -> None:
        for number, hand in list(self.hands.items()):
            if hand.is_buried:
                self.place.leave(self.hands.pop(number).ledger)

    @rule(number=who, said=words, rounds=st.integers(2, 8))
    def work(self, number: int, said: list[Word], rounds: int) -> None:
        """One of them gets on, and ends its turn when nothing is left for it."""
        hand = self._hand(number)
        self._work([hand] if hand is not None else [], said, rounds)

    @rule(said=words, rounds=st.integers(2, 6))
    def work_together(self, said: list[Word], rounds: int) -> None:
        """All that live, in turn; somebody always does."""
        if not self.hands:
            self.start(0)
        self._work(list(self.hands.values()), said, rounds)

    def _work(self, busy: list[Hand], said: list[Word], rounds: int) -> None:
        words = iter(said)
        for _ in range(rounds):
            for hand in busy:
                hand.hear(words)
                hand.tick()
                if not hand.is_buried and hand.is_done:
                    hand.end_turn()
            busy = [hand for hand in busy if not (hand.is_buried or hand.is_fresh)]
        self._bury()

    @rule(number=who, said=words, when=st.sampled_from(Moment), arrived=st.booleans())
    def die(self, number: int, said: list[Word], when: Moment, *, arrived: bool) -> None:
        """`kill -9`, the power, or a bug."""
        hand = self._hand(number)
        if hand is not None:
            hand.arrives = arrived
            hand.hear(iter(said))
            hand.tick(dies=when)
            self._bury()

    @rule(number=who)
    def stop(self, number: int) -> None:
        """SIGTERM."""
        hand = self._hand(number)
        if hand is not None:
            hand.leave()
            self._bury()

    @rule(number=who)
    def lose_lock(self, number: int) -> None:
        """A process that lives is taken for dead: its session with the server was lost."""
        hand = self._hand(number)
        if hand is not None:
            hand.taken_for_dead = True
            hand.ledger.locks.free(hand.holder)

    @rule(number=who)
    def lose_relay(self, number: int) -> None:
        """No relay can be reached for now."""
        hand = self._hand(number)
        if hand is not None:
            hand.lose_relay()

    @rule(number=who, minutes=st.integers(1, 90))
    def park(self, number: int, minutes: int) -> None:
        """A domain must wait."""
        hand = self._hand(number)
        if hand is not None:
            hand.park(Instant(self.now + minutes * MINUTE))

    # --- time ------------------------------------------------------------------------------------

    @rule(
        by=st.sampled_from([MINUTE, 20 * MINUTE, 3 * HOUR, DAY, 3 * DAY, -HOUR, -2 * DAY]),
        said=words,
    )
    def set_clock(self, by: int, said: list[Word]) -> None:
        """Somebody sets it, or time passes."""
        self.work_together(said, 2)
        self.now = Instant(max(BORN, self.now + by))

    # --- people ----------------------------------------------------------------------------------

    def _person(self, number: int) -> tuple[SubscriberId, bytes] | None:
        key = self.ledger.address_key(address(number))
        with self.ledger.read() as connection:
            found = connection.scalar(
                select(subscriber.c.id).where(subscriber.c.address_key == key)
            )
        return None if found is None else (SubscriberId(found), key)

    @rule(
        number=whom,
        list_id=which_list,
        what=st.sampled_from(
            ["unsubscribe", "resubscribe", "join", "suppress", "unsuppress", "forget"]
        ),
        name=names,
        said=words,
    )
    def somebody(self, number: int, list_id: int, what: str, name: str, said: list[Word]) -> None:
        """A person does something, or an operator for them."""
        self.work_together(said, 2)
        claimed = [one for hand in self.hands.values() for one in hand.claimed]
        if claimed and number % 2:  # more often somebody whose mail is about to leave
            one = claimed[number % len(claimed)].recipient
            number, list_id = int(one.email.partition("@")[0][1:]), one.list_number
        match what:
            case "unsubscribe":
                self.unsubscribe(number, list_id)
            case "resubscribe":
                self.resubscribe(number, list_id)
            case "join":
                self.join(number, list_id, name)
            case _:
                getattr(self, what)(number)

    def unsubscribe(self, number: int, list_id: int) -> None:
        """Somebody leaves."""
        found = self._person(number)
        if found is not None and audience.unsubscribe(
            self.ledger, found[0], ListId(list_id), via="page", now=self.now
        ):
            self.truth.leave(LISTS[list_id], found[1])

    def resubscribe(self, number: int, list_id: int) -> None:
        """Somebody comes back."""
        found = self._person(number)
        if found is not None and audience.resubscribe(
            self.ledger, found[0], ListId(list_id), via="page", now=self.now
        ):
            self.truth.gone.discard((LISTS[list_id], found[1]))

    def join(self, number: int, list_id: int, name: str) -> None:
        """Somebody comes, or has another name from now on."""
        audience.add(
            self.ledger, LISTS[list_id], address(number), name=name, source="form", now=self.now
        )

    def suppress(self, number: int) -> None:
        """A complaint."""
        key = self.ledger.address_key(address(number))
        with self.ledger.write() as connection:
            audience.suppress(
                connection,
                key,
                address=address(number),
                bounce_class="complaint",
                evidence="",
                source="ann",
                now=self.now,
            )
        self.truth.leave("", key)

    def unsuppress(self, number: int) -> None:
        """An operator takes it back."""
        key = self.ledger.address_key(address(number))
        with self.ledger.write() as connection:
            audience.unsuppress(connection, key, operator="ann", reason="asked", now=self.now)
        self.truth.gone.discard(("", key))

    def forget(self, number: int) -> None:
        """Somebody asks to be erased."""
        found = self._person(number)
        forgetting.forget(self.ledger, address(number), operator="ann", now=self.now)
        if found is not None:
            for slug in LISTS.values():
                self.truth.leave(slug, found[1])

    # --- an operator -----------------------------------------------------------------------------

    def _mailings(self, *states: MailingState) -> list[MailingId]:
        with self.ledger.read() as connection:
            query = select(mailing.c.id).where(
                mailing.c.state.in_(states), mailing.c.recipients > 0
            )
            return [
                MailingId(number) for number in connection.scalars(query.order_by(mailing.c.id))
            ]

    @rule(
        issue=st.sampled_from(["winter", "spring", "summer"]),
        slug=st.sampled_from(list(LISTS.values())),
        canary=st.sampled_from([0, 2]),
        wait=st.sampled_from([None, HOUR]),
        due_in=st.sampled_from([0, HOUR, DAY]),
    )
    def mail(self, issue: str, slug: str, canary: int, wait: int | None, due_in: int) -> None:
        """An issue is frozen, now or for later, perhaps with a canary."""
        plan = samples.plan(
            issue=issue,
            list_slug=slug,
            due_at=self.now + due_in,
            content=samples.rendering(words=1),
        )
        plan = dataclasses.replace(plan, canary=canary, canary_wait=wait)
        try:
            number = freezing.freeze(self.ledger, plan, now=self.now)
        except SafetyError as error:
            if error.code != "E710":  # it goes to that list already
                raise
        else:
            self.truth.issues[number] = issue
        self.look()

    @rule(
        pick=st.integers(0, 9),
        domain=domains,
        what=st.sampled_from(
            ["pause", "resume", "cancel", "revise", "hold", "release", "pause", "resume", "revise"]
        ),
        said=words,
    )
    def operator(self, pick: int, domain: str, what: str, said: list[Word]) -> None:
        """A person decides about a mailing."""
        self.work_together(said, 2)
        match what:
            case "hold" | "release":
                getattr(self, what)(pick, domain)
            case _:
                getattr(self, what)(pick)

    def pause(self, pick: int) -> None:
        """`mailer pause`."""
        for number in self._one(pick, *mailings.OPEN):
            with self.ledger.write() as connection:
                mailings.set_state(
                    connection, number, MailingState.PAUSED, actor="ann", now=self.now
                )

    def _one(self, pick: int, *states: MailingState) -> list[MailingId]:
        found = self._mailings(*states)
        return [found[pick % len(found)]] if found else []

    def resume(self, pick: int) -> None:
        """`mailer resume`."""
        for number in self._one(pick, MailingState.PAUSED):
            with self.ledger.write() as connection:
                starting.resume(connection, number, actor="ann", now=self.now)

    def cancel(self, pick: int) -> None:
        """`mailer cancel`."""
        for number in self._one(pick, *mailings.OPEN, MailingState.MISSED):
            with self.ledger.write() as connection:
                mailings.cancel(connection, number, actor="ann", now=self.now)

    def revise(self, pick: int) -> None:
        """The corrected issue for those who are left."""
        for number in self._one(pick, MailingState.PAUSED):
            with self.ledger.write() as connection:
                after = connection.scalars(
                    select(mailing.c.revision).where(mailing.c.id == number)
                ).one()
                frozen, content = revising.newest(connection, number)[""]
                content = dataclasses.replace(content, subject=(f"Winter {after}",))
                digest = freezing.rendering_digest(content)
                version = freezing.Version(
                    revision=dataclasses.replace(frozen, digest=digest),
                    rendering=content,
                    source_digest="0" * 64,
                )
                revising.add_revision(
                    connection, number, [version], after=after, now=self.now, actor="ann"
                )
                starting.resume(connection, number, actor="ann", now=self.now)

    def hold(self, pick: int, domain: str) -> None:
        """The guard leaves a domain alone."""
        for number in self._one(pick, *mailings.LIVE):
            with self.ledger.write() as connection:
                holds.hold(connection, number, domain, "E314", self.now)

    def release(self, pick: int, domain: str) -> None:
        """`mailer resume --domain`."""
        for number in self._one(pick, *mailings.OPEN):
            with self.ledger.write() as connection:
                holds.release(connection, number, domain, "ann", self.now)

    @rule(pick=st.integers(0, 9), doubtful=st.booleans(), domain=st.just("") | domains)
    def retry(self, pick: int, domain: str, *, doubtful: bool) -> None:
        """`mailer retry --failed`, `--in-doubt`."""
        self.work_together([], 1)
        state = DeliveryState.IN_DOUBT if doubtful else DeliveryState.REJECTED
        for number in self._one(pick, *mailings.OPEN, MailingState.SENT):
            accepted = self._keys(number, DeliveryState.ACCEPTED)
            with self.ledger.write() as connection:
                retrying.retry(connection, number, state, actor="ann", now=self.now, domain=domain)
            again = accepted - self._keys(number, DeliveryState.ACCEPTED)
            self.truth.asked.update((self.truth.issues[number], key) for key in again)

    def _keys(self, number: MailingId, state: DeliveryState) -> set[bytes]:
        with self.ledger.read() as connection:
            query = select(delivery.c.address_key).where(
                delivery.c.mailing == number, delivery.c.state == state
            )
            return {bytes(key) for key in connection.scalars(query)}

    @rule(pick=st.integers(0, 99))
    def bounce(self, pick: int) -> None:
        """What was accepted comes back; the mailbox was full."""
        with self.ledger.read() as connection:
            rows = connection.execute(
                select(delivery).where(delivery.c.state == DeliveryState.ACCEPTED)
            ).all()
        if rows:
            row = rows[pick % len(rows)]
            report = Bounce(
                action="failed",
                status="5.2.2",
                diagnostic="full",
                recipient=row.email or "",
                evidence="",
                bounce_class=BounceClass.MAILBOX_FULL,
                mailing=row.mailing,
                seq=row.seq,
            )
            returns.record(self.ledger, [(report, False)], digest=f"{self.now}", now=self.now)

    @precondition(lambda self: self.doubt_wait)
    @rule(tells=st.lists(st.booleans(), min_size=1, max_size=8))
    def read_log(self, tells: list[bool]) -> None:
        """The relay's log tells what it knows of what is in doubt, and nothing else (S-42)."""
        with self.ledger.write() as connection:
            doubtful = doubt.pending(connection)
            told = [one for n, one in enumerate(doubtful) if tells[n % len(tells)]]
            has = [one for one in told if self._arrived(one)]
            reconciling.reconcile(
                connection,
                found={one.key: "4bXyZ" for one in has},
                absent=[one.key for one in told if one not in has],
                lost=[one.key for one in doubtful if one not in told],
                now=self.now,
            )

    def _arrived(self, one: doubt.Doubt) -> bool:
        return self.truth.copies[self.truth.issues[one.mailing], bytes(one.address_key)] > 0

    # --- a backup --------------------------------------------------------------------------------

    @precondition(lambda self: self.ledger.path is not None)
    @rule()
    def back_up(self) -> None:
        """`mailer db backup`, while mail is sent."""
        assert self.ledger.path is not None
        self.then = self.truth.copy()
        (self.place.folder / "copy").unlink(missing_ok=True)
        with (
            closing(sqlite3.connect(self.ledger.path)) as ours,
            closing(sqlite3.connect(self.place.folder / "copy")) as copy,
        ):
            ours.backup(copy)

    @precondition(lambda self: self.then is not None)
    @rule(arrived=st.booleans())
    def restore(self, *, arrived: bool) -> None:
        """The old database is put back, and learns from the journal what it has forgotten."""
        assert self.ledger.path is not None
        assert self.then is not None
        for hand in self.hands.values():
            hand.crash(arrived=arrived)
        self._bury()
        self.place.leave(self.ledger)
        for path in self.place.folder.glob("mailer.db*"):
            path.unlink()
        shutil.copy(self.place.folder / "copy", self.ledger.path)
        self.ledger = self.place.reach()
        if standing.forgotten(self.ledger, now=self.now) is not None:
            with pytest.raises(SafetyError, match="older than its journal"):
                standing.admit(self.ledger, instance="here", now=self.now)
            replay.replay(self.ledger, now=self.now)
        standing.admit(self.ledger, instance="here", now=self.now)
        self.truth.restore(self.then)
        self.recover()

    # --- what always holds -----------------------------------------------------------------------

    @invariant()
    def everything_adds_up(self) -> None:
        """After each step."""
        with self.ledger.read() as connection:
            check(connection, self.truth, lanes=LANES)

    def teardown(self) -> None:
        """Let everything run to its end: nobody is lost."""
        try:
            if self.truth.issues:
                self._run_out()
        finally:
            for hand in self.hands.values():
                hand.ledger.locks.free(hand.holder)
                hand.shut()
            self._bury()
            self.place.leave(self.ledger)
            self.place.clear()

    def _run_out(self) -> None:
        for hand in self.hands.values():
            hand.leave()
        self._bury()
        self.on_doubt = OnDoubt.SKIP
        self.start(0)
        hand = self.hands[0]
        for _ in range(60):
            self._let_go_on()
            self.recover()
            self.look()
            for _ in range(60):
                hand.hear(iter(()))
                hand.tick()
                assert not hand.is_buried
                if hand.is_done:
                    break
            assert hand.is_done, "a turn that does not end"
            hand.end_turn()
            self.everything_adds_up()
            if not self._mailings(*mailings.OPEN):
                break
            self.now = Instant(self.now + DAY)
        assert not self._mailings(*mailings.OPEN), "a mailing that does not end"
        self._nobody_is_lost()

    def _let_go_on(self) -> None:
        with self.ledger.write() as connection:
            for number, domain in connection.execute(select(hold.c.mailing, hold.c.domain)).all():
                holds.release(connection, number, domain, "ann", self.now)
        for number in self._mailings(MailingState.PAUSED):
            with self.ledger.write() as connection:
                starting.resume(connection, number, actor="ann", now=self.now)
        for number in self._mailings(MailingState.MISSED):
            with self.ledger.write() as connection:
                mailings.cancel(connection, number, actor="ann", now=self.now)

    def _nobody_is_lost(self) -> None:
        with self.ledger.read() as connection:
            query = select(delivery, mailing.c.state.label("end")).join(
                mailing, mailing.c.id == delivery.c.mailing
            )
            for row in connection.execute(query):
                assert row.state not in ("queued", "sending"), row
                if row.state == DeliveryState.CANCELLED and row.end != MailingState.CANCELLED:
                    assert bytes(row.address_key) in self.truth.ever_gone, row
                if row.state == DeliveryState.ACCEPTED:
                    assert self.truth.copies[self.truth.issues[row.mailing], bytes(row.address_key)]


# --- on both databases ---------------------------------------------------------------------------


def play(place: Place, *, examples: int, steps: int) -> None:
    """Run the machine; each example has a ledger of its own."""
    size = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    factory = cast("type[Machine]", lambda: Machine(place))
    run_state_machine_as_test(factory, settings=size)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there is more than one lease among so few people."""
    for name in mailings.BATCH:
        monkeypatch.setitem(mailings.BATCH, name, 3)


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory, if there is such a place: thousands of commits wait for no disk there."""
    memory = Path("/dev/shm")  # noqa: S108  a folder of our own is made in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


def test_whatever_happens_nobody_is_lost_and_nobody_gets_two(folder: Path) -> None:
    """S-41, S-43, L-9, M-5, decisions 4 to 8; backups, too."""
    play(Embedded(folder), examples=30, steps=25)


def test_the_same_on_a_server(folder: Path, postgres: Postgres) -> None:
    """The same machine without backups: a server's are its own."""
    place = Place(folder, postgres.lend, postgres.take_back)
    play(place, examples=6, steps=20)
