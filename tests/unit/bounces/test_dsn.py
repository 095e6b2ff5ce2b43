from __future__ import annotations

import base64
import time

import pytest

from mailer.bounces.dsn import EVIDENCE_OCTETS, parse
from mailer.compose.links import Keyring
from mailer.model import Bounce, BounceClass, MailingId
from tests.samples.messages import KEYRING, OLD_KEY, STRANGE_KEY
from tests.samples.reports import (
    CHALLENGE,
    DELIVERY,
    EXCHANGE,
    EXIM,
    NO_SUCH_USER,
    QMAIL,
    READ_RECEIPT,
    SENT,
    VACATION,
    VERP,
    entry,
    postfix,
)

NOBODY = "bounces@example.org"


def read(report: str | bytes, recipient: str = VERP) -> list[Bounce] | None:
    raw = report.encode() if isinstance(report, str) else report
    return parse(raw, envelope_recipient=recipient, keyring=KEYRING)


def one(report: str | bytes, recipient: str = VERP) -> Bounce:
    found = read(report, recipient)
    assert found is not None
    assert len(found) == 1
    return found[0]


def whose(report: str, recipient: str = NOBODY) -> tuple[MailingId | None, int | None]:
    bounce = one(report, recipient)
    return bounce.mailing, bounce.seq


def anonymous(**changes: str) -> str:
    """A Postfix report in which no token of ours stands."""
    return postfix(**{"to": NOBODY, "envelope_id": "", "returned": "Subject: x"} | changes)


def verp(seq: int, ring: Keyring = KEYRING) -> str:
    token = ring.delivery_token("verp", mailing=MailingId(42), seq=seq, key_id=ring.newest_id)
    return f"b-{token}@bounces.example.org"


# --- what the servers write (case 55) ------------------------------------------------------------


def test_a_report_of_postfix() -> None:
    """B-3, case 55."""
    bounce = one(postfix())
    assert (bounce.action, bounce.status, bounce.recipient) == (
        "failed",
        "5.1.1",
        "ann@example.net",
    )
    assert bounce.diagnostic == (
        "550 5.1.1 <ann@example.net>: Recipient address rejected: User unknown in virtual"
        " mailbox table"
    )
    assert bounce.bounce_class is BounceClass.HARD_ADDRESS
    assert (bounce.mailing, bounce.seq) == DELIVERY


def test_a_report_of_exim() -> None:
    """B-3, case 55: its status says nothing, its words do."""
    bounce = one(EXIM)
    assert (bounce.status, bounce.diagnostic) == ("5.0.0", "550 no such user here")
    assert bounce.bounce_class is BounceClass.HARD_ADDRESS


def test_a_report_of_exchange() -> None:
    """B-3, V-1, case 59: a nested alternative, and the token in capitals."""
    bounce = one(EXCHANGE, recipient="")
    assert (bounce.status, bounce.recipient) == ("5.1.10", "ann@example.net")
    assert bounce.diagnostic.startswith("550 5.1.10 RESOLVER.ADR.RecipientNotFound")
    assert bounce.bounce_class is BounceClass.HARD_ADDRESS
    assert (bounce.mailing, bounce.seq) == DELIVERY


def test_a_notice_of_qmail_is_no_rfc_3464_report() -> None:
    """Case 55: nothing is guessed from words alone (B-7)."""
    assert read(QMAIL) is None


@pytest.mark.parametrize("report", [postfix(), EXIM, EXCHANGE], ids=["postfix", "exim", "exchange"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_line_ends_make_no_difference(report: str, end: str) -> None:
    """B-6, case 55."""
    found, expected = one(report.replace("\n", end)), one(report)
    assert (found.status, found.diagnostic, found.recipient, found.seq) == (
        expected.status,
        expected.diagnostic,
        expected.recipient,
        expected.seq,
    )


# --- tolerance (B-3) -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "outer",
    ["multipart/mixed", "multipart/report", "Multipart/Report; Report-Type=Feedback-Report"],
)
def test_the_outer_type_does_not_matter(outer: str) -> None:
    """B-3."""
    assert one(postfix(outer=outer)).status == "5.1.1"


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("rfc822; ann@example.net", "ann@example.net"),
        ("rfc822;<ann@example.net>", "ann@example.net"),
        ("ann@example.net", "ann@example.net"),
        ("RFC822 ; ann@example.net (Ann)", "ann@example.net"),
        ("utf-8; jörg@example.net", "jörg@example.net"),
        ("rfc822; ann@example.net\x00", r"ann@example.net\x00"),
    ],
)
def test_addresses_in_every_dress(given: str, address: str) -> None:
    """B-3: comment, missing type, angle brackets, utf-8."""
    report = entry(final_recipient=given, action="failed", status="5.1.1")
    assert one(postfix(report)).recipient == address


def test_the_address_that_we_gave_is_named_before_that_of_the_last_hop() -> None:
    """B-3: ORCPT comes back as Original-Recipient (B-1)."""
    report = entry(
        original_recipient="rfc822; ann@example.net",
        final_recipient="rfc822; a.mueller@internal.example",
        action="failed",
        status="5.1.1",
    )
    assert one(postfix(report)).recipient == "ann@example.net"


@pytest.mark.parametrize(
    ("action", "status", "expected"),
    [
        ("failed", "5.1.1", "failed"),
        ("Failed (permanent)", "5.1.1", "failed"),
        ("error", "5.1.1", "failed"),  # OpenSMTPD
        ("delayed", "4.4.1", "delayed"),
        ("delivered", "2.0.0", "delivered"),
        ("relayed", "2.0.0", "relayed"),
        ("expanded", "2.0.0", "expanded"),
        ("", "5.1.1", "failed"),
        ("", "4.4.1", "delayed"),
        ("perhaps", "2.0.0", "delivered"),
        ("perhaps", "", "failed"),
    ],
)
def test_actions(action: str, status: str, expected: str) -> None:
    """B-3: a missing or unknown one follows from the status."""
    report = entry(final_recipient="rfc822; a@b.org", action=action, status=status)
    assert one(postfix(report)).action == expected


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_only_a_failure_has_a_class(action: str) -> None:
    """B-3, case 58: a delay or a delivery receipt suppresses nobody."""
    report = entry(final_recipient="rfc822; a@b.org", action=action, status="5.1.1")
    assert one(postfix(report)).bounce_class is None


@pytest.mark.parametrize(
    ("status", "diagnostic", "expected"),
    [
        ("5.1.1 (bad mailbox)", "", "5.1.1"),
        ("", "smtp; 550 5.2.2 full", "5.2.2"),
        ("", "smtp; 550-5.7.26 no", "5.7.26"),
        ("nonsense", "x", ""),
        ("15.1.1.7", "smtp; 192.5.1.1 said no", ""),
    ],
)
def test_the_status_is_taken_from_its_field_or_from_the_words(
    status: str, diagnostic: str, expected: str
) -> None:
    """B-3."""
    report = entry(
        final_recipient="rfc822; a@b.org",
        action="failed",
        status=status,
        diagnostic_code=diagnostic,
    )
    assert one(postfix(report)).status == expected


def test_a_status_part_may_be_encoded() -> None:
    status = base64.encodebytes(f"Reporting-MTA: dns; x\n\n{NO_SUCH_USER}".encode()).decode()
    report = (
        f"To: {VERP}\nContent-Type: multipart/report; boundary=b\n\n--b\n"
        "Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n"
        f"{status}\n--b--\n"
    )
    assert one(report).status == "5.1.1"


def test_a_group_about_the_message_may_be_missing_and_blank_lines_doubled() -> None:
    report = (
        f"To: {VERP}\nContent-Type: multipart/report; boundary=b\n\n--b\n"
        f"Content-Type: message/global-delivery-status\n\n\n\n{NO_SUCH_USER}\n \n\n{NO_SUCH_USER}"
    )
    assert [bounce.status for bounce in read(report) or []] == ["5.1.1", "5.1.1"]


def test_one_report_for_three_recipients() -> None:
    """Case 59."""
    entries = [
        entry(final_recipient=f"rfc822; {name}@example.net", action="failed", status=status)
        for name, status in (("ann", "5.1.1"), ("bob", "5.2.2"), ("cem", "4.4.7"))
    ]
    found = read(postfix(*entries))
    assert found is not None
    assert [(bounce.recipient, bounce.status) for bounce in found] == [
        ("ann@example.net", "5.1.1"),
        ("bob@example.net", "5.2.2"),
        ("cem@example.net", "4.4.7"),
    ]


def test_a_report_within_a_forwarded_message_is_found() -> None:
    """B-3: every status part in the tree."""
    forwarded = f"To: {VERP}\nContent-Type: message/rfc822\n\n{anonymous()}"
    assert one(forwarded).status == "5.1.1"


# --- identity (B-2, V-3) -------------------------------------------------------------------------


def test_the_envelope_recipient_comes_first() -> None:
    """B-2, V-3: five places that disagree."""
    more = f"Delivered-To: {verp(2)}\nX-Original-To: {verp(3)}\nEnvelope-To: {verp(4)}\n"
    report = postfix(to=verp(5), more=more)
    assert whose(report, verp(1)) == (42, 1)
    assert whose(report, NOBODY) == (42, 2)
    assert whose(report.replace(verp(2), NOBODY)) == (42, 3)
    assert whose(report.replace(verp(2), NOBODY).replace(verp(3), NOBODY)) == (42, 4)
    assert whose(anonymous(to=verp(5))) == (42, 5)


@pytest.mark.parametrize("name", ["Delivered-To", "X-Original-To", "Envelope-To"])
def test_each_place_alone_identifies(name: str) -> None:
    """V-3."""
    assert whose(anonymous(more=f"{name}: {verp(7)}\n")) == (42, 7)


@pytest.mark.parametrize("to", ["<{}>", '"Bounces" <{}>', "x@example.org, {}", "{} (us)"])
def test_the_address_may_be_dressed_up(to: str) -> None:
    """V-3, V-1: in capitals too."""
    assert whose(anonymous(to=to.format(verp(7)))) == (42, 7)
    assert whose(anonymous(to=to.format(verp(7).upper()))) == (42, 7)


def test_then_comes_our_envelope_id() -> None:
    """B-2, B-1."""
    assert whose(anonymous(envelope_id=SENT.envelope_id)) == DELIVERY
    assert whose(anonymous(envelope_id=f"<{SENT.envelope_id.upper()}>")) == DELIVERY


def test_then_comes_our_message_id_in_the_returned_part() -> None:
    """B-2: it carries our MAC."""
    assert whose(anonymous(returned=f"Message-ID: {SENT.message_id}")) == DELIVERY
    assert whose(EXIM.replace(VERP, NOBODY)) == DELIVERY


def test_tokens_of_a_rotated_key_identify() -> None:
    """Decisions 9, case 59: a report 40 days late."""
    assert whose(anonymous(to=verp(7, Keyring((OLD_KEY,))))) == (42, 7)


@pytest.mark.parametrize(
    "report",
    [
        anonymous(to=verp(7, Keyring((STRANGE_KEY,)))),
        anonymous(to=verp(7)[:-25] + "aa" + verp(7)[-23:]),
        anonymous(to=f"x{verp(7)}"),
        anonymous(to=f"x.{verp(7)}"),
        anonymous(envelope_id=verp(7)[2:33]),  # the right delivery, the wrong purpose
        anonymous(envelope_id="m42.9"),
        anonymous(returned=f"Message-ID: <{SENT.envelope_id}@example.org>"),
        anonymous(returned=f"References: {SENT.message_id}"),
        anonymous(returned="Message-ID: <1@example.org>"),
    ],
)
def test_what_we_did_not_sign_identifies_nobody(report: str) -> None:
    """B-2, case 57: a forged report is evidence, and marks nobody."""
    assert whose(report) == (None, None)
    assert one(report, NOBODY).recipient == "ann@example.net"


# --- what is no bounce (B-7, B-8) ----------------------------------------------------------------


@pytest.mark.parametrize(
    "mail",
    [VACATION, READ_RECEIPT, CHALLENGE, SENT.content.decode(), "", "\n", "Subject: hello\n\nhello"],
    ids=["vacation", "read receipt", "challenge", "our own mail", "empty", "blank", "ordinary"],
)
def test_other_mail_is_no_bounce(mail: str) -> None:
    """B-7, case 58: whatever its subject says."""
    assert read(mail) is None


def test_our_own_mail_that_loops_back_is_no_bounce() -> None:
    """B-7: a List-Id or a Message-ID of ours at the top."""
    assert read(postfix(more="List-Id: <x.example.org>\n")) is None
    looped = postfix().replace("<20261126080001.4XyZ@relay.example.org>", SENT.message_id)
    assert read(looped) is None


def test_an_automatic_reply_that_quotes_a_report_is_no_bounce() -> None:
    """B-7, case 61."""
    reply = f"To: {VERP}\nAuto-Submitted: auto-replied\nContent-Type: message/rfc822\n\n{postfix()}"
    assert read(reply) is None
    assert read(reply.replace("Auto-Submitted: auto-replied", "X-Autoreply: 1")) is None


def test_a_report_from_a_normal_sender_needs_our_token_in_its_address() -> None:
    """B-8: bounces come from the empty sender."""
    normal = "Return-Path: <eve@example.com>"
    assert read(postfix().replace("Return-Path: <>", normal), VERP) is not None
    assert (
        read(anonymous(envelope_id=SENT.envelope_id).replace("Return-Path: <>", normal), "") is None
    )


# --- evidence and limits (B-6, B-23) -------------------------------------------------------------


def test_the_evidence_is_the_beginning_of_the_report() -> None:
    """B-23: at most 2 KB, nothing that a database or a terminal would choke on."""
    bounce = one(postfix(more="X-Odd: a\x00\x1b[31m\n" + "X-Long: é\n" * 500))
    assert bounce.evidence.startswith("Return-Path: <>\nReceived: by relay.example.org")
    assert r"X-Odd: a\x00\x1b[31m" in bounce.evidence
    assert len(bounce.evidence) <= EVIDENCE_OCTETS


def test_the_words_of_the_server_are_bounded_and_printable() -> None:
    """S-2."""
    report = entry(
        final_recipient="rfc822; a@b.org",
        action="failed",
        status="5.0.0",
        diagnostic_code="smtp; 550 \x07" + "é" * 5000,
    )
    diagnostic = one(postfix(report)).diagnostic
    assert diagnostic.startswith(r"550 \x07éé")
    assert len(diagnostic) <= 1024


NESTED = "Content-Type: multipart/mixed; boundary=b\n\n--b\n" * 3000
ROUND = "Content-Type: message/rfc822\n\n" * 3000
MANY = "Final-Recipient: rfc822; a@b.org\nAction: failed\nStatus: 5.1.1\n\n" * 20_000


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 10_000,
        bytes(range(256)) * 100,
        NESTED.encode(),
        ROUND.encode(),
        b"X: " + b"a" * 2_000_000,
        b"X: a\n" * 400_000,
        b"Content-Type: multipart/report; boundary=" + b"b" * 100_000 + b"\n\n--b",
        b"Content-Type: multipart/report; boundary=\n\n--\n--\n",
        b'Content-Type: multipart/report; boundary="' + b'\\"' * 50_000 + b"\n\n",
        b"Content-Type: multipart/report; boundary=b\n\n" + b"--b\n" * 200_000,
        b"Content-Type: message/delivery-status; charset=klingon\n\nStatus: x\n",
        b"Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n=A=\n",
        b"Content-Type: message/delivery-status\n\n" + b"a@b.org\n" * 125_000,
        b"Content-Type: message/delivery-status\n\n" + b"\n" * 900_000,
    ],
)
def test_no_octets_make_it_raise_or_tarry(raw: bytes) -> None:
    """B-6, X-17, case 56: unrecognised, in less than 5 s."""
    start = time.perf_counter()
    assert not read(raw)
    assert time.perf_counter() - start < 5


def test_a_report_with_very_many_recipients_is_cut() -> None:
    """B-6, case 56."""
    start = time.perf_counter()
    found = read(f"To: {VERP}\nContent-Type: message/delivery-status\n\n{MANY}")
    assert len(found or []) == 500
    assert time.perf_counter() - start < 5
