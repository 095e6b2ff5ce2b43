"""A session without a wire: the test plays the relay, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailer.smtp.auth import Credentials
from mailer.smtp.session import Session

if TYPE_CHECKING:
    from mailer.smtp.events import Event

PIPELINING = (b"PIPELINING",)


def session(
    *, security: str = "none", user: str = "", password: str = "", token: str = ""
) -> Session:
    """A session that has just been connected."""
    who = Credentials(
        user=user,
        password=password,
        token=token,
        host="relay.test",
        port=587,
        nonce="n0nce",
    )
    return Session(helo="client.test", security=security, credentials=who)


def say(to: Session, *lines: bytes) -> list[Event]:
    """The relay says these lines in one packet."""
    return to.receive(b"".join(line + b"\r\n" for line in lines))


def heard(of: Session) -> list[bytes]:
    """What the session writes now, by lines."""
    return of.data_to_send().split(b"\r\n")[:-1]


def ehlo_reply(*capabilities: bytes) -> list[bytes]:
    """A reply to EHLO that offers these."""
    lines = [b"relay.test", *capabilities]
    return [b"250-" + line for line in lines[:-1]] + [b"250 " + lines[-1]]


def opened(*capabilities: bytes) -> Session:
    """A session after its handshake."""
    made = session()
    say(made, b"220 relay.test")
    heard(made)
    say(made, *ehlo_reply(*capabilities))
    assert made.ready
    return made
