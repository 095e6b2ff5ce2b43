"""`mailer watch` from another terminal, and `mailer relays` (interface §2.2, §2.5)."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import signal
import time
from typing import TYPE_CHECKING

import pytest

from mailer.ledger import pacing
from mailer.model import Instant, MailingState
from mailer.when import now
from tests.samples.newsletter import ended
from tests.wire.fault_server import Act, FaultServer

if TYPE_CHECKING:
    from tests.samples.newsletter import News

TWO = """\
[[relay]]
name = "eu"
url = "smtp://127.0.0.1:1"
rate = "14/s"
quota = "50000/day"

[[relay]]
name = "us"
url = "smtp://127.0.0.2:1"
"""


@pytest.fixture
def several(peopled: News) -> News:
    """Two relays instead of one."""
    path = peopled.folder / "mailer.toml"
    before, _, rest = path.read_text().partition("[relay]")
    path.write_text(before + TWO + rest.partition("\n\n")[2])
    return peopled


# --- watch ---------------------------------------------------------------------------------------


def test_watch_follows_what_another_process_delivers(peopled: News) -> None:
    """Without a name the one that is being sent; events per line, the last a result (§2.1)."""
    with FaultServer({"dot": itertools.repeat(Act(after=0.25))}) as server:
        peopled.relay(server.port, connections="1")
        sending = peopled.start("send", "winter", "--yes")
        while not server.messages:
            time.sleep(0.01)
        done = peopled.run("watch", "--json")
        assert 0 == ended(sending).code
    assert 0 == done.code, done
    assert ("mailer.watch/1", "result", "sent") == (
        done.data["schema"],
        done.data["type"],
        done.data["mailing"]["state"],
    )
    again = peopled.run("watch", "m1")
    assert (0, True) == (again.code, again.out.startswith("m1 sent: 8 accepted"))


def test_watching_ends_with_ctrl_c_and_the_mailing_goes_on(peopled: News) -> None:
    peopled.run("send", "winter", "--yes", "--at", "in 2h")
    watching = peopled.start("watch", "winter", "--json")
    assert watching.stdout is not None
    first = json.loads(watching.stdout.readline())
    assert ("progress", "scheduled") == (first["type"], first["mailing"]["state"])
    assert [] == first["throttled"]
    watching.send_signal(signal.SIGINT)
    done = ended(watching)
    assert (130, True) == (done.code, "goes on: mailer watch m1" in done.err)
    assert MailingState.SCHEDULED is peopled.mailings()[0].state


def test_watch_ends_at_a_mailing_that_is_paused_and_says_what_to_do(peopled: News) -> None:
    peopled.run("send", "winter", "--yes", "--at", "in 2h")
    peopled.run("pause", "m1")
    done = peopled.run("watch", "m1")
    assert (6, True) == (done.code, "mailer resume m1" in done.out)


def test_there_must_be_something_to_watch(news: News, peopled: News) -> None:
    for _ in range(2):
        done = news.run("watch", "--json")
        assert (9, "E915") == (done.code, done.data["code"])
        news.run("send", "winter", "--yes", "--at", "in 2h")
    assert "E910" in peopled.run("watch", "m7").err


# --- relays --------------------------------------------------------------------------------------


def test_relays_are_listed_with_rate_quota_and_trouble(several: News) -> None:
    with several.ledger() as ledger, ledger.write() as connection:
        eu, us = several.config.relays
        pacing.grant(connection, eu, 20, now())
        pacing.set_trouble(connection, us.name, "connect refused", since=Instant(0), now=now())
    done = several.run("relays")
    first, second = done.out.splitlines()
    assert re.fullmatch(r" eu +ok · 10 connections · 14/s · 1 of 50,000/day", first)
    assert "us" == second.split()[0]
    assert "down since 00:00 UTC: connect refused" in second
    assert " relay us   down since 00:00 UTC: connect refused\n" in several.run("status").out
    for verb in (("relays", "list"), ("status",)):
        data = several.run(*verb, "--json").data["relays"]
        assert [("eu", 14.0, "ok", 49_999), ("us", None, "down", None)] == [
            (one["name"], one["rate"], one["state"], one["quota_left"]) for one in data
        ]


def test_cron_ends_when_a_quota_is_used_up_and_says_until_when(peopled: News) -> None:
    """Not hours in the foreground; by hand it exits 6, as some are left (interface §2.6)."""
    with FaultServer() as server:
        peopled.relay(server.port, relay_quota="3/day")
        assert 6 == peopled.run("send", "winter", "--yes").code
        due = peopled.run("send", "--due")
        assert 0 == due.code, due
        said = r"▲ quota used up until \d\d \w+ \d\d:\d\d UTC: mailer run or mailer send --due goes"
        assert re.search(said, due.err)
        assert "→ 5 left: " in due.err
        assert (0, "", "") == dataclasses.astuple(peopled.run("send", "--due", "--quiet"))[:3]
        assert 3 == len(server.messages)


def test_status_says_until_when_a_quota_is_waited_for(several: News) -> None:
    """Nothing is wrong and nothing goes out: cause and time are told."""
    with several.ledger() as ledger, ledger.write() as connection:
        eu, _ = several.config.relays
        fast = dataclasses.replace(eu, rate=None)
        assert 50_000 == pacing.grant(connection, fast, 60_000, now()).count
    told = several.run("status").out
    assert re.search(
        r"^ relay eu   quota used up \(50,000/day\): waits until \d\d \w{3} \d\d:\d\d UTC$",
        told,
        re.MULTILINE,
    )
    eu_now, us_now = several.run("status", "--json").data["relays"]
    assert eu_now["quota_until"] is not None
    assert us_now["quota_until"] is None


def test_status_says_when_a_mailing_ends_while_it_is_sent(peopled: News) -> None:
    """By the rate of its relay, and only while somebody delivers."""
    with FaultServer() as server:
        peopled.relay(server.port, relay_rate="1/min")
        sending = peopled.start("send", "winter", "--yes")
        while not server.messages:
            time.sleep(0.01)
        told = peopled.run("status").out
        sending.kill()
        sending.communicate()
    assert re.search(r"winter → weekly   sending   \d/8   ends ", told), told
    assert "ends" not in peopled.run("status").out


def test_relays_are_listed_before_there_is_a_ledger(news: News) -> None:
    done = news.run("relays")
    assert (0, True) == (done.code, "ok · 10 connections" in done.out)
    assert not (news.folder / "subscribers" / "mailer.db").exists()


def test_a_relay_without_its_refresh_token_is_not_ready(peopled: News) -> None:
    """E306 would be what a mailing meets; it is seen before."""
    peopled.relay(25, relay_token_url="https://login.example.org/token", relay_client_id="client")
    peopled.environ["MAILER_RELAY_URL"] = "smtp://me@127.0.0.1:25"
    done = peopled.run("relays")
    assert "not ready: no refresh token is configured · " in done.out
    assert "not ready" == peopled.run("relays", "list", "--json").data["relays"][0]["state"]
    sent = peopled.run("send", "winter", "--yes")
    assert (4, True) == (sent.code, "✖ E306 There is no refresh token" in sent.err), sent
    assert "→ set MAILER_RELAY_REFRESH_TOKEN" in sent.err
    assert "relay 127.0.0.1:25   not ready: " in peopled.run("status").out


def test_an_operator_overrules_a_rate_and_takes_it_back(several: News) -> None:
    done = several.run("relays", "rate", "eu", "5/s")
    assert (0, True) == (done.code, "5/s by an operator" in done.out)
    with several.ledger() as ledger, ledger.write() as connection:
        assert 200_000 == pacing.grant(connection, several.config.relays[0], 1, now()).gap
    done = several.run("relays", "rate", "eu", "--reset", "--json")
    assert ("mailer.relays/1", 14.0, "") == (
        done.data["schema"],
        done.data["relays"][0]["rate"],
        done.data["relays"][0]["override"],
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("eu1", "5/s"), 9, "did you mean eu?"),
        (("paris", "5/s"), 9, "Relays: eu, us"),
        (("eu", "5"), 2, "must look like 14/s"),
        (("eu",), 2, "--reset"),
        (("eu", "5/s", "--reset"), 2, "one of them"),
    ],
)
def test_what_is_no_relay_or_no_rate_is_refused(
    several: News, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = several.run("relays", "rate", *arguments)
    assert (code, True) == (done.code, words in done.err), done


# --- the dry run ---------------------------------------------------------------------------------


def test_a_dry_run_shows_relays_quota_and_the_end_that_they_allow(several: News) -> None:
    """Interface §2.4."""
    done = several.run("send", "winter", "--dry-run", "--at", "2099-11-26 09:00")
    assert " Relay     eu (no encryption, 10 connections, 14/s, 50,000/day, 0 used)\n" in done.out
    assert "           us (no encryption, 10 connections)\n" in done.out
    assert " Quota     eu fits today (50,000 left)\n" in done.out
    assert " Duration  about 1 s, ends 09:00\n" in done.out
    several.configure("")
    path = several.folder / "mailer.toml"
    path.write_text(path.read_text().replace("50000/day", "2/day"))
    done = several.run("send", "winter", "--dry-run", "--at", "2099-11-26 09:00")
    assert " Quota     eu 2 of 2/day left: the others follow as it allows\n" in done.out
    assert " Duration  about 1 d (daily limit), ends Fri 09:00\n" in done.out
    data = several.run("send", "winter", "--dry-run", "--json").data
    assert ["eu", "us"] == [one["name"] for one in data["relays"]]
    assert 86_400 <= data["duration"] < 86_402
