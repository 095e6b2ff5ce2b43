"""One turn at delivering: recover what died, start what is due, dispatch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.delivery import crew, hand, reconciling
from mailer.delivery.crew import Crew
from mailer.delivery.pace import Patience
from mailer.delivery.reconciling import Reconciler
from mailer.ledger import mailings, recovery, standing, starting
from mailer.when import now

if TYPE_CHECKING:
    from mailer.compose.links import Keyring
    from mailer.config import Config
    from mailer.delivery.dispatch import Dispatcher
    from mailer.ledger import Ledger
    from mailer.ledger.recovery import Recovered
    from mailer.ledger.starting import Started
    from mailer.model import HolderId, Instant, MailingId

FOREGROUND = Patience(trouble=60.0, quota=60.0)
"""How long a command without a daemon waits for a relay (decisions 4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a turn did besides what the ledger says.

    Attributes:
        drained: it was asked to stop before everything was settled.
        signal: the signal that stopped it at once; None if none did.
        quota_until: the rest was left over because of quotas that are used up until then.
    """

    recovered: tuple[Recovered, ...]
    started: tuple[Started, ...]
    finished: tuple[MailingId, ...]
    drained: bool
    signal: int | None
    quota_until: Instant | None = None


class Shift:
    """A turn; `on_signal` may be called while it runs.

    Args:
        holder: this process's number from `ledger.liveness.hold`, held for at least the turn.
        patience: for how long it waits for what is in its way.
    """

    def __init__(
        self,
        config: Config,
        ledger: Ledger,
        keyring: Keyring,
        *,
        holder: HolderId,
        patience: Patience = FOREGROUND,
    ) -> None:
        self._config = config
        self._ledger = ledger
        self._keyring = keyring
        self._holder = holder
        self._patience = patience
        self._reconciler = Reconciler(
            ledger,
            keyring,
            config.relays,
            helo=hand.greeting(),
            clock=now,
            grace=reconciling.GRACE,
            wait=reconciling.WAIT,
        )
        self._signals: list[int] = []
        self._crew: Crew | None = None
        self._dispatcher: Dispatcher | None = None
        self._recovered: list[Recovered] = []
        self._started: list[Started] = []
        self._finished: list[MailingId] = []
        self._quota_until: Instant | None = None

    async def run(self) -> Report:
        """Deliver everything that is due.

        Raises:
            SafetyError: this ledger may not send; see `standing.admit`.
            MailerError: what stopped the run; see `Dispatcher.run`.
        """
        again = True
        while again:
            standing.admit(self._ledger, instance=self._config.instance, now=now())
            self._recovered += recovery.recover(
                self._ledger,
                mine=self._holder,
                on_doubt=self._config.delivery.on_doubt,
                now=now(),
                doubt_wait=reconciling.doubt_wait(self._config.relays),
            )
            with self._ledger.write() as connection:
                mailings.cancel_late(connection, now=now())
                self._started += starting.start_due(connection, now=now(), actor="mailer")
            again = await self._deliver() or await self._reconciler.settle(self._stopped)
        with self._ledger.write() as connection:
            mailings.cancel_late(connection, now=now())
        return Report(
            recovered=tuple(self._recovered),
            started=tuple(self._started),
            finished=tuple(dict.fromkeys(self._finished)),
            drained=self._stopped(),
            signal=self._signals[1] if len(self._signals) > 1 else None,
            quota_until=self._quota_until,
        )

    async def _deliver(self) -> bool:
        """One round; whether there is reason for another."""
        size = crew.size(self._config, self._ledger)
        dispatcher = self._dispatcher = hand.dispatcher(
            crew.part(self._config, 0, of=size),
            self._ledger,
            self._keyring,
            holder=self._holder,
            patience=self._patience,
        )
        others = self._crew = Crew(self._config, self._ledger, size=size, patience=self._patience)
        if self._signals:
            return False
        try:
            async with self._reconciler.watching():
                await others.run(dispatcher)
        finally:
            self._recovered += others.recovered
            self._started += [*dispatcher.started, *others.started]
            self._finished += [*dispatcher.finished, *others.finished]
            self._quota_until = others.quota_until
        return others.restless and not self._signals

    def _stopped(self) -> bool:
        return bool(self._signals)

    def on_signal(self, number: int) -> None:
        """Drain at the first SIGINT or SIGTERM, stop at once at the second (S-44)."""
        self._signals.append(number)
        if self._crew is None or self._dispatcher is None:
            return
        if len(self._signals) == 1:
            self._dispatcher.drain()
            self._crew.tell(hand.DRAIN)
        else:
            self._dispatcher.abort()
            self._crew.tell(hand.ABORT)
