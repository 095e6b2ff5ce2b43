"""Ask the relay's log what became of what is in doubt, before it is sent again (S-42).

::

    the log has the envelope sender in its queue        accepted, whatever the policy
    it has neither sender nor Message-ID, and must      queued again, which is no resend
    anything else                                       the policy (`on_doubt`)

It must have them if it has lines of later than `GRACE` after the doubt, and has every message that
the same relay accepted beside them, at least one: then it is that relay's log, nothing is missing
in it, and its queue is not behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import OperationalError

from mailer.delivery import relaylog
from mailer.ledger import doubt
from mailer.ledger.reconciling import reconcile
from mailer.model import MICROSECONDS, DeliveryState, Instant, MailingId
from mailer.smtp.connection import Connection, HandshakeError

if TYPE_CHECKING:
    from mailer.compose.links import Keyring
    from mailer.config import RelayConfig
    from mailer.delivery.relaylog import Reading
    from mailer.ledger import Ledger
    from mailer.ledger.doubt import Doubt, Witness

log = logging.getLogger("mailer")

GRACE: Final = 5.0
"""Seconds that a relay has to write down what it took: syslog and its own queue may be late."""

WAIT: Final = 15.0
"""Seconds that a resend waits for the log."""

LOOK: Final = 1.0  # seconds between two looks
_LONGEST: Final = 3600 * MICROSECONDS  # what no log has told by then, none will
_SLACK: Final = 2 * MICROSECONDS  # a line's time may be a second early


def doubt_wait(relays: Iterable[RelayConfig]) -> int:
    """Microseconds that a resend waits: none where no relay has a log (`settling.record`)."""
    return round(WAIT * MICROSECONDS) if any(relay.log for relay in relays) else 0


@dataclass(slots=True)
class Findings:
    """What a log decides.

    Attributes:
        found: delivery -> the relay's number for it.
        absent: the relay certainly has them not.
        lost: no log reaches back to them: none will ever decide.
    """

    found: dict[tuple[MailingId, int], str] = field(default_factory=dict)
    absent: list[tuple[MailingId, int]] = field(default_factory=list)
    lost: list[tuple[MailingId, int]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.found or self.absent or self.lost)


def judge(
    doubts: Sequence[Doubt],
    witnesses: Iterable[Witness],
    reading: Reading,
    keyring: Keyring,
    *,
    grace: int,
) -> Findings:
    """What a log says of deliveries of its relay; `grace` in microseconds. Pure."""
    findings = Findings()
    newest, oldest = reading.last or 0, reading.first or 0
    # What was accepted a moment ago may not be written yet.
    old = [one for one in witnesses if oldest + _SLACK <= one.at <= newest - grace]
    whole = bool(old) and all(_tokens(keyring, one)[0] in reading.queued for one in old)
    for one in doubts:
        sender, message_id = _tokens(keyring, one)
        queue_id = reading.queued.get(sender)
        if queue_id is not None:
            findings.found[one.key] = queue_id
        elif not oldest or oldest > one.began_at - _SLACK:
            findings.lost.append(one.key)
        elif whole and message_id not in reading.seen and one.at + grace <= newest:
            findings.absent.append(one.key)
    return findings


def _tokens(keyring: Keyring, one: Doubt | Witness) -> tuple[str, str]:
    verp, _, message_id = keyring.delivery_tokens(
        mailing=one.mailing, seq=one.seq, key_id=one.key_id
    )
    return verp, message_id


class Reconciler:
    """Looks into the logs of those relays that have one.

    Args:
        relays: all that are configured.
        helo: how we introduce ourselves to a relay whose log is to go on.
        clock: instants.
        grace, wait: seconds; see `GRACE` and `WAIT`.
    """

    def __init__(
        self,
        ledger: Ledger,
        keyring: Keyring,
        relays: Iterable[RelayConfig],
        *,
        helo: str,
        clock: Callable[[], Instant],
        grace: float,
        wait: float,
    ) -> None:
        self._ledger = ledger
        self._keyring = keyring
        self._relays = {relay.name: relay for relay in relays if relay.log is not None}
        self._helo = helo
        self._clock = clock
        self._grace = round(grace * MICROSECONDS)
        self._wait = round(wait * MICROSECONDS)
        self._silent: set[str] = set()  # relays whose log could not be read
        self._next: dict[tuple[MailingId, int, Instant], int] = {}  # when to look again for each

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look again and again, beside those who deliver."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        while self._relays:
            await self._try_to_look()

    async def _try_to_look(self) -> None:
        with contextlib.suppress(OperationalError):  # who delivers meets it, too
            await self.look()
        await asyncio.sleep(LOOK)

    async def settle(self, stopped: Callable[[], bool] = lambda: False) -> bool:
        """When nothing else is left to do: wait for the logs; whether something may be due now.

        A relay that nobody talks to may write nothing: it is greeted, so that its log goes on.
        """
        waited = False
        loop = asyncio.get_running_loop()
        latest = loop.time() + self._wait / MICROSECONDS  # the clock may be set back (case 45)
        while doubts := [one for one in self._pending() if self._clock() < one.at + self._wait]:
            if stopped():
                return False
            if loop.time() > latest:
                return False
            waited = True
            await self._try_to_look()
            late = {one.relay for one in doubts if self._clock() > one.at + self._grace}
            for name in late & self._relays.keys():
                await self._greet(self._relays[name])
        return waited

    async def look(self) -> None:
        """Settle what the logs decide by now."""
        now = self._clock()
        by_relay: dict[str, list[Doubt]] = defaultdict(list)
        for one in self._pending():
            if self._is_due(one, now):
                by_relay[one.relay].append(one)
        for name, doubts in by_relay.items():
            lost = [
                one.key for one in doubts if name not in self._relays or now > one.at + _LONGEST
            ]
            self._write(Findings(lost=lost), name)
            if asked := [one for one in doubts if one.key not in lost]:
                await self._ask(self._relays[name], asked)

    def _is_due(self, one: Doubt, now: Instant) -> bool:
        """At once, when the relay must have written, then at longer and longer intervals."""
        key = (one.mailing, one.seq, one.at)
        if now < self._next.get(key, 0):
            return False
        age = now - one.at
        self._next[key] = one.at + self._grace if age < self._grace else now + age // 4
        return True

    async def _ask(self, relay: RelayConfig, doubts: Sequence[Doubt]) -> None:
        with self._ledger.read() as connection:
            witnesses = doubt.witnesses(connection, doubts)
        reading = await self._read(relay, doubts, witnesses)
        if reading is not None:
            findings = judge(doubts, witnesses, reading, self._keyring, grace=self._grace)
            self._write(findings, relay.name)

    def _pending(self) -> list[Doubt]:
        if not self._relays:
            return []
        with self._ledger.read() as connection:
            return doubt.pending(connection)

    async def _read(
        self, relay: RelayConfig, doubts: Sequence[Doubt], witnesses: Iterable[Witness]
    ) -> Reading | None:
        assert relay.log is not None
        asked: list[Doubt | Witness] = [*doubts, *witnesses]
        wanted = {token for one in asked for token in _tokens(self._keyring, one)}
        since = min([*(one.began_at for one in doubts), *(one.at for one in witnesses)])
        try:
            return await asyncio.to_thread(
                relaylog.read, relay.log, wanted, since=Instant(since - _SLACK), now=self._clock()
            )
        except OSError as error:
            if relay.name not in self._silent:
                self._silent.add(relay.name)
                log.warning(
                    "the log of relay %s cannot be read, so [delivery] on_doubt decides: %s",
                    relay.name,
                    error,
                )
            return None

    def _write(self, findings: Findings, name: str) -> None:
        if not findings:
            return
        with self._ledger.write() as connection:
            settled = reconcile(
                connection,
                found=findings.found,
                absent=findings.absent,
                lost=findings.lost,
                now=self._clock(),
            )
        for mailing in sorted({one.mailing for one in settled}):
            states = [one.state for one in settled if one.mailing == mailing]
            log.info(
                "m%d: the log of %s has %d of %d in doubt; %d are sent again",
                mailing,
                name,
                states.count(DeliveryState.ACCEPTED),
                len(states),
                states.count(DeliveryState.QUEUED),
            )

    async def _greet(self, relay: RelayConfig) -> None:
        with contextlib.suppress(HandshakeError, TimeoutError):
            async with asyncio.timeout(self._wait / MICROSECONDS):
                connection = await Connection.open(relay, on_event=lambda *_: None, helo=self._helo)
                await connection.quit()
