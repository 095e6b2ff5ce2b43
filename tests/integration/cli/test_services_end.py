"""`mailer serve`, `mailer catch` and what needs a terminal, as processes."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import smtplib
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mailer.compose.links import Keyring
from mailer.config import load_config, require_secret
from mailer.model import ListId, SubscriberId

if TYPE_CHECKING:
    from collections.abc import Iterator

MAILER = [sys.executable, "-m", "mailer"]


@pytest.fixture
def news(tmp_path: Path) -> Path:
    folder = tmp_path / "news"
    subprocess.run([*MAILER, "init", str(folder), "--no-input", "-q"], check=True)
    return folder


@contextmanager
def service(
    folder: Path, *arguments: str
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A service with what it said on stdout when it was ready."""
    process = subprocess.Popen(
        [*MAILER, *arguments, "--json"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    """Exit code and stderr after a signal."""
    process.send_signal(number)
    _, errors = process.communicate(timeout=15)
    return process.returncode, errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_catch_keeps_a_message_and_ends_cleanly(news: Path, number: int) -> None:
    with service(news, "catch", "--port", "0", "--web", "0") as (process, ready):
        assert ready["schema"] == "mailer.catch/1"
        assert str(news / "out" / "caught") == ready["dir"]
        host, port = ready["smtp"].split(":")
        with smtplib.SMTP(host, int(port)) as client:
            client.sendmail("a@example.org", ["ann@example.org"], b"Subject: hello\r\n\r\nx\r\n")
        kept = list((news / "out" / "caught").glob("*.eml"))
        assert [path.read_bytes() for path in kept] == [b"Subject: hello\r\n\r\nx\r\n"]
        assert "hello" in httpx.get(ready["web"], trust_env=False).text
        code, errors = ended(process, number)
        assert (code, errors.count("\n")) == (0, 1), errors


def test_catch_ends_while_somebody_is_still_connected(news: Path) -> None:
    with service(news, "catch", "--port", "0", "--web", "0") as (process, ready):
        host, port = ready["smtp"].split(":")
        with (
            socket.create_connection((host, int(port))) as smtp,
            socket.create_connection(ready["web"].removeprefix("http://").split(":")) as _,
        ):
            smtp.recv(100)
            code, errors = ended(process, signal.SIGTERM)
            assert code == 0
            assert "Traceback" not in errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_answers_and_ends_cleanly_without_a_word_about_tokens(
    news: Path, number: int
) -> None:
    """X-10: no access log; neither tokens nor the secret key are printed."""
    secret = (news / ".env").read_text().strip().partition("=")[2]
    keyring = Keyring(require_secret(load_config(news, None, environ={})))
    token = keyring.unsubscribe_token(SubscriberId(1), ListId(1))
    with service(news, "serve", "--port", "0") as (process, ready):
        assert ready["schema"] == "mailer.serve/1"
        assert httpx.get(f"{ready['web']}/health", trust_env=False).text == "ok\n"
        assert httpx.get(f"{ready['web']}/u/{token}", trust_env=False).status_code == 200
        code, errors = ended(process, number)
        assert code == 0
        assert errors.startswith("Serving on http://127.0.0.1:")
        assert errors.count("\n") == 1, errors
        assert token not in errors
        assert secret not in errors


def test_serve_needs_a_secret_key(news: Path) -> None:
    (news / ".env").unlink()
    done = subprocess.run(
        [*MAILER, "serve", "--port", "0"], cwd=news, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert "✖ E402 MAILER_SECRET_KEY is not set" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["serve", "--port"], ["catch", "--web", "0", "--port"], ["catch", "--web"]]
)
def test_a_busy_port_is_a_clear_error(news: Path, arguments: list[str]) -> None:
    """Interface §3.1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [*MAILER, *arguments, port]
        command += ["--port", "0"] if arguments[-1] == "--web" else []
        done = subprocess.run(command, cwd=news, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"✖ E801 Cannot listen on 127.0.0.1:{port}\n" in done.stderr
    assert "Address already in use" in done.stderr


def test_serve_listens_on_this_machine_unless_told(news: Path) -> None:
    with service(news, "serve", "--port", "0") as (_, ready):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", ready["web"])


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_serve_listens_on_ipv6_if_told(news: Path) -> None:
    """Where the machine has none, that is said in the shape of every error."""
    if has_ipv6():
        with service(news, "serve", "--port", "0", "--host", "::1") as (_, ready):
            assert re.fullmatch(r"http://\[::1\]:\d+", ready["web"])
    else:
        command = [*MAILER, "serve", "--port", "0", "--host", "::1"]
        done = subprocess.run(command, cwd=news, capture_output=True, text=True, check=False)
        assert "✖ E801 Cannot listen on" in done.stderr


def on_a_terminal(folder: Path, keys: bytes, *arguments: str, **environ: str) -> str:
    """What a person sees who types `keys`."""
    screen, inside = pty.openpty()
    process = subprocess.Popen(
        [*MAILER, *arguments],
        cwd=folder,
        env={**os.environ, **environ},
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
    )
    os.close(inside)
    os.write(screen, keys)
    seen = b""
    while select.select([screen], [], [], 20)[0]:
        try:
            piece = os.read(screen, 4096)
        except OSError:  # Linux says EIO when the other side has gone.
            break
        seen += piece
    assert process.wait(20) == 0, seen
    os.close(screen)
    return seen.decode()


def test_init_asks_on_a_terminal_and_asks_again_after_nonsense(tmp_path: Path) -> None:
    """Interface §1.1: four questions and the postal address, each with a default."""
    keys = b"My Letter\nnobody\nAnn <ann@example.org>\n\n\nMain Street 1\n"
    seen = on_a_terminal(tmp_path, keys, "init", "news")
    assert seen.count("?") >= 5
    assert "It holds no @" in seen
    config = load_config(tmp_path / "news", None, environ={})
    assert config.newsletter.name == "My Letter"
    assert config.newsletter.sender.address == "ann@example.org"
    assert config.newsletter.url == "http://127.0.0.1:8000"
    assert config.newsletter.address == "Main Street 1"


def test_new_opens_the_editor_on_a_terminal_only(news: Path) -> None:
    editor = news / "editor"
    editor.write_text('#!/bin/sh\necho "edited" >> "$1"\n')
    editor.chmod(0o755)
    environ = {"EDITOR": str(editor), "VISUAL": ""}
    on_a_terminal(news, b"", "new", "Winter", **environ)
    (issue,) = (news / "issues").glob("*-winter.md")
    assert issue.read_text().endswith("edited\n")
    done = subprocess.run(
        [*MAILER, "new", "Summer"],
        cwd=news,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "edited" not in Path(done.stdout.strip()).read_text()
