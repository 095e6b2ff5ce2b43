"""One delivering process of several: what it is given, what it does, how it is heard.

A hand is a process of its own with a ledger of its own. It shares the queue with the others through
leases; what it says goes through a pipe to the process that started it, and the end of that pipe
is the end of that process: then it finishes what is out and leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pickle
import random
import signal
import socket
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.compose.links import Keyring
from mailer.config import require_secret
from mailer.delivery.dispatch import Dispatcher
from mailer.delivery.signing import signer_of
from mailer.ledger import liveness, open_ledger
from mailer.when import now

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe

    from mailer.config import Config
    from mailer.delivery.pace import Patience
    from mailer.ledger import Ledger
    from mailer.ledger.starting import Started
    from mailer.model import HolderId, Instant, MailingId

DRAIN, ABORT = "drain", "abort"
"""What a hand is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """It holds leases under this number from now on."""

    holder: HolderId


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A line for the log."""

    record: logging.LogRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """It found nothing more to do, or was told to stop.

    Attributes:
        quota_until: it left the rest over because of quotas that are used up until then.
        error: what stopped it; None if nothing did.
    """

    started: tuple[Started, ...] = ()
    finished: tuple[MailingId, ...] = ()
    quota_until: Instant | None = None
    error: Exception | None = None


Report = Ready | Said | Ended
"""What a hand says."""


def greeting() -> str:
    """How we introduce ourselves: our full name, or an address literal if there is none (S-1)."""
    name = socket.getfqdn()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def dispatcher(
    config: Config, ledger: Ledger, keyring: Keyring, *, holder: HolderId, patience: Patience
) -> Dispatcher:
    """What delivers in one process, by its part of the configuration.

    Raises:
        ConfigError: E435, a DKIM key that cannot be used.
    """
    return Dispatcher(
        ledger,
        relays=config.relays,
        delivery=config.delivery,
        guard=config.guard,
        keyring=keyring,
        signer=signer_of(config),
        holder=holder,
        helo=greeting(),
        clock=now,
        jitter=lambda: random.uniform(-1.0, 1.0),  # noqa: S311  spreads retries, no secret
        patience=patience,
    )


def work(config: Config, pipe: Pipe, *, patience: Patience, level: int) -> None:
    """What a further process does, from its start to its end.

    Args:
        config: with its part of each relay's connections.
        pipe: to the first process.
        patience: for how long it waits for what is in its way.
        level: the level of the log from which on lines are passed on.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us, too: the first one decides
    _log_through(pipe, level)
    try:
        said: Report = asyncio.run(_deliver(config, pipe, patience))
    except Exception as error:  # noqa: BLE001  the first one raises it as its own
        said = Ended(error=_portable(error))
    with contextlib.suppress(OSError):  # nobody listens any more
        pipe.send(said)


async def _deliver(config: Config, pipe: Pipe, patience: Patience) -> Ended:
    ledger = open_ledger(config.database_url, journal=config.journal)
    try:
        with liveness.join(ledger) as holder:
            pipe.send(Ready(holder=holder))
            keyring = Keyring(require_secret(config))
            mine = dispatcher(config, ledger, keyring, holder=holder, patience=patience)
            _obey(pipe, mine)
            await mine.run()
            return Ended(
                started=tuple(mine.started),
                finished=tuple(mine.finished),
                quota_until=mine.quota_until,
            )
    finally:
        ledger.close()


def _obey(pipe: Pipe, mine: Dispatcher) -> None:
    """Drain or abort when told to; SIGTERM, or the first one's death, is told to drain."""
    loop = asyncio.get_running_loop()

    def listen() -> None:
        try:
            word = pipe.recv()
        except (EOFError, OSError):
            loop.remove_reader(pipe.fileno())
            word = DRAIN
        if word == ABORT:
            mine.abort()
        else:
            mine.drain()

    loop.add_reader(pipe.fileno(), listen)
    loop.add_signal_handler(signal.SIGTERM, mine.drain)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # blocked since before we began


class _Passing(logging.Handler):
    """Passes lines of the log on to the first process, which knows where they go."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        """Send it as text: what it was made of may not get through a pipe."""
        said = {"msg": self.format(record), "args": (), "exc_info": None, "exc_text": None}
        with contextlib.suppress(OSError):  # nobody listens any more
            self._pipe.send(Said(record=logging.makeLogRecord({**vars(record), **said})))


def _log_through(pipe: Pipe, level: int) -> None:
    log = logging.getLogger("mailer")
    log.addHandler(_Passing(pipe))
    log.setLevel(level)
    log.propagate = False


def _portable(error: Exception) -> Exception:
    """The error as it gets through a pipe; what cannot, in its own words."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  our own octets
    except Exception:  # noqa: BLE001  whatever makes it unfit
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
