"""Mailings through a real Postfix: accepted with its queue id, and delivered as they were composed.

This Postfix ends a session that pipelines what it must not (`smtpd_forbid_unauth_pipelining`).
"""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

from sqlalchemy import select

from mailer.ledger.schema import delivery
from mailer.model import MailingState
from tests.samples.newsletter import ISSUE, ended
from tests.samples.recomposed import recomposed
from tests.wire.postfix import queue_id

if TYPE_CHECKING:
    from email.message import EmailMessage

    from tests.samples.newsletter import News
    from tests.wire.fault_server import Received
    from tests.wire.postfix import Postfix

MANY = 300
URL_LENGTH = 700  # the longest that may be configured
RCPT = re.compile(rb"RCPT TO:<([^>]*)>(.*)")
# The trace field that Postfix puts on top (R5321 §4.4), and nothing else.
RECEIVED = re.compile(rb"Received: from .*\r\n(?:[ \t].*\r\n)*")


def address_of(one: Received) -> str:
    found = RCPT.match(one.rcpt)
    assert found, one.rcpt
    return found[1].decode()


def as_composed(one: Received) -> bytes:
    """The content below the trace field of Postfix."""
    trace = RECEIVED.match(one.content)
    assert trace, one.content[:200]
    return one.content[trace.end() :]


def replies(news: News) -> dict[str, str]:
    """Address -> what the relay said last, as the ledger has it."""
    with news.ledger() as ledger, ledger.read() as connection:
        return {row.email: row.reply for row in connection.execute(select(delivery))}


def parsed(content: bytes) -> EmailMessage:
    """The mail as the standard library reads it; fails if it finds anything odd."""
    mail = message_from_bytes(content, policy=policy.default)
    assert [] == [defect for part in mail.walk() for defect in part.defects]
    return mail


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_some_hundred_are_accepted_and_arrive_octet_for_octet(postfix: Postfix, news: News) -> None:
    """S-20, S-13, M-1, M-5: the ledger has Postfix's queue ids; only its trace field is added."""
    names = [("Ann", "Jérôme", "Žofie 🎄", ".", "From me")[number % 5] for number in range(MANY)]
    people = [f"person{number}@d{number % 7}.test" for number in range(MANY)]
    news.people(*map(",".join, zip(people, names, strict=True)), header="email,name")
    news.relay(postfix.port, connections="4")
    logged = len(postfix.log)
    done = ended(news.start("send", "winter", "--yes"))
    assert 0 == done.code, done
    assert "improper command pipelining" not in postfix.log[logged:]
    (sent,) = news.mailings()
    assert (MailingState.SENT, MANY, 0, 0) == (
        sent.state,
        sent.counts["accepted"],
        sent.deferred,
        sent.ever_in_doubt,
    )
    everything = postfix.settled()
    arrived = {address_of(one): one for one in everything}
    assert MANY == len(everything)
    assert set(people) == set(arrived)
    composed, said = recomposed(news), replies(news)
    for address, name in zip(people, names, strict=True):
        one = arrived[address]
        assert composed[address].content == as_composed(one)
        assert f"250 2.0.0 Ok: queued as {queue_id(one)}" == said[address]
        mail = parsed(one.content)
        assert (address, "Winter opening hours") == (mail["To"], mail["Subject"])
        assert f"Dear {name}, from Monday on we open at ten." in " ".join(text_of(mail).split())
        assert f"Dear {name}, from Monday on" in text_of(mail, "html")


def test_postfix_understands_every_parameter_and_hands_it_on(postfix: Postfix, news: News) -> None:
    """B-1, M-30, M-3: SIZE and BODY as the message is; ENVID, RET, NOTIFY and ORCPT arrive."""
    news.people("o'brien+news@a.test")
    news.relay(postfix.talkative)
    assert 0 == ended(news.start("send", "winter", "--yes")).code
    (one,) = postfix.settled()
    (message,) = recomposed(news).values()
    told = re.findall(r" < unknown\[127\.0\.0\.1\]: (.*)", postfix.log)
    size, envid = len(message.content), message.envelope_id
    envelope = [
        f"MAIL FROM:<{message.mail_from}> SIZE={size} BODY=7BIT RET=HDRS ENVID={envid}",
        "RCPT TO:<o'brien+news@a.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;o'brien+2Bnews@a.test",
        "DATA",
        "QUIT",
    ]
    assert envelope == told[-4:]
    assert one.mail.startswith(f"MAIL FROM:<{message.mail_from}> ".encode())
    assert {b"RET=HDRS", f"ENVID={envid}".encode()} <= set(one.mail.split())
    expected = {b"NOTIFY=FAILURE,DELAY", b"ORCPT=rfc822;o'brien+2Bnews@a.test"}
    assert expected == set(one.rcpt.split()[2:])


def test_postfix_refolds_no_header_line(postfix: Postfix, news: News) -> None:
    """M-2, M-9, M-10: the longest List-Unsubscribe that is allowed arrives on its one line."""
    base = "https://news.example.org/".ljust(URL_LENGTH, "a")
    subject = "Öffnungszeiten im Winter ❄️ " + "und noch viel mehr davon 🎄" * 4
    news.issue(ISSUE.replace("Winter opening hours\n", f"{subject}\n", 1))
    news.people("ann@a.test")
    news.relay(
        postfix.port,
        newsletter_url=base,
        newsletter_from='"Die Wöchentliche, mit einem sehr langen Namen" <weekly@example.org>',
        newsletter_reply_to='"Ann, Q." <hello@example.org>',
    )
    done = ended(news.start("send", "winter", "--yes"))
    assert 0 == done.code, done
    (one,) = postfix.settled()
    (message,) = recomposed(news).values()
    block, wanted = (
        content.partition(b"\r\n\r\n")[0].split(b"\r\n")
        for content in (as_composed(one), message.content)
    )
    assert wanted == block
    (link,) = [line for line in block if line.lower().startswith(b"list-unsubscribe:")]
    assert re.fullmatch(rb"List-Unsubscribe: <https://[!-~]{692}/u/[!-~]{60}>", link)
    assert len(link) == max(map(len, one.content.split(b"\r\n")))
    mail = parsed(one.content)
    assert subject == mail["Subject"]
    assert f"<{base}/u/" == mail["List-Unsubscribe"][: len(base) + 4]


def test_a_message_over_postfixs_size_is_refused_once_for_the_mailing(
    postfix: Postfix, news: News
) -> None:
    """M-30, cases 16 and 37: Postfix offers SIZE 2000; nobody is marked, nothing is sent."""
    news.people(*(f"person{number}@a.test" for number in range(20)))
    news.relay(postfix.small)
    done = ended(news.start("send", "winter", "--yes"))
    assert 6 == done.code
    assert "E313" in done.err
    (one,) = news.mailings()
    assert (MailingState.PAUSED, 20) == (one.state, one.counts["queued"])
    assert [] == postfix.settled()


def test_an_address_in_utf8_is_taken_as_it_is(postfix: Postfix, news: News) -> None:
    """M-13, R6531: Postfix offers SMTPUTF8, and reads ORCPT as R6533 has it."""
    news.people("jörg+a=b@exämple.test", "ann@d1.test")
    news.relay(postfix.port)
    logged = len(postfix.log)
    done = ended(news.start("send", "winter", "--yes"))
    assert 0 == done.code, done
    assert {True} == {
        reply.startswith("250 2.0.0 Ok: queued as") for reply in replies(news).values()
    }
    postfix.settled()
    assert "to=<jörg+a=b@xn--exmple-cua.test>" in postfix.log[logged:]
