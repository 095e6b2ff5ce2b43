"""What other machines say about the links and images of issues; the only checks that ask any."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mailer.check import hosts, images
from mailer.check.hosts import host_of
from mailer.check.http import Trouble, is_known
from mailer.check.visits import PAUSE, Visit, Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailer.check.proof import Image, Link, Proof
    from mailer.model import Finding

_HOPS: Final = 2
_UNKNOWN: Final = (Trouble.NO_HOST, Trouble.UNRESOLVED)
_NUMBERS: Final = re.compile(r"[\d.]*|[0-9a-f:.]*:[0-9a-f:.]*|localhost")
_AT_LEAST: Final = "https://example.org"
"""A host that is there as long as there is a net (RFC 2606)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What asking showed of one issue: its findings, its web links, and how many are fine."""

    findings: tuple[Finding, ...]
    links: int
    fine: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visits:
    """What was seen of one issue.

    Attributes:
        secure: http: address -> what is at the same address with https:.
    """

    pages: dict[str, Visit]
    images: dict[str, Visit]
    secure: dict[str, Visit]

    def without_net(self) -> _Visits:
        """The same, where missing hosts say nothing."""

        def told(visits: dict[str, Visit]) -> dict[str, Visit]:
            return {
                url: replace(visit, trouble=Trouble.OFFLINE) if visit.trouble in _UNKNOWN else visit
                for url, visit in visits.items()
            }

        return _Visits(pages=told(self.pages), images=told(self.images), secure=told(self.secure))


def ask(proofs: Sequence[Proof], *, pause: float = PAUSE) -> list[Report]:
    """Follow all links and look at all images of some issues, each address once."""
    return asyncio.run(_ask(proofs, pause))


async def _ask(proofs: Sequence[Proof], pause: float) -> list[Report]:
    listed = tuple({host for proof in proofs for host in proof.config.hosts})
    visitor = Visitor(listed=listed, pause=pause)
    seen = await asyncio.gather(*(_see(proof, visitor) for proof in proofs))
    if await _is_offline(proofs, seen):
        seen = [visits.without_net() for visits in seen]
    return [_report(proof, visits) for proof, visits in zip(proofs, seen, strict=True)]


async def _is_offline(proofs: Sequence[Proof], seen: Sequence[_Visits]) -> bool:
    """Whether no name at all can be resolved here: then it says nothing that some could not.

    Some systems answer without a net as if a host did not exist.
    """
    named = [
        visit.trouble
        for visits in seen
        for url, visit in (*visits.pages.items(), *visits.images.items())
        if not _NUMBERS.fullmatch(host_of(url))
    ]
    if Trouble.NO_HOST not in named or any(one not in _UNKNOWN for one in named):
        return False
    own = {host_of(url) for proof in proofs for url in (proof.newsletter.site, _AT_LEAST)}
    known = await asyncio.gather(*(is_known(host) for host in own if not _NUMBERS.fullmatch(host)))
    return not any(known)


async def _see(proof: Proof, visitor: Visitor) -> _Visits:
    links = [link.url for link in proof.web_links]
    pictures = [image.url for image in proof.images if _is_remote(image, proof)]
    plain = [url for url in links if url.startswith("http:") and urlsplit(url).port in (None, 80)]
    secured = list(map(_secured, plain))
    visits = await asyncio.gather(
        *map(visitor.page, links), *map(visitor.image, pictures), *map(visitor.page, secured)
    )
    pages, shown = visits[: len(links)], visits[len(links) : len(links) + len(pictures)]
    return _Visits(
        pages=dict(zip(links, pages, strict=True)),
        images=dict(zip(pictures, shown, strict=True)),
        secure=dict(zip(plain, visits[len(links) + len(pictures) :], strict=True)),
    )


def _is_remote(image: Image, proof: Proof) -> bool:
    own = f"{proof.newsletter.url}/images/"
    return image.url.startswith(("http:", "https:")) and not image.url.startswith(own)


def _report(proof: Proof, visits: _Visits) -> Report:
    links = proof.web_links
    findings = [
        *_missing(proof, links, visits),
        *_unverified(proof, links, visits),
        *_roundabout(proof, links, visits),
        *_insecure(proof, links, visits),
        *_pictures(proof, visits),
    ]
    fine = sum(visits.pages[link.url].is_fine for link in links)
    return Report(findings=tuple(findings), links=len(links), fine=fine)


def _missing(proof: Proof, links: Sequence[Link], visits: _Visits) -> Iterator[Finding]:
    """E121: nothing is there."""
    for link in links:
        visit = visits.pages[link.url]
        if visit.is_gone:
            own = hosts.owner(link.host) == hosts.owner(host_of(proof.newsletter.site))
            said = f"{link.url} {_said(visit)}"
            yield _found(
                proof,
                "E121",
                link,
                f"your own page {said}" if own else said,
                "publish the page first, or correct the address" if own else "correct it",
            )


def _unverified(proof: Proof, links: Sequence[Link], visits: _Visits) -> Iterator[Finding]:
    """I122: nothing can be said; alike ones of a host together."""
    groups: defaultdict[tuple[str, str], list[Link]] = defaultdict(list)
    for link in links:
        visit = visits.pages[link.url]
        if not visit.is_fine and not visit.is_gone:
            host = f" at {link.host}" if visit.trouble is not Trouble.OFFLINE else ""
            groups[host, str(visit.trouble or visit.status)].append(link)
    for (host, reason), some in groups.items():
        more = f" and {len(some) - 1} more{host}" if len(some) > 1 else ""
        message = f"{some[0].url}{more} could not be verified ({reason})"
        step = f'[check] hosts = ["{some[0].host}"]' if reason == Trouble.FORBIDDEN else ""
        yield _found(proof, "I122", some[0], message, step)


def _roundabout(proof: Proof, links: Sequence[Link], visits: _Visits) -> Iterator[Finding]:
    """W123: more than two redirects."""
    for link in links:
        visit = visits.pages[link.url]
        if visit.is_fine and visit.hops > _HOPS and not hosts.is_shortener(link.host):
            message = f"{link.url} is redirected {visit.hops} times"
            yield _found(proof, "W123", link, message, f"link to {visit.final}")


def _insecure(proof: Proof, links: Sequence[Link], visits: _Visits) -> Iterator[Finding]:
    """W125: the same page is there over https."""
    for link in links:
        secure = visits.secure.get(link.url)
        if secure is not None and secure.is_fine and visits.pages[link.url].is_fine:
            message = f"{link.host} serves https, too"
            yield _found(proof, "W125", link, message, _secured(link.url))


def _secured(url: str) -> str:
    """The same address over https."""
    parts = urlsplit(url)
    return parts._replace(scheme="https", netloc=parts.netloc.removesuffix(":80")).geturl()


def _pictures(proof: Proof, visits: _Visits) -> Iterator[Finding]:
    """E121 and W132 of images that others serve."""
    for image in proof.images:
        visit = visits.images.get(image.url)
        if visit is None or image.number > 1:
            continue
        if visit.is_gone:
            message = f"the image {image.url} {_said(visit)}"
            yield images.found(proof, "E121", image, message, "correct the address")
        elif visit.is_fine:
            yield from images.weighed(proof, image, size=visit.size or 0, start=visit.beginning)


def _said(visit: Visit) -> str:
    return f"answers {visit.status}" if visit.status else f"cannot be there: {visit.trouble}"


def _found(proof: Proof, check: str, link: Link, message: str, step: str) -> Finding:
    return proof.found(check, message, proof.address(link.url, link.number), next_step=step)
