"""The journal: what it says, when it is on the disk, and what happens when it cannot be."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from mailer.errors import SafetyError
from mailer.ledger import Ledger, audience, forgetting, lines, noting, open_ledger, standing
from mailer.ledger.journal import KEPT, Journal, JournalError
from mailer.ledger.lines import Kind
from mailer.ledger.schema import meta, owed, subscriber, subscription
from mailer.model import DeliveryState, Instant, ListId, SubscriberId, SubscriptionState
from tests.samples.mailings import addresses, enlist, frozen, new_ledger
from tests.samples.restored import NOW, backup, deliver, lines_of, restore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.postgres import Postgres

WEEKLY = ListId(1)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = new_ledger(tmp_path)
    yield opened
    opened.close()


def leave(ledger: Ledger, person: int) -> None:
    """Somebody unsubscribes."""
    assert audience.unsubscribe(ledger, SubscriberId(person), WEEKLY, via="page", now=NOW)


def suppress(ledger: Ledger, address: str) -> None:
    """An address is dead."""
    with ledger.write() as connection:
        audience.suppress(
            connection,
            ledger.address_key(address),
            address=address,
            bounce_class="hard:address",
            evidence="550 5.1.1",
            source="m1",
            now=NOW,
        )


def owes(ledger: Ledger) -> int:
    """How many commits' lines are not in the file yet, as the database says."""
    with ledger.read() as connection:
        return len(connection.execute(select(owed)).all())


def admit(ledger: Ledger) -> None:
    """Ask whether this ledger may send, on a machine without a name."""
    standing.admit(ledger, instance="", now=NOW)


def refusal(ledger: Ledger) -> SafetyError:
    """Why it may not."""
    with pytest.raises(SafetyError) as caught:
        admit(ledger)
    return caught.value


# --- what it says --------------------------------------------------------------------------------


def test_everything_that_must_not_be_forgotten_is_in_it_when_the_transaction_returns(
    ledger: Ledger,
) -> None:
    """Decisions 10: deliveries, doubt, departures, suppressions and what takes them back."""
    first, *_ = enlist(ledger, "ann@a.test", "bob@b.test", "cleo@c.test")
    mailing = frozen(ledger)
    (accepted,) = deliver(ledger, 1)
    (doubtful,) = deliver(ledger, 1, DeliveryState.IN_DOUBT)
    leave(ledger, first)
    audience.resubscribe(ledger, SubscriberId(first), WEEKLY, via="page", now=NOW)
    suppress(ledger, "bob@b.test")
    bob = ledger.address_key("bob@b.test")
    with ledger.write() as connection:
        audience.unsuppress(connection, bob, operator="op", reason="works again", now=NOW)
    forgetting.forget(ledger, "cleo@c.test", operator="op", now=NOW)
    ann, cleo = ledger.address_key("ann@a.test"), ledger.address_key("cleo@c.test")
    expected = [
        (1, Kind.ACCEPTED, accepted, mailing, "winter", "weekly", ""),
        (2, Kind.IN_DOUBT, doubtful, mailing, "winter", "weekly", ""),
        (3, Kind.UNSUBSCRIBED, ann, None, "", "weekly", ""),
        (4, Kind.RESUBSCRIBED, ann, None, "", "weekly", ""),
        (5, Kind.SUPPRESSED, bob, None, "", "", "hard:address"),
        (6, Kind.UNSUPPRESSED, bob, None, "", "", ""),
        (7, Kind.FORGOTTEN, cleo, None, "", "", ""),
    ]
    assert expected == [(n, kind, key, *rest) for n, kind, key, _, *rest in lines_of(ledger)]
    assert 0 == owes(ledger)


def test_it_names_nobody_and_only_its_owner_can_read_it(ledger: Ledger) -> None:
    """Decisions 3: addresses only as keyed hashes."""
    person, *_ = enlist(ledger, "ann@a.test")
    leave(ledger, person)
    path = ledger.journal.path
    assert path is not None
    assert "ann" not in path.read_text()
    assert 0o600 == path.stat().st_mode & 0o777


def test_people_who_are_imported_as_unsubscribed_are_in_it(ledger: Ledger) -> None:
    enlist(ledger, "somebody@else.test")
    verdict = audience.add(
        ledger,
        "weekly",
        "ann@a.test",
        source="import",
        now=NOW,
        state=SubscriptionState.UNSUBSCRIBED,
    )
    assert "added" == verdict
    assert [(Kind.UNSUBSCRIBED, ledger.address_key("ann@a.test"), "weekly")] == [
        (line.kind, line.key, line.list) for line in lines_of(ledger)
    ]


def test_a_transaction_that_failed_says_nothing(ledger: Ledger) -> None:
    person, *_ = enlist(ledger, "ann@a.test")

    why = "whatever happens in it"

    def fail() -> None:
        with ledger.write() as connection:
            audience.suppress(
                connection,
                b"k" * 16,
                address=None,
                bounce_class="x",
                evidence="",
                source="",
                now=NOW,
            )
            raise ValueError(why)

    with pytest.raises(ValueError, match=why):
        fail()
    leave(ledger, person)
    assert [(1, Kind.UNSUBSCRIBED)] == [(line.n, line.kind) for line in lines_of(ledger)]


def test_two_processes_number_their_lines_together(ledger: Ledger, tmp_path: Path) -> None:
    people = enlist(ledger, *addresses(4))
    other = new_ledger(tmp_path)
    for number, person in enumerate(people):
        leave((ledger, other)[number % 2], person)
    other.close()
    assert [1, 2, 3, 4] == [line.n for line in lines_of(ledger)]


# --- a crash between the commit and the file -----------------------------------------------------


def test_what_a_dead_process_did_not_append_is_appended_before_anything_is_sent(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decisions 10: the database owes the lines of each commit until they are in the file."""
    first, second = enlist(ledger, "ann@a.test", "bob@b.test")
    leave(ledger, first)
    with monkeypatch.context() as crash:
        crash.setattr(Journal, "settle", lambda *_: None)
        leave(ledger, second)
    assert (1, 1) == (len(lines_of(ledger)), owes(ledger))

    restarted = new_ledger(tmp_path)
    admit(restarted)
    assert [1, 2] == [line.n for line in lines_of(restarted)]
    assert 0 == owes(restarted)
    restarted.close()


def test_a_crash_after_the_append_repeats_nothing(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, *_ = enlist(ledger, "ann@a.test")
    with monkeypatch.context() as crash:
        crash.setattr(Journal, "settle", lambda journal, _: journal.pay())
        leave(ledger, person)
    assert 1 == owes(ledger)

    restarted = new_ledger(tmp_path)
    admit(restarted)
    assert [1] == [line.n for line in lines_of(restarted)]
    assert 0 == owes(restarted)
    restarted.close()


def test_lines_that_come_late_do_not_hide_how_far_the_journal_goes(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many old lines stand at its end, the end says how far it goes."""
    people = enlist(ledger, *addresses(3))
    with monkeypatch.context() as crash:
        crash.setattr(Journal, "settle", lambda *_: None)
        leave(ledger, people[0])
    restarted = new_ledger(tmp_path)
    for person in people[1:]:
        leave(restarted, person)
    admit(restarted)
    path = restarted.journal.path
    assert path is not None
    *_, late, mark = path.read_bytes().rstrip(b"\n").splitlines()
    assert [1, 3] == [
        line.n for line in (lines.read(raw + b"\n") for raw in (late, mark)) if line is not None
    ]
    assert [2, 3, 1] == [line.n for line in lines_of(restarted)]
    restarted.close()


def test_a_torn_end_is_repaired(ledger: Ledger, tmp_path: Path) -> None:
    """A crash in the middle of a write leaves half a line, which spoils no other."""
    first, second = enlist(ledger, "ann@a.test", "bob@b.test")
    leave(ledger, first)
    ledger.close()
    path = tmp_path / "mailer.journal"
    path.write_bytes(path.read_bytes().rstrip(b"\n") + b'\n{"n":2,"kind":"unsub')
    again = new_ledger(tmp_path)
    leave(again, second)
    assert [1, 2] == [line.n for line in lines_of(again)]
    again.close()


# --- a journal that cannot be written ------------------------------------------------------------


def test_a_departure_stands_though_the_journal_cannot_be_written(
    ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Case 44: it is in the database, which owes the line; it is said, and made good later."""
    first, second = enlist(ledger, "ann@a.test", "bob@b.test")
    (tmp_path / "mailer.journal").mkdir()
    with caplog.at_level(logging.WARNING):
        leave(ledger, first)
    assert "E621 The journal cannot be written" in caplog.text
    assert 1 == owes(ledger)
    with ledger.read() as connection:
        assert "unsubscribed" == connection.scalar(
            select(subscription.c.state).where(subscription.c.subscriber == first)
        )

    (tmp_path / "mailer.journal").rmdir()
    leave(ledger, second)
    assert [1, 2] == [line.n for line in lines_of(ledger)]
    assert 0 == owes(ledger)


def test_lines_that_could_not_be_written_come_before_newer_ones(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S-46: an EIO at the sync leaves them owed, whatever of them is in the file already."""
    first, second = enlist(ledger, "ann@a.test", "bob@b.test")

    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as disk:
        disk.setattr("mailer.ledger.linefile._sync", broken)
        leave(ledger, first)
        with pytest.raises(JournalError) as caught:
            ledger.journal.pay()
    assert ("E621", "Input/output error") == (caught.value.code, caught.value.detail)
    leave(ledger, second)
    assert [1, 2] == sorted({line.n for line in lines_of(ledger)})
    assert 2 == lines_of(ledger)[-1].n


# --- a file that is synced for several commits at once -------------------------------------------


def leave_soon(ledger: Ledger, person: int) -> None:
    """Somebody leaves in a transaction of a dispatcher's kind, which does not sync at once."""
    connection = ledger.engine.connect().execution_options(writes=True)
    with connection, ledger.journal.recording(connection, keep=KEPT):
        noting.note(connection, Kind.UNSUBSCRIBED, bytes([person]) * 16, at=NOW, list_id=WEEKLY)
    ledger.journal.pay(within=60)


def test_lines_are_written_with_each_commit_and_owed_until_they_are_synced(ledger: Ledger) -> None:
    """Decisions 10: so a power cut loses none, and sending does not wait for a sync per commit."""
    ledger.journal.pay()
    enlist(ledger)
    leave_soon(ledger, 1)  # the first sync of a process is overdue
    leave_soon(ledger, 2)
    leave_soon(ledger, 3)
    assert [1, 2, 3] == [line.n for line in lines_of(ledger)]
    before = ledger.journal.owes
    ledger.journal.pay()
    assert (True, False) == (before, ledger.journal.owes)
    with ledger.write():
        pass
    assert 0 == owes(ledger)


def test_what_a_power_cut_took_from_the_file_is_written_again(
    ledger: Ledger, tmp_path: Path
) -> None:
    """Whatever was not synced may be lost; the database still owes it."""
    enlist(ledger)
    leave_soon(ledger, 1)
    path = ledger.journal.path
    assert path is not None
    synced = path.read_bytes()
    for person in range(2, 9):
        leave_soon(ledger, person)
    path.write_bytes(synced)

    restarted = new_ledger(tmp_path)
    admit(restarted)
    assert [*range(1, 9)] == sorted(line.n for line in lines_of(restarted))
    assert 0 == owes(restarted)
    restarted.close()


def test_a_sync_that_fails_leaves_all_that_waited_for_it_owed(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S-46: after an error nobody knows what of it is on the disk."""
    enlist(ledger)
    for person in range(1, 4):
        leave_soon(ledger, person)

    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as disk:
        disk.setattr("mailer.ledger.linefile._sync", broken)
        with pytest.raises(JournalError):
            ledger.journal.pay()
    before = ledger.journal.owes
    ledger.journal.pay()
    assert {1, 2, 3} == {line.n for line in lines_of(ledger)}
    assert (True, False) == (before, ledger.journal.owes)


def test_rows_of_what_is_owed_are_used_again_and_stay_few(ledger: Ledger) -> None:
    enlist(ledger)
    for person in range(1, 101):
        leave_soon(ledger, person)
    assert [*range(1, 101)] == [line.n for line in lines_of(ledger)]
    assert owes(ledger) <= 2 * KEPT


# --- an old database -----------------------------------------------------------------------------


def test_an_old_copy_is_recognised(ledger: Ledger, tmp_path: Path) -> None:
    """Case 47, interface §1.6 D: with how much it has forgotten."""
    people = enlist(ledger, *addresses(5))
    frozen(ledger)
    deliver(ledger, 1)
    ledger.close()
    copy = backup(tmp_path)
    ledger = new_ledger(tmp_path)
    deliver(ledger, 2)
    leave(ledger, people[4])
    suppress(ledger, "person0@d0.test")
    ledger.close()
    restore(tmp_path, copy)
    error = refusal(new_ledger(tmp_path))
    assert ("E602", 7) == (error.code, error.exit)
    assert "older than its journal (1 < 5; 24 Nov 16:00 UTC)" in error.message
    assert (
        "The journal knows 2 deliveries, 1 unsubscribe and 1 suppression "
        "that this database does not." == error.detail
    )


def test_an_old_copy_stays_old_whatever_is_written_into_it(ledger: Ledger, tmp_path: Path) -> None:
    """Who leaves meanwhile must not make it look as new as its journal."""
    people = enlist(ledger, *addresses(4))
    ledger.close()
    copy = backup(tmp_path)
    ledger = new_ledger(tmp_path)
    leave(ledger, people[0])
    ledger.close()
    restore(tmp_path, copy)
    old = new_ledger(tmp_path)
    for person in people[1:]:
        leave(old, person)
    error = refusal(old)
    assert "(0 < 4;" in error.message
    assert [1, 2, 3, 4] == [line.n for line in lines_of(old)]
    old.close()


def test_a_journal_that_vanished_stops_sending(ledger: Ledger, tmp_path: Path) -> None:
    """Else deleting it would make an old copy pass for the newest."""
    first, second = enlist(ledger, "ann@a.test", "bob@b.test")
    leave(ledger, first)
    ledger.close()
    (tmp_path / "mailer.journal").unlink()
    again = new_ledger(tmp_path)
    assert "E618" == refusal(again).code
    leave(again, second)
    assert not (tmp_path / "mailer.journal").exists()
    assert 1 == owes(again)
    again.close()


def test_a_new_ledger_needs_no_journal(ledger: Ledger, tmp_path: Path) -> None:
    admit(ledger)
    assert not (tmp_path / "mailer.journal").exists()


def test_the_journal_of_another_ledger_stops_sending_and_is_not_written(
    ledger: Ledger, tmp_path: Path
) -> None:
    person, *_ = enlist(ledger, "ann@a.test")
    path = tmp_path / "mailer.journal"
    path.write_text(lines.header(b"x" * 32))
    assert "E619" == refusal(ledger).code
    leave(ledger, person)
    assert lines.header(b"x" * 32) == path.read_text()


def test_a_journal_that_was_put_back_from_a_backup_is_brought_up_to_date(
    ledger: Ledger, tmp_path: Path
) -> None:
    """Decisions 10: a database ahead of its journal adds what is missing."""
    people = enlist(ledger, *addresses(4))
    frozen(ledger)
    leave(ledger, people[3])
    path = tmp_path / "mailer.journal"
    old = path.read_bytes()
    accepted = deliver(ledger, 2)
    suppress(ledger, "person0@d0.test")
    ledger.close()
    path.write_bytes(old)
    again = new_ledger(tmp_path)
    admit(again)
    told = lines_of(again)
    assert set(accepted) == {line.key for line in told if line.kind is Kind.ACCEPTED}
    assert 1 == sum(line.kind is Kind.SUPPRESSED for line in told)
    assert 4 == again.journal.tail().highest
    again.close()


def test_a_database_that_was_lost_is_begun_anew_with_the_salt_of_its_journal(
    ledger: Ledger, tmp_path: Path
) -> None:
    """Decisions 3: so that what the journal says of addresses still counts."""
    person, *_ = enlist(ledger, "ann@a.test")
    leave(ledger, person)
    salt = ledger.salt
    ledger.close()
    for path in tmp_path.glob("mailer.db*"):
        path.unlink()
    anew = open_ledger(f"sqlite:{tmp_path / 'mailer.db'}")
    assert salt == anew.salt
    assert "E602" == refusal(anew).code
    anew.close()


def test_of_a_long_journal_only_the_end_is_read_to_admit(ledger: Ledger, tmp_path: Path) -> None:
    """Whatever stands before it, 40 MB here, is not looked at."""
    person, *_ = enlist(ledger, "ann@a.test")
    leave(ledger, person)
    path = tmp_path / "mailer.journal"
    end = path.read_bytes().rstrip(b"\n").splitlines()[-1]
    with path.open("r+b") as file:
        file.truncate(40_000_000)  # a hole: zeros, which are no lines
        file.seek(0, 2)
        file.write(b"\n" + end + b"\n")
    assert (1, frozenset({1})) == (ledger.journal.tail().highest, ledger.journal.tail().numbers)
    admit(ledger)


# --- another installation ------------------------------------------------------------------------


def test_a_copy_on_another_installation_may_not_send(ledger: Ledger) -> None:
    """Interface §1.6 D: the database remembers where it is used."""
    standing.admit(ledger, instance="blue", now=NOW)
    standing.admit(ledger, instance="blue", now=NOW)
    with pytest.raises(SafetyError) as caught:
        standing.admit(ledger, instance="green", now=NOW)
    assert ("E620", 7) == (caught.value.code, caught.value.exit)
    assert '"blue"' in caught.value.detail


def test_the_machine_is_the_instance_where_nobody_names_one(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number is not handed out; a machine without one is never recognised as another."""
    number = tmp_path / "machine-id"
    monkeypatch.setattr(standing, "MACHINE_ID", number)
    assert "" == standing.name_of(ledger, "")
    admit(ledger)
    number.write_text("0123456789abcdef\n")
    named = standing.name_of(ledger, "")
    assert named.startswith("machine ")
    assert "0123456789abcdef" not in named
    admit(ledger)
    number.write_text("fedcba9876543210\n")
    assert "E620" == refusal(ledger).code


def test_a_ledger_on_a_server_has_a_journal_on_each_machine(
    postgres: Postgres, tmp_path: Path
) -> None:
    """Each has what its machine did; the numbers are counted together."""
    url = postgres.lend()
    one = open_ledger(url, journal=tmp_path / "one" / "mailer.journal")
    two = open_ledger(url, journal=tmp_path / "two" / "mailer.journal")
    people = enlist(one, *addresses(3))
    leave(one, people[0])
    leave(two, people[1])
    leave(one, people[2])
    assert [1, 3] == [line.n for line in lines_of(one)]
    assert [2] == [line.n for line in lines_of(two)]
    for ledger in (one, two):
        admit(ledger)
    with two.write() as connection:  # as it is after a backup from before was restored
        connection.execute(update(meta).where(meta.c.key == "journal").values(value="1"))
    assert ["E602", "E602"] == [refusal(ledger).code for ledger in (one, two)]
    one.close()
    two.close()


def test_a_name_that_a_machine_gave_does_not_bind_a_server(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Several machines deliver from one by design: only what the operator says counts."""
    number = tmp_path / "machine-id"
    number.write_text("0123456789abcdef\n")
    monkeypatch.setattr(standing, "MACHINE_ID", number)
    ledger = open_ledger(postgres.lend())
    with ledger.write() as connection:
        standing.name(connection, "machine 123456789abc")
    admit(ledger)
    standing.admit(ledger, instance="blue", now=Instant(NOW))
    with ledger.read() as connection:
        assert 0 == len(connection.execute(select(subscriber)).all())
    ledger.close()
