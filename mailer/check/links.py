"""Links as readers see them: where they lead, and what their words say; nothing is fetched."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mailer.check import hosts
from mailer.check.hosts import host_of
from mailer.check.paint import BLOCKS
from mailer.check.reading import sayings, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

    from mailer.check.proof import Link, Proof
    from mailer.model import Finding

_EMPTY_WORDS: Final = frozenset(
    {
        *("click", "click here", "click this", "click this link", "go", "here", "link", "more"),
        *("this", "this link", "this page", "read here", "see here", "right here", "more here"),
        *("hier", "hier klicken", "klick hier", "klicke hier", "klicken sie hier", "mehr"),
        *("link hier", "dieser link", "diesen link", "weiter", "siehe hier"),
        *("ici", "cliquez ici", "cliquer ici", "clique ici", "ce lien", "lien", "par ici", "plus"),
        *("aquí", "aqui", "haz clic aquí", "haga clic aquí", "clic aquí", "pulsa aquí"),
        *("este enlace", "enlace", "más", "ver más aquí"),
        *("هنا", "اضغط هنا", "انقر هنا", "هذا الرابط", "رابط", "المزيد"),
    }
)
"""Texts that say nothing by themselves, in English, German, French, Spanish and Arabic."""

_EDGES = " \t.,;:!?…→»›>()[]«‹\"'”“’‘"
_AS_ADDRESS = re.compile(
    r"(?:https?://|www\.)(?P<host>[^\s/:?#]+)\S*"
    r"|(?P<domain>(?:[a-z0-9-]+\.)+(?P<top>[a-z]{2,24}))(?P<path>/\S*)?",
    re.IGNORECASE,
)
_IS_HEADING: Final = " or ".join(f"self::h{level}" for level in range(1, 7))
_SITES_NAMES = "biz com edu gov info mil name net online org press shop site store"
_SITES: Final = frozenset(_SITES_NAMES.split())
_OF_THINGS: Final = frozenset({"ai", "app", "dev", "io", "js", "me", "py", "rs", "sh", "so", "md"})
"""Ends of names that things have as often as sites: socket.io is a library."""


def check_hosts(proof: Proof) -> Iterator[Finding]:
    """W123: shorteners, and texts that name another site; W126: hosts that stand for others."""
    on_trial = hosts.is_on_trial(host_of(proof.newsletter.site))
    for link in proof.links:
        if link.is_personal or not link.host:
            continue
        named = _named_host(link)
        if hosts.is_shortener(link.host):
            message = f"{link.host} hides where the link leads"
            yield _found(proof, "W123", link, message, "link to the page itself")
        elif named:
            message = f"the text says {named} and the link leads to {link.host}"
            yield _found(proof, "W123", link, message, f"let the text say {link.host}")
        if hosts.is_placeholder(link.host) and not on_trial:
            message = f"{link.host} only stands for a host"
            yield _found(proof, "W126", link, message, "the address that is meant")


def _named_host(link: Link) -> str:
    """The host that the text of a link names where it is another's than that of the address."""
    match = _AS_ADDRESS.fullmatch(link.text.strip(_EDGES))
    if match is None:
        return ""
    host = (match["host"] or match["domain"]).lower().removeprefix("www.")
    if match["domain"] and not match["path"] and not _is_a_site(match["top"].lower()):
        return ""
    if not host.isascii() or hosts.owner(host) == hosts.owner(link.host):
        return ""
    return host


def _is_a_site(top: str) -> bool:
    """Whether a name with this end is one of a site; each country has two letters."""
    return top in _SITES or (len(top) == 2 and top not in _OF_THINGS)  # noqa: PLR2004  ISO 3166


def check_texts(proof: Proof) -> Iterator[Finding]:
    """W124: texts that say nothing, each once; and one text for several targets."""
    by_text: dict[str, list[Link]] = {}
    for link in proof.links:
        by_text.setdefault(link.text.strip(_EDGES).casefold(), []).append(link)
    for text, links in by_text.items():
        if text in _EMPTY_WORDS:
            times = f", {len(links)} times" if len(links) > 1 else ""
            message = f'"{links[0].text}" says nothing to people who hear the page{times}'
            yield _found(proof, "W124", links[0], message, "name the target")
        elif text and (alike := _alike(proof, links)):
            message = f'"{alike[0].text}" leads to {len(alike)} different pages'
            yield _found(proof, "W124", alike[0], message, "let each text say where it leads")


def _alike(proof: Proof, links: list[Link]) -> list[Link]:
    """Those of some links with one text that not even the words around them tell apart."""
    if len({_target(link) for link in links}) == 1:
        return []
    groups: dict[tuple[object, ...], dict[str, Link]] = {}
    for link in links:
        groups.setdefault(_around(proof.anchors[link.at]), {}).setdefault(_target(link), link)
    return next((list(group.values()) for group in groups.values() if len(group) > 1), [])


def _around(anchor: HtmlElement) -> tuple[object, ...]:
    """What else a reader goes by: words of the block, of the items around it, of the heading."""
    blocks = [one for one in anchor.iterancestors() if one.tag in BLOCKS]
    if not blocks:
        return ()
    linked = " ".join(words_of(one) for one in blocks[0].iter("a"))
    if words_of(blocks[0]) != linked:
        return (blocks[0],)  # other words stand between the links
    items = tuple(next(sayings(one), "") for one in blocks if one.tag == "li")
    heading = blocks[0].xpath(f"preceding::*[{_IS_HEADING}][1]")
    return (*items, *map(words_of, heading))


def _target(link: Link) -> str:
    parts = urlsplit(link.url)
    return f"{link.host}{parts.path.rstrip('/')}?{parts.query}"


def _found(proof: Proof, check: str, link: Link, message: str, step: str) -> Finding:
    return proof.found(check, message, proof.address(link.url, link.number), next_step=step)
