"""Access tokens for a relay that takes no password: fetched with the refresh token (R6749 §6).

A token is kept until shortly before it expires and fetched once at a time, however many connections
wait for it; see `grants` for how.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar

from mailer.smtp.events import AuthFault
from mailer.smtp.grants import ask, host_of, unset
from mailer.smtp.trust import HandshakeError

if TYPE_CHECKING:
    from mailer.config import OAuth

log = logging.getLogger("mailer")

T = TypeVar("T")

_ROTATED: Final = (
    "%s gave a new refresh token: the configured one is obsolete; this process uses the new one "
    "until it ends"
)
_EARLY: Final = 60.0  # seconds before its end at which a token is not used any more


async def with_token(oauth: OAuth, attempt: Callable[[str], Awaitable[T]]) -> T:
    """Do what needs a token; once more, if one that was kept is refused (S-12).

    Raises:
        HandshakeError: there is no token, or a fresh one is refused.
    """
    tokens = _tokens(oauth)
    token, fresh = await tokens.get()
    try:
        return await attempt(token)
    except HandshakeError as error:
        if fresh or error.fault is not AuthFault.TOKEN:
            raise
    tokens.refused(token)
    token, _ = await tokens.get()
    return await attempt(token)


class Tokens:
    """The access tokens of one account, as long as this process lives."""

    def __init__(self, oauth: OAuth, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._oauth = oauth
        self._clock = clock
        self._refresh_token = oauth.refresh_token
        self._token = ""
        self._until = 0.0
        self._fetching: asyncio.Task[None] | None = None

    async def get(self) -> tuple[str, bool]:
        """A token that should be valid, and whether it was fetched just now.

        Raises:
            HandshakeError: none could be had; `configuration` if the endpoint refuses us.
        """
        if self._token and self._clock() < self._until:
            return self._token, False
        loop = asyncio.get_running_loop()
        task = self._fetching
        if task is None or task.done() or task.get_loop() is not loop:
            task = self._fetching = loop.create_task(self._fetch())
            task.add_done_callback(_seen)
        await asyncio.shield(task)  # who gives up waiting takes nothing from the others
        return self._token, True

    def refused(self, token: str) -> None:
        """The relay does not take this one; another that came meanwhile stays."""
        if token == self._token:
            self._token = ""

    async def _fetch(self) -> None:
        if not self._refresh_token:
            raise unset(host_of(self._oauth))
        granted = await ask(self._oauth, self._refresh_token)
        self._token = granted.token
        self._until = self._clock() + granted.lifetime - min(_EARLY, granted.lifetime / 10)
        if granted.refresh_token not in {"", self._refresh_token}:
            if self._refresh_token == self._oauth.refresh_token:  # some give one with each answer
                log.warning(_ROTATED, host_of(self._oauth))
            self._refresh_token = granted.refresh_token


@lru_cache(maxsize=64)
def _tokens(oauth: OAuth) -> Tokens:
    return Tokens(oauth)


def _seen(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.exception()
