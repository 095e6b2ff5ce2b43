"""TLS and credentials against a scripted server: cases 34 to 36, S-10, S-11, S-12."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from mailer.model import Lost, Phase
from mailer.smtp.connection import HandshakeError, Timeouts
from mailer.smtp.trust import trusted
from tests.wire.certificates import Authority
from tests.wire.courier import QUICK, Carried, carry, message, relay_at
from tests.wire.fault_server import CAPABILITIES, Act, FaultServer, drop, hang, octets, say

if TYPE_CHECKING:
    from pathlib import Path

FIVE = [message(number) for number in range(5)]
PASSWORD = "correct horse battery staple"
ACCOUNT = {"user": "me@example.org", "password": PASSWORD}
CREDENTIALS = b"\0me@example.org\0" + PASSWORD.encode()


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that the system trusts, as an operator would make it: by SSL_CERT_FILE."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


def run(server: FaultServer, security: str, **relay: Any) -> Carried:
    relay = {"host": "localhost", **ACCOUNT, **relay}
    return asyncio.run(carry(relay_at(server.port, security=security, **relay), FIVE))


def refused(
    server: FaultServer, security: str, *, timeouts: Timeouts = QUICK, **relay: Any
) -> HandshakeError:
    relay = {"host": "localhost", **ACCOUNT, **relay}
    with pytest.raises(HandshakeError) as caught:
        asyncio.run(carry(relay_at(server.port, security=security, **relay), [], timeouts=timeouts))
    assert PASSWORD not in str(caught.value)
    return caught.value


def nothing_leaked(server: FaultServer) -> None:
    """No credential on the wire in any form, and no message."""
    for connection in server.connections:
        assert connection.credentials == []
        assert b"AUTH" not in connection.octets
        assert b"MAIL" not in connection.octets


@pytest.mark.parametrize(("security", "implicit"), [("implicit", True), ("starttls", False)])
def test_messages_go_over_verified_tls(
    authority: Authority,
    security: str,
    implicit: bool,  # noqa: FBT001
) -> None:
    """S-10."""
    with FaultServer(tls=authority.server(), implicit=implicit) as server:
        assert run(server, security).kinds == ["Accepted"] * 5
    assert server.connections[0].credentials == [CREDENTIALS]
    assert server.violations == []


@pytest.mark.parametrize("_", range(5))
def test_a_banner_that_comes_with_the_end_of_the_handshake_is_read(
    authority: Authority, _: int
) -> None:
    """With TLS 1.2 the server ends the handshake, and its banner may be in the same packet."""
    tls = authority.server()
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    with FaultServer(tls=tls, implicit=True) as server:
        assert run(server, "implicit").kinds == ["Accepted"] * 5


def test_an_address_may_be_certified(authority: Authority) -> None:
    """S-10: a relay named by its IP address."""
    with FaultServer(tls=authority.server("127.0.0.1"), implicit=True) as server:
        assert run(server, "implicit", host="127.0.0.1").kinds == ["Accepted"] * 5


def test_capabilities_are_forgotten_with_tls(authority: Authority) -> None:
    """S-1, S-23: what was offered in plaintext does not count."""
    with FaultServer(
        tls=authority.server(), capabilities=CAPABILITIES, capabilities_in_tls=(b"AUTH PLAIN",)
    ) as server:
        assert run(server, "starttls").kinds == ["Accepted"] * 5
    assert server.violations == []
    assert b"MAIL FROM:<b-token0@bounce.example.org>" in server.connections[0].commands


def test_pipelining_offered_only_with_tls_is_used(authority: Authority) -> None:
    """Case 34."""
    with FaultServer(
        tls=authority.server(), capabilities=(), capabilities_in_tls=CAPABILITIES
    ) as server:
        assert run(server, "starttls").kinds == ["Accepted"] * 5
    assert b" SIZE=" in server.messages[0].mail
    assert server.violations == []


@pytest.mark.parametrize("security", ["implicit", "starttls"])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"expired": True}, "expired"),
        ({"self_signed": True}, "self-signed"),
        ({"host": "other.test"}, "not valid for 'localhost'"),
    ],
)
def test_a_bad_certificate_ends_it_before_any_credential(
    authority: Authority, security: str, fault: dict[str, Any], said: str
) -> None:
    """Case 35, S-10: expired, self-signed, wrong host; about us, no fallback."""
    tls = authority.server(**fault)
    with FaultServer(tls=tls, implicit=security == "implicit") as server:
        error = refused(server, security)
    assert isinstance(error.reply, Lost)
    assert said in error.reply.reason
    assert error.configuration
    assert (Phase.CONNECT if security == "implicit" else Phase.STARTTLS) is error.phase
    nothing_leaked(server)


def test_an_authority_that_the_system_does_not_know_is_not_trusted(tmp_path: Path) -> None:
    """S-10: the system's store decides."""
    with FaultServer(tls=Authority(tmp_path).server(), implicit=True) as server:
        error = refused(server, "implicit")
    assert error.configuration
    nothing_leaked(server)


def test_old_tls_is_not_spoken() -> None:
    """S-10, R8996: 1.2 at least, chain and name verified."""
    context = trusted()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert ssl.CERT_REQUIRED is context.verify_mode


def test_the_trust_store_is_read_once_and_again_when_its_name_changes(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trusted()
    assert first is trusted()
    monkeypatch.delenv("SSL_CERT_FILE")
    assert authority.file
    assert first is not trusted()


def test_starttls_not_offered_is_about_us() -> None:
    """Case 35, S-10."""
    with FaultServer() as server:
        error = refused(server, "starttls")
    assert (error.phase, error.configuration) == (Phase.STARTTLS, True)
    nothing_leaked(server)


def test_starttls_refused_is_about_us(authority: Authority) -> None:
    """Case 35, §3.3 STARTTLS/5xx."""
    with FaultServer({"STARTTLS": [say(b"502 5.5.1 no")]}, tls=authority.server()) as server:
        error = refused(server, "starttls")
    assert (error.phase, error.configuration) == (Phase.STARTTLS, True)
    nothing_leaked(server)


@pytest.mark.parametrize("act", [say(b"454 4.7.0 later"), say(b"421 4.3.2 bye"), drop()])
def test_starttls_not_now_is_tried_later(authority: Authority, act: Act) -> None:
    """§3.3 STARTTLS / 4xx, 421, EOF."""
    with FaultServer({"STARTTLS": [act]}, tls=authority.server()) as server:
        error = refused(server, "starttls")
    assert (error.phase, error.configuration) == (Phase.STARTTLS, False)
    nothing_leaked(server)


def test_plaintext_behind_the_220_to_starttls_is_refused(authority: Authority) -> None:
    """Case 35, S-11: response injection."""
    injected = octets(b"220 2.0.0 ready\r\n250-fault.test\r\n250 AUTH PLAIN\r\n")
    with FaultServer({"STARTTLS": [injected]}, tls=authority.server()) as server:
        error = refused(server, "starttls")
    assert Lost(reason="plaintext after the reply to STARTTLS") == error.reply
    assert Phase.STARTTLS is error.phase
    nothing_leaked(server)


@pytest.mark.parametrize("security", ["implicit", "starttls"])
def test_a_relay_that_speaks_no_tls_is_about_us(security: str) -> None:
    """S-10: smtps:// to a port that speaks plaintext first, or STARTTLS answered by a 220 alone."""
    script = {"STARTTLS": [octets(b"220 ready\r\n", then=hang().then)]}
    starttls_without_tls = (*CAPABILITIES, b"STARTTLS")
    with FaultServer(script, capabilities=starttls_without_tls) as server:
        error = refused(server, security, timeouts=Timeouts(connect=0.3))
    if security == "implicit":
        assert (error.phase, error.configuration) == (Phase.CONNECT, True)
    else:
        assert (error.phase, error.configuration) == (Phase.STARTTLS, False)
        assert Lost(reason="not within 0.3 s") == error.reply
    nothing_leaked(server)


def test_a_relay_that_hangs_up_in_the_tls_handshake_is_tried_later() -> None:
    """§3.3 STARTTLS / EOF."""
    script = {"STARTTLS": [octets(b"220 ready\r\n", then=drop().then)]}
    with FaultServer(script, capabilities=(*CAPABILITIES, b"STARTTLS")) as server:
        error = refused(server, "starttls")
    assert (error.phase, error.configuration) == (Phase.STARTTLS, False)


def test_auth_offered_only_in_plaintext_is_not_used(authority: Authority) -> None:
    """Case 36, S-12."""
    with FaultServer(
        tls=authority.server(), capabilities=(b"AUTH PLAIN LOGIN",), capabilities_in_tls=()
    ) as server:
        error = refused(server, "starttls")
    assert (error.phase, error.configuration) == (Phase.AUTH, True)
    assert server.connections[0].credentials == []


@pytest.mark.parametrize("mechanism", [b"AUTH LOGIN", b"AUTH PLAIN", b"AUTH LOGIN PLAIN CRAM-MD5"])
def test_every_mechanism_brings_the_credentials(authority: Authority, mechanism: bytes) -> None:
    """S-12: PLAIN and LOGIN."""
    with FaultServer(tls=authority.server(), implicit=True, capabilities=(mechanism,)) as server:
        assert run(server, "implicit").kinds == ["Accepted"] * 5
    assert server.connections[0].credentials == [CREDENTIALS]


def test_a_wrong_password_stops_with_the_relays_words_and_without_ours(
    authority: Authority,
) -> None:
    """Case 36, S-12, X-10: one clear message."""
    script = {"AUTH": [say(b"535 5.7.8 " + PASSWORD.encode() + b" is wrong")]}
    with FaultServer(script, tls=authority.server(), implicit=True) as server:
        error = refused(server, "implicit")
    assert (error.phase, error.configuration) == (Phase.AUTH, True)
    assert str(error) == "AUTH: 535 5.7.8 [redacted] is wrong"


def test_a_large_content_goes_over_tls(authority: Authority) -> None:
    """S-22."""
    large = message(9, content=(b"z" * 76 + b"\r\n") * 40_000)
    relay: dict[str, Any] = {"host": "localhost", "security": "implicit"}
    with FaultServer(tls=authority.server(), implicit=True) as server:
        carried = asyncio.run(carry(relay_at(server.port, **relay), [large, *FIVE]))
    assert carried.kinds == ["Accepted"] * 6
    assert large.content == server.messages[0].content


def test_a_relay_that_reads_nothing_over_tls_is_given_up(authority: Authority) -> None:
    """Standards §3.1: each data block, over TLS, too."""
    large = message(9, content=(b"z" * 76 + b"\r\n") * 200_000)
    with FaultServer(tls=authority.server(), implicit=True, stall=True) as server:
        relay = relay_at(server.port, host="localhost", security="implicit")
        carried = asyncio.run(carry(relay, [large], timeouts=Timeouts(block=0.2)))
    assert carried.kinds == ["InDoubt"]
    assert carried.closing is not None
    assert Lost(reason="the relay took no data for 0.2 s") == carried.closing.reply


@pytest.mark.parametrize("act", [drop(), hang(), say(b"554 5.7.1 blocked")])
def test_the_banner_over_tls_may_fail_as_any_other(authority: Authority, act: Act) -> None:
    """§3.3 banner / EOF, timeout, 5xx."""
    with FaultServer({"banner": [act]}, tls=authority.server(), implicit=True) as server:
        error = refused(server, "implicit", timeouts=Timeouts(banner=0.2))
    assert (error.phase, error.configuration) == (Phase.BANNER, False)
    nothing_leaked(server)


def test_plaintext_before_implicit_tls_is_not_read(authority: Authority) -> None:
    """S-10: a relay that greets in clear where TLS was asked for is not talked to."""
    assert authority.file
    with FaultServer() as server:
        error = refused(server, "implicit")
    assert (error.phase, error.configuration) == (Phase.CONNECT, True)
    assert b"EHLO" not in server.connections[0].octets
