"""What leaves the ledger as it is: dry runs, test copies, renderings (interface §2.4, §1.2)."""

from __future__ import annotations

import csv
import gc
import hashlib
import itertools
import json
import re
import subprocess
import sys
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import httpx
import pytest

from mailer.compose.links import Keyring
from mailer.config import require_secret
from tests.samples.newsletter import ISSUE, ended
from tests.wire.fault_server import CAPABILITIES, FaultServer, drop, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

    from tests.samples.newsletter import News


@pytest.fixture
def relay(peopled: News) -> Iterator[FaultServer]:
    with FaultServer() as server:
        peopled.relay(server.port)
        yield server


def state(folder: Path) -> dict[str, str]:
    """Every file of the newsletter but those of `out/`, by digest."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] not in ("out", ".git")
    }


def mails(server: FaultServer) -> list[EmailMessage]:
    return [message_from_bytes(one.content, policy=policy.default) for one in server.messages]


# --- dry run -------------------------------------------------------------------------------------


def test_a_dry_run_opens_no_connection_and_changes_no_byte(
    peopled: News, relay: FaultServer
) -> None:
    """Decided by file digests of the database, its -wal and its -shm."""
    before = state(peopled.folder)
    done = ended(peopled.start("send", "winter", "--dry-run"))
    assert (0, True) == (done.code, done.out.endswith("Nothing was sent. Nothing was changed.\n"))
    assert before == state(peopled.folder)
    assert [] == relay.connections


OPEN = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("UPDATE meta SET value = value + 1 WHERE key = 'changes'")
database.commit()
print("open", flush=True)
sys.stdin.read()
"""


def test_it_changes_no_byte_either_while_somebody_has_the_database_open(
    peopled: News, relay: FaultServer
) -> None:
    """A daemon has; this one does nothing on its own while we look."""
    holder = subprocess.Popen(
        [sys.executable, "-c", OPEN, str(peopled.folder / "subscribers" / "mailer.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert b"open\n" == holder.stdout.readline()
    before = state(peopled.folder)
    assert "subscribers/mailer.db-wal" in before
    done = ended(peopled.start("send", "winter", "--dry-run"))
    assert (0, before) == (done.code, state(peopled.folder))
    assert [] == relay.connections
    holder.communicate()


def test_without_a_database_it_says_audience_0_and_creates_nothing(news: News) -> None:
    """Decisions 11: exit 3."""
    before = state(news.folder)
    done = news.run("send", "winter", "--dry-run")
    assert 3 == done.code
    assert "           = will receive               0\n" in done.out
    assert "✖ E704 Nobody on weekly would get it  → mailer subscribers import" in done.out
    assert "▲ subscribers/weekly.csv was never imported as it is now" in done.err
    assert before == state(news.folder)


def test_it_composes_for_everybody_and_shows_some(peopled: News, relay: FaultServer) -> None:
    done = peopled.run("send", "winter", "--dry-run", "--json")
    data = done.data
    assert ("mailer.dry-run/1", 8, 8) == (
        data["schema"],
        data["composed"],
        data["audience"]["recipients"],
    )
    out = peopled.folder / "out" / "2026-11-20-winter"
    assert str(out) == data["samples"]
    names = {path.name for path in out.iterdir()}
    kinds = [f"sample-{n}.{kind}" for n in range(1, 6) for kind in ("html", "txt", "eml")]
    assert {"excluded.csv", *kinds} == names
    sample = message_from_bytes((out / "sample-1.eml").read_bytes(), policy=policy.default)
    assert "Winter opening hours" == sample["Subject"]
    assert (out / "sample-1.txt").read_text().count("https://example.org/winter") == 1
    assert [] == relay.connections


def test_its_arithmetic_names_each_reason_and_the_people(peopled: News) -> None:
    peopled.people(
        "new@example.org,pending", "gone@example.org,unsubscribed", header="email,status"
    )
    peopled.run("suppressions", "add", "ann@mail.example.org")
    done = peopled.run("send", "winter", "--dry-run")
    for line in (
        " Audience  on the list                 10\n",
        "           − unconfirmed                1\n",
        "           − unsubscribed               1\n",
        "           − on pause                   0\n",
        "           − suppressed                 1\n",
        "           − already got this issue     0\n",
        "           = will receive               7\n",
    ):
        assert line in done.out
    path = peopled.folder / "out" / "2026-11-20-winter" / "excluded.csv"
    with path.open(newline="") as file:
        assert {
            ("email", "reason"),
            ("new@example.org", "unconfirmed"),
            ("gone@example.org", "unsubscribed"),
            ("ann@mail.example.org", "suppressed"),
        } == {tuple(row) for row in csv.reader(file)}


def test_it_names_relay_sizes_duration_and_time(peopled: News) -> None:
    peopled.environ["MAILER_RELAY_URL"] = "smtp+starttls://me@smtp.example.net:587"
    peopled.environ["MAILER_RELAY_RATE"] = "2/s"
    done = peopled.run("send", "winter", "--dry-run", "--at", "2099-11-26 09:00 Europe/Berlin")
    assert " Relay     smtp.example.net:587 (STARTTLS, 10 connections, 2/s)\n" in done.out
    assert " Duration  about 4 s, ends 09:00\n" in done.out
    assert " Time      Thu 26 Nov 2099 09:00 Europe/Berlin = 08:00 UTC (in " in done.out
    assert re.search(r"^ HTML      \d+\.\d KB of 100 KB$", done.out, re.MULTILINE)
    assert re.search(r"^ Largest   \d+\.\d KB on the wire$", done.out, re.MULTILINE)


def test_samples_of_an_earlier_run_do_not_lie_around(peopled: News) -> None:
    out = peopled.folder / "out" / "2026-11-20-winter"
    peopled.run("send", "winter", "--dry-run")
    (out / "mine.txt").write_text("keep me")
    for address in ("ann@mail.example.org", "ben@post.example.com", "emil+weekly@mail.example.com"):
        peopled.run("suppressions", "add", address)
    for address in ("goran@mail.example.org", "fumiko@post.example.com"):
        peopled.run("suppressions", "add", address)
    peopled.run("send", "winter", "--dry-run")
    assert ["sample-1.eml", "sample-2.eml", "sample-3.eml"] == sorted(
        path.name for path in out.glob("*.eml")
    )
    assert "keep me" == (out / "mine.txt").read_text()


def test_a_formula_in_an_address_is_no_formula_in_excluded_csv(peopled: News) -> None:
    """X-3."""
    peopled.people("=cmd@example.org,unsubscribed", header="email,status")
    peopled.run("send", "winter", "--dry-run")
    path = peopled.folder / "out" / "2026-11-20-winter" / "excluded.csv"
    assert "'=cmd@example.org,unsubscribed" in path.read_text()


def test_once_it_was_mailed_a_dry_run_says_so(peopled: News, relay: FaultServer) -> None:
    """I107."""
    peopled.run("send", "winter", "--yes")
    done = peopled.run("send", "winter", "--dry-run")
    assert 0 == done.code
    assert "ℹ I107  already mailed to weekly as m1 (sent, " in done.out
    assert "− already got this issue     8" in done.out
    assert "E704" not in done.out
    assert 8 == len(relay.messages)


@pytest.mark.parametrize("out", ["mailer.toml", "mailer.toml/below", "/proc/nowhere"])
def test_a_folder_that_cannot_be_written_is_a_clear_error(peopled: News, out: str) -> None:
    target = str(peopled.folder / out)
    for arguments in (("send", "winter", "--dry-run"), ("render", "winter")):
        done = peopled.run(*arguments, "--out", target)
        assert (1, True) == (done.code, "✖ E002 The folder cannot be written" in done.err), done
        assert "Traceback" not in done.err


# --- test copies ---------------------------------------------------------------------------------


def test_a_test_copy_is_marked_and_outside_the_ledger(peopled: News, relay: FaultServer) -> None:
    """Interface §1.2: real list headers with a token that does nothing."""
    gc.collect()
    before = state(peopled.folder)
    done = peopled.run("send", "winter", "--to", "me@example.org", "--to", "you@example.org")
    assert (0, "") == (done.code, done.err)
    assert 2 == done.out.count("accepted by 127.0.0.1")
    assert before == state(peopled.folder)
    assert [] == peopled.mailings()
    first, second = mails(relay)
    assert "[TEST] Winter opening hours" == first["Subject"]
    assert ["me@example.org", "you@example.org"] == [first["To"], second["To"]]
    assert first["Message-ID"] != second["Message-ID"]
    assert "weekly" in first["List-Id"]
    assert "List-Unsubscribe=One-Click" == first["List-Unsubscribe-Post"]


def test_its_unsubscribe_link_changes_nothing(peopled: News, relay: FaultServer) -> None:
    peopled.run("send", "winter", "--to", "ann@mail.example.org")
    (mail,) = mails(relay)
    token = re.search(r"/u/([^>]+)>", str(mail["List-Unsubscribe"]))
    assert token is not None
    keyring = Keyring(require_secret(peopled.config))
    assert keyring.is_test_token(token[1])
    pages = peopled.start("serve", "--port", "0", "--json")
    try:
        assert pages.stdout is not None
        url = json.loads(pages.stdout.readline())["web"]
        one_click = {"List-Unsubscribe": "One-Click"}
        answer = httpx.post(f"{url}/u/{token[1]}", data=one_click, trust_env=False)
        assert 200 == answer.status_code
    finally:
        pages.terminate()
        ended(pages)
    listed = peopled.run("subscribers", "show", "ann@mail.example.org", "--json").data
    assert ["confirmed"] == [one["state"] for one in listed["subscriptions"]]


def test_a_subscriber_sees_their_own_values_and_a_draft_may_be_tried(
    peopled: News, relay: FaultServer
) -> None:
    peopled.issue(ISSUE.replace("date:", "draft: true\ndate:"))
    done = peopled.run("send", "winter", "--to", "ann@mail.example.org", "--to", "me@example.org")
    assert 0 == done.code
    greetings = [
        re.search(r"Dear ([^,]+),", mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]
        for mail in mails(relay)
    ]
    assert ["Ann Archer", "reader"] == [found and found[1] for found in greetings]


def test_groups_stand_for_their_members_once(peopled: News, relay: FaultServer) -> None:
    path = peopled.folder / "mailer.toml"
    group = '[groups]\neditors = ["ann@example.org", "ben@example.org"]'
    path.write_text(path.read_text().replace("[groups]", group))
    done = peopled.run("send", "winter", "--to", "@editors", "--to", "ben@example.org", "--json")
    assert (0, "mailer.test-copies/1") == (done.code, done.data["schema"])
    assert ["ann@example.org", "ben@example.org"] == [mail["To"] for mail in mails(relay)]
    assert [True, True] == [copy["accepted"] for copy in done.data["copies"]]
    unknown = peopled.run("send", "winter", "--to", "@editor")
    assert (9, True) == (unknown.code, "✖ E912 There is no group @editor" in unknown.err)
    assert "→ did you mean @editors?" in unknown.err


@pytest.mark.parametrize(
    ("address", "code", "error"),
    [
        ("nobody", 2, "E501"),
        ("a@b.org, c@d.org", 2, "E501"),
        ("a@x.y\r\nRCPT TO:<b@x.y>", 2, "E501"),
        ("", 2, "E501"),
        ("@", 9, "E912"),
    ],
)
def test_what_is_no_address_gets_no_test_copy(
    peopled: News, relay: FaultServer, address: str, code: int, error: str
) -> None:
    """X-8."""
    done = peopled.run("send", "winter", "--to", "me@example.org", "--to", address)
    assert (code, True) == (done.code, done.err.startswith(f"✖ {error} ")), done
    assert [] == relay.connections


def test_an_issue_with_errors_gets_no_test_copy(peopled: News, relay: FaultServer) -> None:
    peopled.issue("---\nsubject: Hi\n---\n")
    assert 3 == peopled.run("send", "winter", "--to", "me@example.org").code
    peopled.issue("---\nsubject: Hi\n---\n\nDear {{ subscriber.height }}\n")
    done = peopled.run("send", "winter", "--to", "me@example.org")
    assert (3, True) == (
        done.code,
        "✖ E140 {{ subscriber.height }} has no value for me@" in done.err,
    )
    assert [] == relay.connections


def test_a_refused_test_copy_is_exit_1_with_the_relays_words(peopled: News) -> None:
    refusal = say(b"550 5.1.1 no such user")
    with FaultServer({"RCPT": [None, refusal]}) as server:
        peopled.relay(server.port)
        done = peopled.run("send", "winter", "--to", "a@example.org", "--to", "b@example.org")
    assert 1 == done.code
    first, second = done.out.splitlines()
    assert first.startswith("✔ test copy of 2026-11-20-winter to a@example.org accepted by")
    assert second.startswith("✖ test copy of 2026-11-20-winter to b@example.org not accepted by")
    assert second.endswith("RCPT TO: 550 5.1.1 no such user")


def test_an_address_that_needs_smtputf8_is_refused_with_5_6_7(
    peopled: News, relay: FaultServer
) -> None:
    """M-13, case 21."""
    done = peopled.run("send", "winter", "--to", "jörg@exämple.test", "--to", "jo@exämple.test")
    assert (1, True) == (done.code, "553 5.6.7" in done.out)
    assert ["jo@xn--exmple-cua.test"] == [mail["To"] for mail in mails(relay)]


def test_a_test_copy_goes_to_an_address_in_utf8_where_the_relay_offers_it(peopled: News) -> None:
    """M-13: the same message, its To as the person writes it."""
    with FaultServer(capabilities=(*CAPABILITIES, b"SMTPUTF8")) as server:
        peopled.relay(server.port)
        done = peopled.run("send", "winter", "--to", "jörg@exämple.test")
    assert 0 == done.code, done
    (taken,) = server.messages
    assert "RCPT TO:<jörg@xn--exmple-cua.test>" in taken.rcpt.decode()
    assert b" SMTPUTF8 BODY=8BITMIME" in taken.mail
    assert "\r\nTo: jörg@xn--exmple-cua.test\r\n" in taken.content.decode()


def test_a_relay_that_is_down_is_exit_6_and_nothing_is_said_to_wait(peopled: News) -> None:
    with FaultServer() as server:
        peopled.relay(server.port)
    done = peopled.run("send", "winter", "--to", "me@example.org")
    assert (6, True) == (done.code, "✖ E310" in done.err)
    assert "no test copy was sent" in done.err
    assert "queued" not in done.err


def test_a_relay_that_dies_at_the_dot_leaves_the_copy_in_doubt(peopled: News) -> None:
    with FaultServer({"dot": itertools.repeat(drop(store=True))}) as server:
        peopled.relay(server.port)
        done = peopled.run("send", "winter", "--to", "me@example.org")
    assert (1, True) == (done.code, "no reply, it may have arrived" in done.out)


# --- render --------------------------------------------------------------------------------------


def test_render_writes_three_files_named_after_the_issue(peopled: News) -> None:
    out = peopled.folder / "look"
    done = peopled.run("render", "winter", "--out", str(out))
    names = [f"2026-11-20-winter.{kind}" for kind in ("html", "txt", "eml")]
    assert (0, [str(out / name) for name in names]) == (done.code, done.out.splitlines())
    html, text, mail = ((out / name).read_bytes() for name in names)
    assert b"<title>Winter opening hours</title>" in html
    assert b"\n\nDear reader, from Monday on" in text
    assert b"\r\nSubject: Winter opening hours\r\n" in mail


def test_render_shows_names_where_a_place_has_no_default(peopled: News) -> None:
    words = '{{ subscriber.street or "Main Street" }} in {{ subscriber.city }}'
    peopled.issue(f"---\nsubject: How are you?\n---\n\nHow is {words}?\n")
    done = peopled.run("render", "winter", "--json")
    assert ("mailer.render/1", []) == (done.data["schema"], done.data["findings"])
    text = (peopled.folder / "out/2026-11-20-winter/2026-11-20-winter.txt").read_text()
    assert "How is Main Street in [city]?" in text


def test_render_shows_a_date_where_only_a_date_can_stand(peopled: News) -> None:
    peopled.issue("---\nsubject: How are you?\n---\n\nBorn {{ subscriber.born | date }}.\n")
    assert 0 == peopled.run("render", "winter").code
    text = (peopled.folder / "out/2026-11-20-winter/2026-11-20-winter.txt").read_text()
    assert "Born 24 November 2026." in text


def test_render_needs_no_database_and_makes_none(news: News) -> None:
    before = state(news.folder)
    assert 0 == news.run("render", "winter").code
    assert before == state(news.folder)


def test_render_says_what_is_wrong_and_renders_all_the_same(peopled: News) -> None:
    """Exit 3 on errors; findings name their line."""
    peopled.issue("---\nsuject: Hi\nreply_to: nobody\n---\n\n# How are you?\n\nWords.\n")
    done = peopled.run("render", "winter")
    assert 3 == done.code
    assert "    2  ▲ W103  suject is no key of ours" in done.err
    assert "    3  ✖ E117  reply_to is not an address." in done.err
    assert 3 == len(done.out.splitlines())
