"""Nothing that people write can end a message early and begin another (X-9, case 9).

Postfix took bare line feeds for line ends until `smtpd_forbid_bare_newline` came; some relays still
do. One listener of the Postfix here is of either kind.
"""

from __future__ import annotations

import json
import re
import smtplib
import socket
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from mailer.ledger.schema import subscriber
from tests.samples.newsletter import ended

if TYPE_CHECKING:
    from tests.samples.newsletter import News
    from tests.wire.postfix import Postfix

ENDS = ("\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r\n")
LINES = (
    "MAIL FROM:<mallory@x.test>",
    "RCPT TO:<victim@x.test>",
    "DATA",
    "Subject: two",
    "",
    "smuggled",
    ".",
    "QUIT",
)
SMUGGLED = [f"before{end}{line.join(LINES)}" for end in ENDS for line in ("\r\n", "\n")]
SUBJECT = "Hello\\r\\n.\\r\\nMAIL FROM:<mallory@x.test> RCPT TO:<victim@x.test> DATA . QUIT"
HEAD = f"""---
subject: '{SUBJECT}'
preheader: Nothing but one mail
---

# One mail

Dear {{{{ subscriber.name }}}} of {{{{ subscriber.city }}}},

"""
PEOPLE = [f"person{number}@a.test" for number in range(len(SMUGGLED))]


@pytest.mark.parametrize("end", ENDS[:5], ids=ascii)
@pytest.mark.parametrize("listener", ["port", "lax"])
def test_a_client_that_passes_bare_line_ends_on_would_be_split(
    postfix: Postfix, listener: str, end: str
) -> None:
    """The trap bites: three of five sequences make two mails of one where bare LF is taken."""
    with smtplib.SMTP("127.0.0.1", getattr(postfix, listener), timeout=20) as client:
        client.ehlo()
        for command in ("MAIL FROM:<a@x.test>", "RCPT TO:<b@x.test>", "DATA"):
            client.docmd(command)
        assert isinstance(client.sock, socket.socket)
        body = f"Subject: one\r\n\r\nbefore{end}" + "\r\n".join((*LINES, ""))
        client.sock.sendall(body.encode())
        client.sock.shutdown(socket.SHUT_WR)
        while client.sock.recv(4096):
            pass
        client.close()
    splits = listener == "lax" and end in {"\n.\n", "\n.\r\n", "\r\n.\n"}
    assert ["b@x.test", *(["victim@x.test"] if splits else [])] == recipients(postfix)


def recipients(postfix: Postfix) -> list[str]:
    """Who got something, in order of address."""
    return sorted(re.findall("<(.*?)>", one.rcpt.decode())[0] for one in postfix.settled())


def words(text: str) -> str:
    """The text with one space wherever it has white space."""
    return " ".join(text.split())


def write_everywhere(news: News) -> None:
    """Put it into the Markdown, and past the import's checks into names and attributes."""
    fenced = "".join(f"```\n{text}\n```\n\n{text}\n\n" for text in SMUGGLED)
    news.issue().write_bytes(f"{HEAD}{fenced}".encode())
    news.people(*(f"{address},Ann,Bonn" for address in PEOPLE), header="email,name,city")
    with news.ledger() as ledger, ledger.write() as connection:
        numbers = connection.scalars(select(subscriber.c.id).order_by(subscriber.c.id)).all()
        for number, text in zip(numbers, SMUGGLED, strict=True):
            connection.execute(
                update(subscriber)
                .where(subscriber.c.id == number)
                .values(name=text, attributes=json.dumps({"city": text}))
            )


@pytest.mark.parametrize("listener", ["port", "lax"])
def test_one_message_arrives_whatever_stands_in_it(
    postfix: Postfix, news: News, listener: str
) -> None:
    """X-9, M-1, S-13, case 9: exactly one per recipient, and the text is all there."""
    write_everywhere(news)
    news.relay(getattr(postfix, listener))
    done = ended(news.start("send", "winter", "--yes"))
    assert 0 == done.code, done
    assert sorted(PEOPLE) == recipients(postfix)
    values = dict(zip(PEOPLE, map(words, SMUGGLED), strict=True))
    for one in postfix.arrived():
        mail = message_from_bytes(one.content, policy=policy.default)
        part = mail.get_body(("plain",))
        assert part is not None
        text = words(part.get_content())
        value = values[mail["To"]]
        assert SUBJECT == mail["Subject"]
        assert f"Dear {value} of {value}, before" in text
        assert 2 + len(SMUGGLED) <= text.count(words(" ".join(LINES)))
