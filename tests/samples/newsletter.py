"""A newsletter folder as `mailer init` makes it, and the command line run on it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from mailer.cli import main
from mailer.config import load_config
from mailer.ledger import open_ledger, overview
from mailer.ledger.schema import delivery, mailing
from mailer.when import now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.config import Config
    from mailer.ledger import Ledger
    from mailer.ledger.overview import Overview

MAILER = [sys.executable, "-m", "mailer"]
ISSUE = """\
---
subject: Winter opening hours
preheader: We open later, and what that is good for.
date: 2026-11-20
---

# Winter opening hours

Dear {{ subscriber.name or "reader" }}, from Monday on we open at ten.
Read more on [our page](https://example.org/winter).
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        """The last object of `--json`."""
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return found

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Every line of stdout, each of which must be JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


class _Stdin(io.TextIOWrapper):
    """Octets on a stdin that is no terminal."""

    def __init__(self, octets: bytes) -> None:
        super().__init__(io.BytesIO(octets), encoding="utf-8")


class News:
    """One folder; `run` is the program in this process, `start` one of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ: dict[str, str] = {}
        self._started: list[subprocess.Popen[str]] = []

    # --- what is in it ---

    def relay(self, port: int, **settings: str) -> None:
        """Hand mail to this port of the machine."""
        self.environ["MAILER_RELAY_URL"] = f"smtp://127.0.0.1:{port}"
        self.environ["MAILER_RELAY_CONNECTIONS"] = settings.pop("connections", "3")
        for name, value in settings.items():
            self.environ[f"MAILER_{name.upper()}"] = value

    def issue(self, text: str = ISSUE, *, name: str = "2026-11-20-winter") -> Path:
        """Write an issue; the sample that came with the folder goes away."""
        for path in (self.folder / "issues").glob("*-welcome.md"):
            path.unlink()
        path = self.folder / "issues" / f"{name}.md"
        path.write_text(text, encoding="utf-8")
        return path

    def people(self, *rows: str, header: str = "email", list_name: str = "weekly") -> None:
        """Import these lines."""
        sheet = self.folder / "subscribers" / f"{list_name}.csv"
        sheet.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
        done = self.run("subscribers", "import", str(sheet), "--list", list_name)
        assert done.code == 0, done

    def configure(self, text: str) -> None:
        """Append to mailer.toml."""
        with (self.folder / "mailer.toml").open("a", encoding="utf-8") as file:
            file.write(f"\n{text}\n")

    @property
    def config(self) -> Config:
        """The configuration as the program reads it."""
        return load_config(self.folder, None, environ=self.environ)

    @contextlib.contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The ledger, opened for the test."""
        folder = self.folder / "subscribers"
        url = self.environ.get("MAILER_DATABASE_URL", f"sqlite:{folder / 'mailer.db'}")
        opened = open_ledger(url, journal=folder / "mailer.journal")
        try:
            yield opened
        finally:
            opened.close()

    def mailings(self) -> list[Overview]:
        """What `mailer status` knows, newest first."""
        with self.ledger() as ledger, ledger.read() as connection:
            return overview.overviews(connection)

    def start_now(self) -> None:
        """Let the time of every scheduled mailing come."""
        with self.ledger() as ledger, ledger.write() as connection:
            connection.execute(update(mailing).values(due_at=now() - 1, wall=""))

    def end_wait(self) -> None:
        """Let the time come at which what waits behind a canary goes on."""
        with self.ledger() as ledger, ledger.write() as connection:
            waits = mailing.c.resume_at.is_not(None)
            connection.execute(update(mailing).where(waits).values(resume_at=now() - 1))

    def come_due(self) -> None:
        """Let the time of every deferred delivery come."""
        with self.ledger() as ledger, ledger.write() as connection:
            waits = delivery.c.due_at.is_not(None)
            connection.execute(update(delivery).where(waits).values(due_at=now() - 1))

    # --- the program ---

    def run(self, *arguments: str, stdin: bytes = b"") -> Done:
        """Run a command line in this process."""
        out, err = io.StringIO(), io.StringIO()
        before, code = sys.stdin, None
        sys.stdin = _Stdin(stdin)
        os.environ.update(self.environ)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                main(["-C", str(self.folder), *arguments])
        except SystemExit as ended:
            code = ended.code
        finally:
            sys.stdin = before
            for name in self.environ:
                os.environ.pop(name, None)
        assert isinstance(code, int)
        return Done(code, out.getvalue(), err.getvalue())

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Start a command line as a process of its own."""
        process = subprocess.Popen(
            [*MAILER, "-C", str(self.folder), *arguments],
            env={**os.environ, **self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def stop(self) -> None:
        """End what a test that failed has left running."""
        for process in self._started:
            if process.returncode is None:
                process.kill()
                process.communicate()


def ended(process: subprocess.Popen[str], *, timeout: float = 120) -> Done:
    """How a process ended; it is killed if it does not end by itself."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"it did not end: {out}{err}") from None
    return Done(process.returncode, out, err)
