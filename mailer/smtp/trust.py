"""Whom we talk to, and what it means that a socket could not be opened or wrapped."""

from __future__ import annotations

import ipaddress
import os
import ssl
from functools import lru_cache
from typing import TYPE_CHECKING

from mailer.model import Lost, Phase, Reply

if TYPE_CHECKING:
    from mailer.smtp.events import AuthFault


class HandshakeError(Exception):
    """No session could be opened.

    Attributes:
        phase: how far it came.
        reply: what the relay said, or why it said nothing; never with credentials.
        configuration: it is about us (or about the relay's certificate): trying again is no help.
        fault: what of AUTH failed for good; None where it was not tried or something else failed.
    """

    def __init__(
        self,
        phase: Phase,
        reply: Reply | Lost,
        configuration: bool,  # noqa: FBT001  an exception's arguments are its pickle
        fault: AuthFault | None = None,
    ) -> None:
        super().__init__(phase, reply, configuration, fault)
        self.phase = phase
        self.reply = reply
        self.configuration = configuration
        self.fault = fault

    def __str__(self) -> str:
        return f"{self.phase}: {self.reply if isinstance(self.reply, Reply) else self.reply.reason}"


def is_this_machine(address: str) -> bool:
    """Whether an IP address is a loopback one; with a zone, or IPv4 in IPv6, as sockets name it."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback


@lru_cache(maxsize=2)
def _tls(*trust: str | None) -> ssl.SSLContext:
    """Chain and host name are verified against the system's trust store (S-10, R7817).

    Args:
        trust: what of the environment names that store. Reading it takes longer than a handshake,
            so a context is kept as long as the names stay.
    """
    del trust
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # R8996
    return context


def trusted() -> ssl.SSLContext:
    """The context for a connection to a relay."""
    return _tls(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


def failure(phase: Phase, error: OSError | UnicodeError, patience: float) -> HandshakeError:
    """What it means that a socket could not be connected or wrapped."""
    match error:
        case ssl.SSLCertVerificationError():
            reason, about_us = f"its certificate was refused: {error.verify_message}", True
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            reason, about_us = "the relay closed the connection", False
        case ssl.SSLError():  # no TLS, or none that is safe, is spoken there
            reason, about_us = f"TLS failed: {error.reason or error}", True
        case TimeoutError(errno=None):
            reason, about_us = f"not within {patience:g} s", False
        case UnicodeError():
            reason, about_us = f"not a host name: {error}", True
        case ConnectionRefusedError():  # asyncio words it with numbers and tuples
            reason, about_us = "connection refused", False
        case _:
            reason, about_us = str(error) or "the relay closed the connection", False
    return HandshakeError(phase, Lost(reason=reason), about_us)
