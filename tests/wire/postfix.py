"""A real Postfix of our own: a relay in a private directory, and the world that it mails to.

It takes mail on loopback ports, says no to `bad.test` at RCPT, and hands everything else to one
scripted server that plays every other host: that refuses `hard.test` for good and `slow.test` for
now, and keeps, octet by octet, whatever else comes: the mails, and the reports that Postfix
returns to their envelope senders.

Postfix insists on a directory that belongs to root and is not below one that all may write to.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from tests.wire.fault_server import Act, FaultServer, say
from tests.wire.ports import free_port
from tests.wire.programs import program, require_root

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tests.wire.fault_server import Received

HOME = Path("/run")
MAIN: Final = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = relay.test
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
smtpd_forbid_unauth_pipelining = yes
smtpd_forbid_bare_newline = yes
smtpd_forbid_bare_newline_exclusions =
alias_maps =
alias_database =
local_recipient_maps =
disable_dns_lookups = yes
smtp_dns_support_level = disabled
relayhost = [127.0.0.1]:{world}
transport_maps = inline:{{ {{ bad.test = error:5.1.1 no such user }} }}
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
delay_warning_time = 1s
"""
# Some Postfixes in one: what differs between them are options of the listener.
MASTER: Final = """\
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{lax} inet n - n - - smtpd
 -o smtpd_forbid_bare_newline=no -o smtpd_forbid_unauth_pipelining=no
127.0.0.1:{small} inet n - n - - smtpd -o message_size_limit=2000
127.0.0.1:{talkative} inet n - n - - smtpd -v
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
showq unix n - n - - showq
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
"""
ANSWERS: Final = {
    b"@hard.test>": say(b"550 5.1.1 User unknown"),
    b"@slow.test>": say(b"451 4.7.1 Come back later"),
}
"""What the world says at RCPT."""


class Postfix:
    """A context manager around one Postfix; leaving it leaves no process and no directory behind.

    Attributes:
        world: the server that everything is relayed to.
        port: takes mail, and refuses bare line feeds (X-9).
        lax: takes mail, and takes bare line feeds for line ends and any pipelining, as Postfix did
            until 2023.
        small: takes mail of at most 2,000 octets.
        talkative: takes mail, and logs what it is told.
    """

    def __init__(self) -> None:
        require_root("a Postfix of its own (Debian package postfix)")
        self._postfix = program("postfix")
        self.world = FaultServer({"RCPT": _answer})
        self.port, self.lax, self.small, self.talkative = (free_port() for _ in range(4))

    def __enter__(self) -> Self:
        self.world.__enter__()
        self.folder = Path(tempfile.mkdtemp(prefix="mailer-test-postfix-", dir=HOME))
        self.folder.chmod(0o755)
        try:
            self._write()
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self.processes():
                self.stop()
        finally:
            self.world.__exit__(kind, error, trace)
            shutil.rmtree(self.folder)

    def _write(self) -> None:
        for name in ("conf", "spool", "data"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix")
        for name, text in (("main.cf", MAIN), ("master.cf", MASTER)):
            filled = text.format(
                folder=self.folder,
                world=self.world.port,
                port=self.port,
                lax=self.lax,
                small=self.small,
                talkative=self.talkative,
            )
            (self.folder / "conf" / name).write_text(filled, encoding="ascii")

    # --- the daemon ---

    def start(self) -> None:
        """Start; it listens when this returns."""
        self._control("start")

    def stop(self) -> None:
        """Stop; no process is left when this returns."""
        self._control("stop")
        until(lambda: not self.processes(), "Postfix has ended")

    def processes(self) -> list[int]:
        """Its processes that are alive: they all work in its queue directory."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cwd"):
            try:
                if path.readlink().is_relative_to(self.folder):
                    found.append(int(path.parent.name))
            except OSError:  # ended meanwhile
                continue
        return found

    def _control(self, verb: str) -> None:
        done = subprocess.run(
            [self._postfix, "-c", str(self.folder / "conf"), verb],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"postfix {verb}: {done.stderr}{self.log}"

    # --- what it has and what it did ---

    @property
    def log(self) -> str:
        """Its log so far."""
        path = self.folder / "mail.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def queued(self) -> int:
        """How many messages it has on its hands."""
        folders = ("maildrop", "hold", "incoming", "active", "deferred")
        spool = self.folder / "spool"
        return sum(path.is_file() for name in folders for path in (spool / name).rglob("*"))

    def delivered(self, count: int, *, to: str) -> list[Received]:
        """Wait for so many messages to come through to recipients that contain `to`."""
        until(lambda: len(self.arrived(to)) >= count, f"{count} messages for {to}")
        return self.arrived(to)

    def arrived(self, to: str = "") -> list[Received]:
        """What has come through to recipients that contain `to`."""
        return [one for one in list(self.world.messages) if to.encode() in one.rcpt]

    def settled(self) -> list[Received]:
        """Wait until nothing is queued any more; everything that has arrived."""
        until(self._is_empty, "an empty queue")
        return self.arrived()

    def _is_empty(self) -> bool:
        # What is tried again moves back through the folders while they are counted.
        for _ in range(3):
            if self.queued():
                return False
            time.sleep(0.1)
        return True

    def forget(self) -> None:
        """Delete what is queued and what has arrived."""
        superuser = [program("postsuper"), "-c", str(self.folder / "conf"), "-d", "ALL"]
        subprocess.run(superuser, check=True, capture_output=True)
        self.world.messages.clear()


def queue_id(one: Received) -> str:
    """The number under which Postfix took it: what it passes on twice has the same number."""
    found = re.search(rb"\(Postfix\) with \w+\s+id (\w+)", one.content)
    assert found, one.content[:1000]
    return found[1].decode()


def _answer(line: bytes) -> Act | None:
    return next((act for domain, act in ANSWERS.items() if domain in line), None)


def until(ready: Callable[[], bool], what: str, *, seconds: float = 60) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.02)
