"""Two languages and an attribute, from files to the relay: everybody gets the variant for them."""

from __future__ import annotations

import itertools
import signal
import time
from collections import defaultdict
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from mailer.ledger.schema import subscriber
from mailer.model import MailingState
from tests.samples.newsletter import ended
from tests.wire.fault_server import Act, FaultServer, drop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.samples.newsletter import Done, News

BASE = """\
---
subject: Winter opening hours
preheader: We open later, and what that is good for.
date: 2026-11-20
status: ready
---

Dear {{ subscriber.name or "reader" }}, from Monday on we open at ten.
"""
GERMAN = """\
---
subject: 'Winterzeiten für {{ subscriber.name or "alle" }}'
preheader: Wir öffnen später, und wofür das gut ist.
date: 2026-11-20
---

Guten Tag, ab Montag öffnen wir um zehn.
"""
PRO = """\
---
id: 2026-11-20-winter
for: {plan: pro}
subject: Your winter, early
preheader: You may come in through the back door already.
date: 2026-11-20
---

Dear {{ subscriber.name or "friend" }}, your plan {{ subscriber.plan }} lets you in at nine.
"""
PEOPLE = (
    "ann@a.test,Ann,en,free",
    "bob@a.test,,,",
    "carl@a.test,Carl,de,free",
    "dora@a.test,Dora,de-AT,pro",
    "eve@a.test,Eve,fr,pro",
)
SUBJECTS = {
    "ann@a.test": "Winter opening hours",
    "bob@a.test": "Winter opening hours",
    "carl@a.test": "Winterzeiten für Carl",
    "dora@a.test": "Winterzeiten für Dora",
    "eve@a.test": "Your winter, early",
}


@pytest.fixture
def two_languages(news: News) -> News:
    """An issue with a translation and a variant for some, and five people."""
    news.issue(BASE)
    news.issue(GERMAN, name="2026-11-20-winter.de")
    news.issue(PRO, name="winter-pro")
    news.people(*PEOPLE, header="email,name,language,plan")
    return news


@pytest.fixture
def relay(two_languages: News) -> Iterator[FaultServer]:
    with FaultServer() as server:
        two_languages.relay(server.port)
        yield server
    assert server.violations == []


def subjects(server: FaultServer) -> dict[str, str]:
    parsed = [message_from_bytes(one.content, policy=policy.default) for one in server.messages]
    found = {str(one["To"]): str(one["Subject"]) for one in parsed}
    assert len(parsed) == len(found)
    return found


# --- who gets what -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["winter", "2026-11-20-winter", "winter-pro", "20-winter"])
def test_everybody_gets_the_variant_for_them_however_the_issue_is_named(
    two_languages: News, relay: FaultServer, name: str
) -> None:
    done = two_languages.run("send", name, "--yes")
    assert (0, "m1 sent: 5 accepted · 0 rejected · 0 cancelled · 0 in doubt\n") == (
        done.code,
        done.out,
    )
    assert SUBJECTS == subjects(relay)
    eve = next(one.content for one in relay.messages if b"eve@" in one.rcpt)
    text = message_from_bytes(eve, policy=policy.default).get_body(("plain",))
    assert text is not None
    assert "Dear Eve, your plan pro lets you in at nine." in text.get_content()


def test_the_panel_and_the_status_say_how_many_get_which(
    two_languages: News, relay: FaultServer
) -> None:
    done = two_languages.run("send", "winter", "--yes")
    said = [" ".join(line.split()) for line in done.err.splitlines()]
    files = "issues/2026-11-20-winter.md", "issues/2026-11-20-winter.de.md", "issues/winter-pro.md"
    at = said.index(f"Variants base 2 Winter opening hours ({files[0]})")
    german = f'language=de 2 Winterzeiten für {{{{ subscriber.name or "alle" }}}} ({files[1]})'
    assert [german, f"plan=pro 1 Your winter, early ({files[2]})"] == said[at + 1 : at + 3]
    status = two_languages.run("status", "m1")
    assert "       variants base 2 · language=de 2 · plan=pro 1\n" in status.out
    (data,) = two_languages.run("status", "--json").data["mailings"]
    assert {"base": 2, "language=de": 2, "plan=pro": 1} == data["variants"]
    assert "· language=de · attempt 1" in two_languages.run("trace", "carl@a.test").out
    assert 5 == len(relay.messages)


def test_without_variants_nothing_speaks_of_them(news: News) -> None:
    news.issue(BASE)
    news.people(*PEOPLE, header="email,name,language,plan")
    done = news.run("send", "winter", "--dry-run")
    assert (0, False) == (done.code, " Variants" in done.out), done
    assert {} == news.run("send", "winter", "--dry-run", "--json").data["variants"]


def test_a_dry_run_shows_a_sample_of_each(two_languages: News, relay: FaultServer) -> None:
    done = two_languages.run("send", "winter", "--dry-run", "--json")
    assert 0 == done.code, done
    shown = done.data["variants"]
    assert {"base": 2, "language=de": 2, "plan=pro": 1} == {
        name: one["recipients"] for name, one in shown.items()
    }
    assert 3 == len({one["digest"] for one in shown.values()})
    folder = two_languages.folder / "out" / "2026-11-20-winter"
    texts = [path.read_text() for path in folder.glob("sample-*.txt")]
    for words in ("we open at ten", "öffnen wir um zehn", "lets you in at nine"):
        assert any(words in text for text in texts), words
    assert [] == relay.connections
    assert [] == two_languages.mailings()


def test_a_test_copy_is_what_its_reader_would_get(two_languages: News, relay: FaultServer) -> None:
    to = ("--to", "carl@a.test", "--to", "eve@a.test", "--to", "me@b.test")
    done = two_languages.run("send", "winter", *to)
    assert 0 == done.code, done
    assert {
        "carl@a.test": "[TEST] Winterzeiten für Carl",
        "eve@a.test": "[TEST] Your winter, early",
        "me@b.test": "[TEST] Winter opening hours",
    } == subjects(relay)


def test_a_test_copy_shows_somebody_elses_version(two_languages: News, relay: FaultServer) -> None:
    done = two_languages.run("send", "winter", "--to", "me@b.test", "--as", "Dora@a.test")
    assert 0 == done.code, done
    assert {"me@b.test": "[TEST] Winterzeiten für Dora"} == subjects(relay)
    unknown = two_languages.run("send", "winter", "--to", "me@b.test", "--as", "nobody@a.test")
    assert (9, True) == (unknown.code, "✖ E514" in unknown.err), unknown
    assert 2 == two_languages.run("send", "winter", "--as", "dora@a.test").code
    assert 2 == two_languages.run("send", "winter", "--to", "me@b.test", "--as", "no address").code
    assert 1 == len(relay.messages)


def test_a_variant_that_is_named_by_its_file_is_shown_to_strangers(
    two_languages: News, relay: FaultServer
) -> None:
    done = two_languages.run("send", "issues/winter-pro.md", "--to", "me@b.test")
    assert (3, True) == (done.code, "E140" in done.err), done
    two_languages.issue(PRO.replace("subscriber.plan", "list.title"), name="winter-pro")
    done = two_languages.run("send", "issues/winter-pro.md", "--to", "me@b.test")
    assert 0 == done.code, done
    assert {"me@b.test": "[TEST] Your winter, early"} == subjects(relay)


# --- what stops it -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        (GERMAN.replace("Guten Tag", "Lies {{ subscriber.town }}"), "E140", "winter.de.md"),
        (GERMAN.replace("date:", "draft: true\ndate:"), "E129", "winter.de.md"),
        (GERMAN.replace("date:", "list: daily\ndate:"), "E129", "winter.de.md"),
        (GERMAN.replace("date:", "language: en\ndate:"), "E106", "winter.de.md"),
        (GERMAN.replace("subject:", "subject: [\nx:"), "E101", "winter.de.md"),
        (GERMAN + "x" * 101_000, "E150", "winter.de.md"),
    ],
)
def test_what_is_wrong_with_one_variant_stops_the_mailing(
    two_languages: News, relay: FaultServer, text: str, code: str, where: str
) -> None:
    two_languages.issue(text, name="2026-11-20-winter.de")
    for dry in ((), ("--dry-run",)):
        done = two_languages.run("send", "winter", "--yes", *dry)
        assert (3, True) == (done.code, f"✖ {code}" in done.err + done.out), done
        assert where in done.err + done.out
    assert ([], []) == (two_languages.mailings(), relay.connections)


def test_check_looks_at_all_variants_once(two_languages: News) -> None:
    two_languages.issue(GERMAN + "\n[hier](https://example.org/a)\n", name="2026-11-20-winter.de")
    done = two_languages.run("check", "--offline", "--json")
    (issue,) = done.data["issues"]
    assert ("issues/2026-11-20-winter.md", 1) == (issue["file"], issue["links"])
    found = done.data["findings"]
    assert len(found) == len(
        {(one["id"], one["file"], one["line"], one["message"]) for one in found}
    )
    assert {"issues/2026-11-20-winter.de.md"} == {
        one["file"] for one in found if one["id"] == "W124"
    }


# --- by the clock, and after a crash -------------------------------------------------------------


def test_who_joins_before_a_scheduled_start_gets_their_variant(
    two_languages: News, relay: FaultServer
) -> None:
    assert 0 == two_languages.run("send", "winter", "--yes", "--at", "in 2h").code
    two_languages.people("fay@a.test,Fay,de,", header="email,name,language,plan")
    two_languages.start_now()
    assert 0 == two_languages.run("send", "--due").code
    assert {**SUBJECTS, "fay@a.test": "Winterzeiten für Fay"} == subjects(relay)


def test_the_schedule_mails_an_issue_with_all_its_variants_once(
    two_languages: News, relay: FaultServer
) -> None:
    timed = BASE.replace("status: ready", "status: ready\nsend_at: 2026-01-01 09:00")
    two_languages.issue(timed)
    for _ in range(2):
        assert 0 == two_languages.run("send", "--due").code
    assert SUBJECTS == subjects(relay)
    assert 1 == len(two_languages.mailings())


def everybody_moves(news: News, language: str) -> None:
    with news.ledger() as ledger, ledger.write() as connection:
        connection.execute(update(subscriber).values(language=language, attributes="{}", name="X"))


def test_a_second_attempt_is_the_first_one_whatever_changed_since(two_languages: News) -> None:
    """Decisions 2: whoever was in doubt gets the same variant again, octet for octet."""
    with FaultServer({"dot": itertools.repeat(drop(store=True), 5)}) as server:
        two_languages.relay(server.port, connections="1")
        two_languages.run("send", "winter", "--yes")
        everybody_moves(two_languages, "fr")
        two_languages.come_due()
        two_languages.run("send", "--due")
        copies: dict[bytes, list[bytes]] = defaultdict(list)
        for one in server.messages:
            copies[one.rcpt].append(one.content)
    assert 5 == len(copies)
    assert {2} == {len(some) for some in copies.values()}
    assert all(len(set(some)) == 1 for some in copies.values())
    (mailing,) = two_languages.mailings()
    assert MailingState.SENT is mailing.state


def test_kill_9_and_the_same_command_keep_everybodys_variant(news: News) -> None:
    """Case 41 with variants: chosen at the freeze, not when the second process claims."""
    news.issue(BASE)
    news.issue(GERMAN, name="2026-11-20-winter.de")
    news.people(
        *(f"p{n}@d{n % 7}.test,P,{'de' if n % 2 else 'en'}" for n in range(60)),
        header="email,name,language",
    )
    with FaultServer({"dot": itertools.repeat(Act(after=0.03))}) as server:
        news.relay(server.port)
        sending = news.start("send", "winter", "--yes")
        end = time.monotonic() + 60
        while len(server.messages) < 15 and time.monotonic() < end:
            time.sleep(0.005)
        sending.send_signal(signal.SIGKILL)
        killed = ended(sending)
        everybody_moves(news, "fr")
        again: Done = ended(news.start("send", "winter", "--yes"))
        copies: dict[str, set[bytes]] = defaultdict(set)
        for one in server.messages:
            copies[one.rcpt.partition(b"<")[2].partition(b">")[0].decode()].add(one.content)
    assert (-signal.SIGKILL, 0) == (killed.code, again.code), again
    assert 60 == len(copies)
    for address, contents in copies.items():
        assert 1 == len(contents), address  # sent twice, it was the same
        german = int(address.partition("@")[0][1:]) % 2
        (content,) = contents
        subject = str(message_from_bytes(content, policy=policy.default)["Subject"])
        assert ("Winterzeiten" in subject) == bool(german), address
