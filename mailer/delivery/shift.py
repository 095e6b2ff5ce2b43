"""One turn at delivering: recover what died, start what is due, dispatch."""

from __future__ import annotations

import random
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.delivery.dispatch import Dispatcher
from mailer.ledger import mailings, recovery, starting
from mailer.when import now

if TYPE_CHECKING:
    from mailer.compose.links import Keyring
    from mailer.config import Config
    from mailer.ledger import Ledger
    from mailer.ledger.recovery import Recovered
    from mailer.ledger.starting import Started
    from mailer.model import HolderId, MailingId

FOREGROUND_PATIENCE = 60.0
"""Seconds that a command without a daemon waits for a relay that is down (decisions 4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a turn did besides what the ledger says.

    Attributes:
        drained: it was asked to stop before everything was settled.
        signal: the signal that stopped it at once; None if none did.
    """

    recovered: tuple[Recovered, ...]
    started: tuple[Started, ...]
    finished: tuple[MailingId, ...]
    drained: bool
    signal: int | None


def greeting() -> str:
    """How we introduce ourselves: our full name, or an address literal if there is none (S-1)."""
    name = socket.getfqdn()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


class Shift:
    """A turn; `on_signal` may be called while it runs.

    Args:
        holder: this process's number from `ledger.liveness.hold`, held for at least the turn.
        patience: seconds that a relay may be down before the turn ends.
    """

    def __init__(
        self,
        config: Config,
        ledger: Ledger,
        keyring: Keyring,
        *,
        holder: HolderId,
        patience: float = FOREGROUND_PATIENCE,
    ) -> None:
        self._ledger = ledger
        self._holder = holder
        self._on_doubt = config.delivery.on_doubt
        self._signals: list[int] = []
        self._dispatcher = Dispatcher(
            ledger,
            relays=config.relays,
            delivery=config.delivery,
            guard=config.guard,
            keyring=keyring,
            holder=holder,
            helo=greeting(),
            clock=now,
            jitter=lambda: random.uniform(-1.0, 1.0),  # noqa: S311  spreads retries, no secret
            patience=patience,
        )

    async def run(self) -> Report:
        """Deliver everything that is due.

        Raises:
            MailerError: what stopped the run; see `Dispatcher.run`.
        """
        recovered = recovery.recover(
            self._ledger, mine=self._holder, on_doubt=self._on_doubt, now=now()
        )
        with self._ledger.write() as connection:
            mailings.cancel_late(connection, now=now())
            started = starting.start_due(connection, now=now(), actor="mailer")
        drained = await self._dispatcher.run()
        with self._ledger.write() as connection:
            mailings.cancel_late(connection, now=now())
        stopped_by = self._signals[1] if len(self._signals) > 1 else None
        return Report(
            recovered=tuple(recovered),
            started=(*started, *self._dispatcher.started),
            finished=tuple(self._dispatcher.finished),
            drained=drained,
            signal=stopped_by,
        )

    def on_signal(self, number: int) -> None:
        """Drain at the first SIGINT or SIGTERM, stop at once at the second (S-44)."""
        self._signals.append(number)
        if len(self._signals) == 1:
            self._dispatcher.drain()
        else:
            self._dispatcher.abort()
