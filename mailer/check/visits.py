"""Links are followed as a careful reader would: asked twice, redirects and all, few at a time.

::

    HEAD ──▶ 2xx, 3xx to the end ──▶ fine
      └─▶ anything else ──▶ GET ──▶ 404, 410, no such host ──▶ 5 s later GET again ──▶ gone
                              └───▶ 401, 403, 429, 5xx, no answer ──▶ could not be verified
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urldefrag, urljoin

from mailer.check.http import Answer, NoAnswerError, Target, Trouble, exchange

AT_ONCE: Final = 16
PER_HOST: Final = 2
PAUSE: Final = 5.0
"""Seconds before what is missing is asked for again."""

_HOPS: Final = 10
_BEGINNING: Final = 65_536
"""Octets of an image that say how large it is."""

_GONE: Final = frozenset({404, 410})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_FIRST_FAULT: Final = 400
_SIZE: Final = re.compile(r"[0-9]{1,15}").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What became of following an address.

    Attributes:
        status: of the last answer; 0 if there was none, and `trouble` says why.
        final: where the redirects led to.
        hops: how many redirects there were.
        size: octets of what is there, as the server says; None if it does not.
        beginning: the first octets, if they were asked for.
    """

    status: int = 0
    trouble: Trouble | None = None
    final: str = ""
    hops: int = 0
    size: int | None = None
    beginning: bytes = b""

    @property
    def is_fine(self) -> bool:
        """Whether something is there."""
        return 0 < self.status < _FIRST_FAULT

    @property
    def is_gone(self) -> bool:
        """Whether nothing is there, by all that can be known."""
        return self.status in _GONE or self.trouble is Trouble.NO_HOST


class Visitor:
    """Follows addresses, each once in its life.

    Args:
        listed: hosts that may be visited whatever their address.
        pause: seconds before what is missing is asked for again.
    """

    def __init__(self, *, listed: tuple[str, ...] = (), pause: float = PAUSE) -> None:
        self._listed = listed
        self._pause = pause
        self._trust = ssl.create_default_context()
        self._all = asyncio.Semaphore(AT_ONCE)
        self._hosts: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(PER_HOST)
        )
        self._known: dict[tuple[str, int], asyncio.Task[Visit]] = {}

    async def page(self, url: str) -> Visit:
        """Whether there is a page."""
        return await self._once(url, 0)

    async def image(self, url: str) -> Visit:
        """Whether there is an image, with its size and its first octets."""
        return await self._once(url, _BEGINNING)

    async def _once(self, url: str, most: int) -> Visit:
        key = urldefrag(url).url, most
        if key not in self._known:
            self._known[key] = asyncio.create_task(self._visit(*key))
        return await self._known[key]

    async def _visit(self, url: str, most: int) -> Visit:
        if not most:
            visit = await self._follow("HEAD", url, most)
            if visit.is_fine or visit.trouble is Trouble.FORBIDDEN:
                return visit
        visit = await self._follow("GET", url, most)
        if visit.is_gone:
            await asyncio.sleep(self._pause)
            visit = await self._follow("GET", url, most)
        return visit

    async def _follow(self, method: str, url: str, most: int) -> Visit:
        for hops in range(_HOPS + 1):
            try:
                answer = await self._ask(method, url, most)
            except NoAnswerError as error:
                return Visit(trouble=error.trouble, final=url, hops=hops)
            where = answer.headers.get("location", "")
            if answer.status not in _REDIRECTS or not where:
                return replace(_read(answer), final=url, hops=hops)
            url = _joined(url, where)
        return Visit(trouble=Trouble.CIRCLE, final=url, hops=_HOPS)

    async def _ask(self, method: str, url: str, most: int) -> Answer:
        target = Target.of(url)
        if target is None:
            raise NoAnswerError(Trouble.ODD)
        async with self._hosts[target.host], self._all:
            return await exchange(method, target, trust=self._trust, listed=self._listed, most=most)


def _joined(url: str, where: str) -> str:
    """Where a redirect leads; nowhere if that is no address at all."""
    try:
        return urldefrag(urljoin(url, where)).url
    except ValueError:
        return ""


def _read(answer: Answer) -> Visit:
    whole = answer.headers.get("content-range", "").rpartition("/")[2]
    said = whole or answer.headers.get("content-length", "")
    size = int(said) if _SIZE(said) else None
    return Visit(status=answer.status, size=size, beginning=answer.body)
