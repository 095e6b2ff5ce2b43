"""Against smtp-sink of Debian's postfix package, with its faults (case 33)."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from mailer.model import Phase
from mailer.smtp.connection import HandshakeError
from mailer.smtp.events import NotSent, Refused
from tests.wire.courier import Carried, carry, message, relay_at
from tests.wire.ports import free_port
from tests.wire.programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIVE = [message(number) for number in range(5)]


@contextmanager
def sink(*flags: str) -> Iterator[int]:
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    command = [program("smtp-sink"), *user, *flags, f"127.0.0.1:{port}", "50"]
    with subprocess.Popen(command) as process:
        try:
            for _ in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.02)
            yield port
        finally:
            process.terminate()


def run(port: int) -> Carried:
    return asyncio.run(carry(relay_at(port), FIVE))


@pytest.mark.parametrize("flags", ["", "-p", "-e", "-8", "-N", "-E", "-p -N -8"])
def test_whatever_is_offered_or_not_every_message_is_accepted(flags: str) -> None:
    """Case 33: -p, -e, -8; S-23, S-3."""
    with sink(*flags.split()) as port:
        assert run(port).kinds == ["Accepted"] * 5


def test_what_is_dumped_is_what_was_composed(tmp_path: Path) -> None:
    """S-13, B-1: content, and the envelope with its parameters."""
    if os.geteuid() == 0:
        shutil.chown(tmp_path, "nobody")
        for folder in list(tmp_path.parents)[:2]:
            folder.chmod(0o755)
    content = b"Subject: x\r\n\r\n.dot\r\n..\r\n.\r\nFrom me\r\n"
    with sink("-R", str(tmp_path), "-d", "%M.") as port:
        carried = asyncio.run(carry(relay_at(port), [message(1, content=content)]))
    assert carried.kinds == ["Accepted"]
    (dump,) = tmp_path.iterdir()
    text = dump.read_bytes()
    assert text.rstrip(b"\n").endswith(content.replace(b"\r\n", b"\n").rstrip(b"\n"))
    assert b"X-Mail-Args: <b-token1@bounce.example.org> BODY=7BIT RET=HDRS ENVID=token1" in text
    assert b"X-Rcpt-Args: <person1@example.net> NOTIFY=FAILURE,DELAY ORCPT=rfc822;person1" in text


def test_a_disconnect_at_the_final_dot_is_in_doubt() -> None:
    """Case 33: -q ."""
    with sink("-q", ".") as port:
        assert run(port).kinds == ["InDoubt", "NotSent"]


def test_a_421_at_the_final_dot_is_not_in_doubt() -> None:
    """Case 33: -Q ."""
    with sink("-Q", ".") as port:
        carried = run(port)
    assert carried.kinds == ["Refused", "NotSent"]
    assert isinstance(carried.verdicts[0], Refused)
    assert (carried.verdicts[0].phase, carried.verdicts[0].reply.code) == (Phase.DOT, 421)


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("flag", ["-q", "-Q"])
def test_a_disconnect_in_the_envelope_is_safe_to_retry(flag: str, stage: str) -> None:
    """Case 33: -q and -Q."""
    with sink(flag, stage) as port:
        carried = run(port)
    assert carried.kinds == ["NotSent"]
    assert isinstance(carried.verdicts[0], NotSent)


@pytest.mark.parametrize(
    ("stage", "phase"),
    [("MAIL", Phase.MAIL), ("RCPT", Phase.RCPT), ("DATA", Phase.DATA), (".", Phase.DOT)],
)
@pytest.mark.parametrize(("flag", "kind"), [("-r", 4), ("-f", 5)])
def test_a_refusal_names_its_phase_and_the_connection_stays(
    flag: str, kind: int, stage: str, phase: Phase
) -> None:
    """Case 33: -r RCPT, -f DATA and the others."""
    with sink(flag, stage) as port:
        carried = run(port)
    assert [(phase, kind)] * 5 == [
        (verdict.phase, verdict.reply.kind)
        for verdict in carried.verdicts
        if isinstance(verdict, Refused)
    ]


@pytest.mark.parametrize("flags", [("-w", "1"), ("-W", ".:1")])
def test_a_slow_relay_is_waited_for(flags: tuple[str, ...]) -> None:
    """Case 33: -w, -W .:n; case 34: PIPELINING offered, slowly processed."""
    with sink(*flags) as port:
        assert asyncio.run(carry(relay_at(port), FIVE[:1])).kinds == ["Accepted"]


def test_a_550_before_the_content_is_through_is_a_refusal() -> None:
    """smtp-sink -A: it refuses behind the 354 and reads nothing more."""
    with sink("-A", "0") as port:
        assert asyncio.run(carry(relay_at(port), FIVE[:1])).kinds == ["Refused"]


@pytest.mark.parametrize(
    ("stage", "phase", "configuration"),
    [("CONNECT", Phase.BANNER, False), ("EHLO,HELO", Phase.EHLO, True)],
)
def test_a_handshake_that_is_refused_for_good(
    stage: str,
    phase: Phase,
    configuration: bool,  # noqa: FBT001
) -> None:
    """Case 27: -f CONNECT, -f EHLO,HELO."""
    with sink("-f", stage) as port, pytest.raises(HandshakeError) as caught:
        run(port)
    assert (phase, configuration) == (caught.value.phase, caught.value.configuration)
