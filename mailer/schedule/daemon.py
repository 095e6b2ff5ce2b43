"""The daemon: looks every few seconds for what is due, and delivers it."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy.exc import DatabaseError

from mailer.delivery.crew import TAKEN
from mailer.delivery.pace import Patience
from mailer.delivery.shift import Shift
from mailer.errors import MailerError
from mailer.ledger import mailings
from mailer.ledger.starting import Verdict
from mailer.model import MailingState, moment
from mailer.schedule.due import Calendar, something_to_do
from mailer.when import now

if TYPE_CHECKING:
    from mailer.compose.links import Keyring
    from mailer.config import Config
    from mailer.delivery.shift import Report
    from mailer.ledger import Ledger
    from mailer.model import HolderId

log = logging.getLogger("mailer")

EVERY = 5  # seconds between two looks
RELAY_DOWN = "E310"


class Daemon:
    """Looks every few seconds and delivers what is due, until SIGINT or SIGTERM.

    Args:
        holder: this process's number from `ledger.liveness.hold`, held as long as the daemon lives.

    Attributes:
        taken_for_dead: the number is of no more use: somebody recovered what was held under it.
    """

    def __init__(
        self, config: Config, ledger: Ledger, keyring: Keyring, *, holder: HolderId
    ) -> None:
        self._config = config
        self._ledger = ledger
        self._keyring = keyring
        self._holder = holder
        self._calendar = Calendar(config, ledger)
        self._shift: Shift | None = None
        self._looking = asyncio.Lock()
        self._signals: list[int] = []
        self.taken_for_dead = False

    async def run(self) -> int | None:
        """Run until told to stop, or taken for dead.

        Returns:
            The second signal, if one cut the draining short.
        """
        self._over = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal, number)
        scheduler = AsyncIOScheduler(timezone="UTC")
        # A look that was late or still runs is simply the next look: nothing is queued up.
        scheduler.add_job(
            self._look,
            "interval",
            seconds=EVERY,
            next_run_time=moment(now()),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        scheduler.add_job(
            self._release,
            "interval",
            seconds=EVERY,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        scheduler.start()
        try:
            await self._over.wait()
            scheduler.pause()
            async with self._looking:
                pass  # the look that is under way has ended
        finally:
            scheduler.shutdown(wait=False)
        return self._signals[1] if len(self._signals) > 1 else None

    def _on_signal(self, number: int) -> None:
        self._signals.append(number)
        self._over.set()
        if self._shift is not None:
            self._shift.on_signal(number)

    async def _look(self) -> None:
        async with self._looking:
            if self._signals:
                return
            try:
                await self._deliver()
            except MailerError as error:
                log.error("%s", " · ".join(part for part in _words(error) if part))
                if error.code == TAKEN and not self._signals:
                    self.taken_for_dead = True
                    self._over.set()
            except DatabaseError as error:
                log.error("the ledger cannot be used now, trying again soon: %s", error.orig)
            finally:
                self._shift = None

    async def _release(self) -> None:
        """What becomes due while a long mailing is being sent does not wait for its end."""
        if self._shift is None or self._signals:
            return
        try:
            self._calendar.release(now=now())
        except MailerError as error:
            log.error("%s", " · ".join(part for part in _words(error) if part))
        except DatabaseError as error:
            log.error("the ledger cannot be used now, trying again soon: %s", error.orig)

    async def _deliver(self) -> None:
        self._calendar.release(now=now())
        with self._ledger.read() as connection:
            if not something_to_do(connection, now=now()):
                return
        self._shift = Shift(
            self._config,
            self._ledger,
            self._keyring,
            holder=self._holder,
            patience=Patience(trouble=max(relay.max_wait for relay in self._config.relays)),
        )
        try:
            _log(await self._shift.run())
        except MailerError as error:
            if error.code == RELAY_DOWN:
                self._give_up(error)
            raise

    def _give_up(self, error: MailerError) -> None:
        """The relay was down for `relay.max_wait`: pause what waits for it, and say so."""
        with self._ledger.write() as connection:
            for mailing_id in mailings.waiting(connection):
                mailings.set_state(
                    connection,
                    mailing_id,
                    MailingState.PAUSED,
                    actor="mailer",
                    now=now(),
                    reason=str(error),
                )


def _words(error: MailerError) -> tuple[str, ...]:
    return (str(error), error.where, " ".join(error.detail.split()), error.next)


def _log(report: Report) -> None:
    for one in report.recovered:
        log.warning(
            "recovered m%d: %d returned to the queue, %d in doubt",
            one.mailing,
            one.returned,
            one.in_doubt,
        )
    for start in report.started:
        if start.verdict is Verdict.ASK:
            log.warning(
                "m%d is paused: %s → mailer resume m%d", start.mailing, start, start.mailing
            )
        elif start.verdict is Verdict.NOTE:
            log.info("m%d: %s", start.mailing, start)
    for mailing_id in report.finished:
        log.info("m%d is sent", mailing_id)
    if report.drained:
        log.info("stopped; what is left goes on at the next start")
