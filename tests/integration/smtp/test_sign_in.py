"""SCRAM and XOAUTH2 over the wire: a relay, and an endpoint that gives tokens (S-12)."""

from __future__ import annotations

import asyncio
import json
import logging
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from mailer.config import OAuth
from mailer.model import Phase
from mailer.smtp import grants, oauth
from mailer.smtp.connection import HandshakeError
from mailer.smtp.events import AuthFault
from tests.wire.certificates import Authority
from tests.wire.courier import Carried, carry, message, relay_at
from tests.wire.fault_server import FaultServer, say
from tests.wire.scram import ScramRelay
from tests.wire.scripted_web import SILENCE, Answer, ScriptedWeb, answer, moved

if TYPE_CHECKING:
    from pathlib import Path

USER, PASSWORD = "me@example.org", "pencil hunter2"
ONE = [message(1)]
NUMBERS = count()


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


def token(value: str, **fields: Any) -> Answer:
    body = {"access_token": value, "token_type": "Bearer", "expires_in": 3600, **fields}
    return answer(200, json.dumps(body).encode())


def denied(status: int, error: str) -> Answer:
    return answer(status, json.dumps({"error": error, "error_description": "Bad r3fresh"}).encode())


def account(web: ScriptedWeb, **fields: Any) -> OAuth:
    """Each its own, as what was fetched is kept as long as the process lives."""
    return OAuth(
        **{
            "token_url": f"https://localhost:{web.port}/token",
            "client_id": f"client {next(NUMBERS)}",
            "client_secret": "cl1ent",
            "refresh_token": "r3fresh-token",
            **fields,
        }
    )


def relay(authority: Authority, **options: Any) -> FaultServer:
    mechanisms = options.pop("mechanisms", b"AUTH PLAIN XOAUTH2")
    return FaultServer(
        tls=authority.server(), implicit=True, capabilities=(b"PIPELINING", mechanisms), **options
    )


def sign_in(server: FaultServer, **options: Any) -> Carried:
    fields = {"host": "localhost", "security": "implicit", "user": USER, **options}
    return asyncio.run(carry(relay_at(server.port, **fields), ONE))


def refused(server: FaultServer, **options: Any) -> HandshakeError:
    with pytest.raises(HandshakeError) as caught:
        sign_in(server, **options)
    return caught.value


# --- SCRAM ---


def test_scram_carries_mail_and_no_password(authority: Authority) -> None:
    """S-12: preferred to PLAIN; the password is on no wire."""
    account = ScramRelay(USER, PASSWORD)
    with relay(authority, mechanisms=b"AUTH LOGIN PLAIN SCRAM-SHA-256", scram=account) as server:
        assert sign_in(server, password=PASSWORD).kinds == ["Accepted"]
    (transcript,) = server.connections
    assert transcript.commands[1].startswith(b"AUTH SCRAM-SHA-256 ")
    assert PASSWORD.encode() not in transcript.octets


def test_a_relay_without_proof_gets_no_mail(authority: Authority) -> None:
    """S-12: whoever takes any password is not our relay."""
    liar = ScramRelay(USER, "another", lies=True)
    with relay(authority, mechanisms=b"AUTH SCRAM-SHA-256 PLAIN", scram=liar) as server:
        error = refused(server, password=PASSWORD)
    assert (error.phase, error.configuration, error.fault) == (
        Phase.AUTH,
        True,
        AuthFault.PROOF,
    )
    assert b"MAIL" not in server.connections[0].octets
    assert len(server.connections) == 1, "no fallback to PLAIN"


def test_a_wrong_password_is_a_wrong_password(authority: Authority) -> None:
    """Case 36."""
    account = ScramRelay(USER, "another")
    with relay(authority, mechanisms=b"AUTH SCRAM-SHA-256", scram=account) as server:
        error = refused(server, password=PASSWORD)
    assert (error.configuration, error.fault) == (True, AuthFault.CREDENTIALS)


# --- XOAUTH2 ---


@pytest.mark.parametrize("mechanisms", [b"AUTH PLAIN XOAUTH2", b"AUTH OAUTHBEARER"])
def test_a_refresh_token_becomes_a_session(authority: Authority, mechanisms: bytes) -> None:
    """S-12, R6749 §6: one small POST, then AUTH with what it gave."""
    with (
        ScriptedWeb({"/token": [token("t1")]}, tls=authority.server()) as web,
        relay(authority, mechanisms=mechanisms, tokens={"t1"}) as server,
    ):
        assert sign_in(server, oauth=account(web, scope="mail")).kinds == ["Accepted"]
    assert ["POST /token"] == web.asked
    assert b"grant_type=refresh_token&refresh_token=r3fresh-token&client_id=client" in web.bodies[0]
    assert web.bodies[0].endswith(b"&client_secret=cl1ent&scope=mail")


def test_an_endpoint_on_this_machine_may_speak_http(authority: Authority) -> None:
    """What keeps tokens for several programs, such as a proxy beside this one."""
    given = {"/token?tenant=a": [token("t1")]}
    with ScriptedWeb(given) as web, relay(authority, tokens={"t1"}) as server:
        mine = account(web, token_url=f"http://127.0.0.1:{web.port}/token?tenant=a")
        assert sign_in(server, oauth=mine).kinds == ["Accepted"]
    assert ["POST /token?tenant=a"] == web.asked


def test_a_token_is_kept_and_one_question_serves_ten_connections(authority: Authority) -> None:
    """S-12: cached, and fetched once at a time."""
    with (
        ScriptedWeb({"/token": [token("t1")]}, tls=authority.server()) as web,
        relay(authority, tokens={"t1"}) as server,
    ):
        at = relay_at(
            server.port, host="localhost", security="implicit", user=USER, oauth=account(web)
        )

        async def scene() -> list[Carried]:
            return await asyncio.gather(*[carry(at, ONE) for _ in range(10)])

        assert [["Accepted"]] * 10 == [carried.kinds for carried in asyncio.run(scene())]
        assert asyncio.run(carry(at, ONE)).kinds == ["Accepted"], "another loop, the same token"
    assert ["POST /token"] == web.asked


def test_a_token_that_is_refused_is_renewed_once(authority: Authority) -> None:
    """S-12: revoked before its time; a new connection with a new one."""
    given = [token("t1"), token("t2")]
    with (
        ScriptedWeb({"/token": given}, tls=authority.server()) as web,
        relay(authority, tokens={"t1"}) as server,
    ):
        mine = account(web)
        assert sign_in(server, oauth=mine).kinds == ["Accepted"]
        server.tokens = {"t2"}
        assert sign_in(server, oauth=mine).kinds == ["Accepted"]
    assert 2 == len(web.asked)
    assert 3 == len(server.connections)


def test_a_fresh_token_that_is_refused_stops_us(authority: Authority) -> None:
    """S-12: no storm of tries."""
    with (
        ScriptedWeb({"/token": [token("t1")]}, tls=authority.server()) as web,
        relay(authority, tokens=()) as server,
    ):
        error = refused(server, oauth=account(web))
    assert (error.phase, error.configuration, error.fault) == (Phase.AUTH, True, AuthFault.TOKEN)
    assert (1, 1) == (len(web.asked), len(server.connections))


def test_a_relay_that_takes_no_token_costs_no_second_one(authority: Authority) -> None:
    """S-12: not offered is not refused; another token would be no help."""
    with (
        ScriptedWeb({"/token": [token("t1")]}, tls=authority.server()) as web,
        relay(authority, mechanisms=b"AUTH PLAIN LOGIN") as server,
    ):
        mine = account(web)
        for _ in range(2):
            error = refused(server, oauth=mine)
            assert (True, None) == (error.configuration, error.fault)
            assert "XOAUTH2, OAUTHBEARER" in str(error)
    assert (1, 2) == (len(web.asked), len(server.connections))


def test_a_relay_that_is_busy_keeps_the_token(authority: Authority) -> None:
    """§3.3 AUTH/4xx."""
    script = {"AUTH": [say(b"454 4.7.0 later")]}
    with (
        ScriptedWeb({"/token": [token("t1")]}, tls=authority.server()) as web,
        relay(authority, script=script, tokens={"t1"}) as server,
    ):
        mine = account(web)
        assert not refused(server, oauth=mine).configuration
        assert sign_in(server, oauth=mine).kinds == ["Accepted"]
    assert 1 == len(web.asked)


@pytest.mark.parametrize(
    ("said", "about_us"),
    [
        (denied(400, "invalid_grant"), True),
        (denied(401, "invalid_client"), True),
        (moved("/elsewhere"), True),
        (denied(503, "temporarily_unavailable"), False),
        (answer(200, b"x" * 100_000), False),
        (Answer(octets=b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"), False),
        (Answer(octets=b"nonsense\r\n\r\n"), False),
    ],
)
def test_an_endpoint_that_gives_no_token(
    authority: Authority,
    said: Answer,
    about_us: bool,  # noqa: FBT001
) -> None:
    """S-12, X-10: what is wrong, whose fault it is, and no secret of ours."""
    with (
        ScriptedWeb({"/token": [said]}, tls=authority.server()) as web,
        relay(authority) as server,
    ):
        error = refused(server, oauth=account(web))
    assert error.phase is Phase.AUTH
    assert about_us == error.configuration
    assert (AuthFault.GRANT if about_us else None) == error.fault
    assert "r3fresh" not in str(error)
    assert f"localhost:{web.port}" in str(error)
    assert ["POST /token"] == web.asked, "a redirect is not followed"
    assert server.connections == []


def test_without_a_refresh_token_nobody_is_asked(authority: Authority) -> None:
    """Configuration is read without secrets, too; sending needs them."""
    with ScriptedWeb(tls=authority.server()) as web, relay(authority) as server:
        error = refused(server, oauth=account(web, refresh_token=""))
    assert (True, AuthFault.UNSET) == (error.configuration, error.fault)
    assert "no refresh token is configured" in str(error)
    assert [] == web.asked


def test_a_silent_endpoint_is_given_up(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grants, "SECONDS", 0.1)
    with (
        ScriptedWeb({"/token": [SILENCE]}, tls=authority.server()) as web,
        relay(authority) as server,
    ):
        error = refused(server, oauth=account(web))
    assert not error.configuration
    assert "no answer within" in str(error)


def test_an_endpoint_that_is_not_itself_gets_no_secret(authority: Authority) -> None:
    """R6749 §10.8: TLS is verified."""
    with (
        ScriptedWeb(tls=authority.server("other.test")) as web,
        relay(authority) as server,
    ):
        error = refused(server, oauth=account(web))
    assert error.configuration
    assert web.asked == []


def test_a_rotated_refresh_token_is_used_and_said(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """R6749 §6: the answer may replace the refresh token; it is not printed."""
    given = [token("t1", refresh_token="r0tated"), token("t2", refresh_token="r0tated-again")]
    with (
        ScriptedWeb({"/token": given}, tls=authority.server()) as web,
        relay(authority, tokens={"t1"}) as server,
        caplog.at_level(logging.WARNING, "mailer"),
    ):
        mine = account(web)
        sign_in(server, oauth=mine)
        server.tokens = {"t2"}
        sign_in(server, oauth=mine)
    assert b"refresh_token=r0tated" in web.bodies[1]
    (said,) = caplog.messages
    assert "the configured one is obsolete" in said
    assert "r0tated" not in said


def test_a_token_is_renewed_shortly_before_it_ends(authority: Authority) -> None:
    """A minute early, so that none ends on its way."""
    given = {"/token": [token("a"), token("b")]}

    async def scene(mine: OAuth) -> list[tuple[str, bool]]:
        now = 0.0
        tokens = oauth.Tokens(mine, clock=lambda: now)
        got = [await tokens.get(), await tokens.get()]
        for now in (3539.0, 3541.0):  # noqa: B007  the clock reads it
            got.append(await tokens.get())  # noqa: PERF401  one after the other
        return got

    with ScriptedWeb(given, tls=authority.server()) as web:
        got = asyncio.run(scene(account(web)))
    assert [("a", True), ("a", False), ("a", False), ("b", True)] == got
