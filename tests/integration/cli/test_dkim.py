"""`mailer dkim`, and mailings that are signed here: from the key to what a relay gets."""

from __future__ import annotations

import json
import re
import stat
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from mailer.compose.signingkeys import strings
from mailer.delivery.signing import signer_of
from mailer.ledger import freezing
from mailer.ledger.schema import revision
from mailer.model import MailingId, MailingState
from tests.samples.recomposed import recomposed
from tests.samples.signing import pem, signatures, valid
from tests.wire.fault_server import FaultServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.samples.newsletter import News


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as relay:
        yield relay


def make_key(news: News, *options: str) -> dict[str, str]:
    """Make a key and configure it as the program says; what the DNS would say then."""
    done = news.run("--json", "dkim", "keygen", *options)
    assert 0 == done.code, done
    news.configure(done.data["config"].replace("# among [dkim.keys]", ""))
    return {record["name"]: record["value"] for record in done.data["records"]}


# --- keys ----------------------------------------------------------------------------------------


def test_a_key_is_made_for_its_owner_alone_and_kept_out_of_git(news: News) -> None:
    """X-18."""
    make_key(news, "--selector", "m1")
    file = news.folder / "dkim" / "m1.pem"
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert "*\n" == (file.parent / ".gitignore").read_text()
    assert "PRIVATE KEY" in file.read_text()


def test_a_key_is_never_overwritten(news: News) -> None:
    make_key(news, "--selector", "m1")
    before = (news.folder / "dkim" / "m1.pem").read_bytes()
    done = news.run("dkim", "keygen", "--selector", "m1")
    assert (2, True) == (done.code, "E014" in done.err)
    assert before == (news.folder / "dkim" / "m1.pem").read_bytes()


def test_the_record_is_ready_for_a_zone(news: News) -> None:
    """RFC 1035 §3.3: in strings of at most 255 octets; talk goes to standard error."""
    done = news.run("dkim", "keygen", "--selector", "m1", "--out", str(news.folder / "k.pem"))
    record, lines = done.out.split("\n\n")
    name, text = re.fullmatch(r"(\S+) IN TXT \( (.*) \)", record, re.DOTALL).groups()  # type: ignore[union-attr]
    assert "m1._domainkey.example.org." == name
    quoted = re.findall(r'"([^"]*)"', text)
    assert [255, len("".join(quoted)) - 255] == [len(one) for one in quoted]
    assert '[dkim.keys]\nm1 = "k.pem"\n' == lines
    assert "Never commit it" in done.err
    news.configure(lines)
    shown = news.run("--json", "dkim", "show").data["records"]
    assert [strings("".join(quoted))] == [one["strings"] for one in shown]
    assert f"{record}\n" == news.run("dkim", "show").out


def test_the_default_selector_is_of_the_month_and_kind(news: News) -> None:
    made = make_key(news) | make_key(news, "--type", "ed25519")
    selectors = [name.partition(".")[0] for name in made]
    assert all(re.fullmatch(r"[me]2\d{3}(0[1-9]|1[0-2])", one) for one in selectors)
    assert ["rsa", "ed25519"] == [re.findall(r"k=(\w+)", value)[0] for value in made.values()]


def test_a_domain_of_its_own_is_configured_with_the_key(news: News) -> None:
    made = make_key(news, "--selector", "a.b", "--domain", "News.Example.org")
    assert ["a.b._domainkey.news.example.org"] == list(made)
    assert ("news.example.org", ["a.b"]) == (news.config.dkim.domain, list(news.config.dkim.keys))


@pytest.mark.parametrize(
    ("option", "value"), [("--selector", "a b"), ("--domain", "a b"), ("--type", "dsa")]
)
def test_what_no_name_can_be_is_a_usage_error(news: News, option: str, value: str) -> None:
    assert 2 == news.run("dkim", "keygen", option, value).code
    assert not (news.folder / "dkim").exists()


def test_show_without_a_key_says_who_must_sign(news: News) -> None:
    done = news.run("dkim", "show")
    assert (0, "") == (done.code, done.out)
    assert "the relay must sign" in done.err


# --- mail ----------------------------------------------------------------------------------------


def test_everything_that_leaves_is_signed_with_the_same_bytes(
    news: News, server: FaultServer
) -> None:
    """L-4, decisions 2: a mailing, test copies, and what is shown of both."""
    known = make_key(news) | make_key(news, "--type", "ed25519")
    news.people("ann@a.test,Ann", "bea@b.test,Žofie", header="email,name")
    news.relay(server.port)
    dry = news.run("send", "winter", "--dry-run")
    month = next(iter(known)).partition(".")[0][1:]
    assert f" Signed    example.org (rsa m{month}, ed25519 e{month})\n" in dry.out
    sample = (news.folder / "out" / "2026-11-20-winter" / "sample-1.eml").read_bytes()
    assert [True, True] == valid(sample, known)
    assert f"{len(sample) / 1000:.1f} KB on the wire" in dry.out
    assert 0 == news.run("render", "winter", "--as", "ann@a.test").code
    rendered = (news.folder / "out" / "2026-11-20-winter" / "2026-11-20-winter.eml").read_bytes()
    assert [True, True] == valid(rendered, known)
    assert 0 == news.run("send", "winter", "--to", "me@c.test").code
    assert 0 == news.run("send", "winter", "--yes").code
    sent = [one.content for one in server.messages]
    assert [[True, True]] * 3 == [valid(one, known) for one in sent]
    assert {one.content for one in recomposed(news).values()} == set(sent[1:])


def test_an_issue_can_be_checked_where_the_key_is_not(news: News) -> None:
    """A key stays on the machine that sends; what would be frozen needs it."""
    make_key(news, "--selector", "m1")
    (news.folder / "dkim" / "m1.pem").unlink()
    assert 0 == news.run("check", "winter", "--offline").code
    news.people("ann@a.test")
    done = news.run("send", "winter", "--dry-run")
    assert (4, True) == (done.code, "E435" in done.err)


def test_without_a_key_the_panel_says_that_the_relay_must_sign(news: News) -> None:
    news.people("ann@a.test")
    done = news.run("send", "winter", "--dry-run")
    assert " Signed    not signed here: the relay must\n" in done.out
    assert news.run("--json", "send", "winter", "--dry-run").data["signed"] is None


def test_the_panel_warns_of_keys_that_not_everybody_can_use(news: News) -> None:
    """D-3, RFC 8463 §5."""
    make_key(news, "--selector", "e1", "--type", "ed25519")
    news.people("ann@a.test")
    said = " Signed    example.org (ed25519 e1); who knows only RSA sees no signature\n"
    assert said in news.run("send", "winter", "--dry-run").out
    file = news.folder / "dkim" / "m1.pem"
    file.touch(0o600)
    file.write_bytes(pem("rsa1024", 0))
    news.configure('m1 = "dkim/m1.pem"')
    said = " Signed    example.org (ed25519 e1, rsa m1 of only 1024 bits)\n"
    assert said in news.run("send", "winter", "--dry-run").out


def test_a_domain_that_is_not_aligned_sends_nothing(news: News, server: FaultServer) -> None:
    """D-5."""
    make_key(news, "--selector", "m1", "--domain", "example.com")
    news.people("ann@a.test")
    news.relay(server.port)
    done = news.run("send", "winter", "--yes")
    assert (4, True) == (done.code, "E436" in done.err)
    assert [] == server.messages
    assert [] == news.mailings()


def test_a_key_that_left_pauses_its_mailing_until_it_is_back(
    news: News, server: FaultServer
) -> None:
    """Decisions 2: nobody is marked; with the key the mailing goes on as it was frozen."""
    toml = news.folder / "mailer.toml"
    without = toml.read_text()
    known = make_key(news, "--selector", "old")
    with_key = toml.read_text()
    news.people("ann@a.test", "bea@b.test")
    news.relay(server.port)
    assert 0 == news.run("send", "winter", "--yes", "--at", "in 2h").code
    toml.write_text(without)
    news.start_now()
    news.run("send", "--due")
    (one,) = news.mailings()
    assert (MailingState.PAUSED, 2) == (one.state, one.counts["queued"])
    assert "E437 The DKIM key old that signs this mailing is not configured" in one.reason
    assert [] == server.messages
    toml.write_text(with_key)
    assert 0 == news.run("resume", "m1").code
    assert 0 == news.run("send", "--due").code
    assert [[True]] * 2 == [valid(one.content, known) for one in server.messages]


def test_a_mailing_of_before_there_were_signatures_goes_on_unsigned(
    news: News, server: FaultServer
) -> None:
    """Revisions without these fields load; a key that is configured since does not sign them."""
    news.people("ann@a.test")
    news.relay(server.port)
    assert 0 == news.run("send", "winter", "--yes", "--at", "in 2h").code
    with news.ledger() as ledger, ledger.write() as connection:
        stored = json.loads(connection.scalars(select(revision.c.headers)).one())
        for name in ("signing_domain", "signing_keys"):
            del stored[name]
        connection.execute(update(revision).values(headers=json.dumps(stored)))
        loaded, _ = freezing.load_revision(connection, MailingId(1), 1)
    assert ("", ()) == (loaded.signing_domain, loaded.signing_keys)
    make_key(news)
    assert signer_of(news.config)
    news.start_now()
    assert 0 == news.run("send", "--due").code
    assert [[]] == [signatures(one.content) for one in server.messages]
