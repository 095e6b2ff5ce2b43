"""What a mail asks of mail clients, and which of them cannot do it: caniemail's data, reduced.

The data (`caniemail/features.json`, made by `scripts/caniemail.py`) holds what would lose words or
break a mail apart; what only decorates is not in it. What the built-in theme does itself, with a
way out for those clients, is no finding.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from lxml import etree

from mailer.check import sheets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

    from mailer.check.proof import Proof
    from mailer.model import Finding

THEME: Final = frozenset({"p:white-space"})
"""What the untouched theme uses although not every client can."""

DATA: Final = Path(__file__).parent / "caniemail" / "features.json"
_SPELT: Final = {
    "apple-mail": "Apple Mail",
    "gmail": "Gmail",
    "outlook": "Outlook",
    "outlook-windows": "classic Outlook for Windows",
    "yahoo": "Yahoo",
    "samsung": "Samsung Email",
    "thunderbird": "Thunderbird",
    "proton": "Proton Mail",
    "gmx": "GMX",
    "web-de": "WEB.DE",
    "fastmail": "Fastmail",
    "hey": "HEY",
    "orange": "Orange",
    "mail-ru": "Mail.ru",
}
_FUNCTION = re.compile(r"(?<![\w-])([a-z-]+)\(")
_UNIT = re.compile(r"(?<![\w#.-])-?(?:\d+\.?\d*|\.\d+)([a-z]+)\b")
_PSEUDO = re.compile(r"::?([a-z-]+)")
_AT = re.compile(r"@[a-z-]+", re.IGNORECASE)
_STRING = re.compile(r"url\([^)]*\)|\"[^\"]*\"|'[^']*'")


def check_clients(proof: Proof) -> Iterator[Finding]:
    """W170: what some of the configured clients do not support."""
    data = features()
    chosen = [(name, data["families"].index(name)) for name in proof.config.clients]
    said = set()
    for use in sorted(uses(proof.mail) - THEME):
        title, slug, marks = data["features"].get(use, ("", "", ""))
        lacking = [_SPELT[name] for name, at in chosen if marks and marks[at] == "n"]
        if lacking and title not in said:
            said.add(title)
            yield proof.found(
                "W170",
                f"{title}: not in {', '.join(lacking)}",
                next_step=f"do without it; https://www.caniemail.com/features/{slug}/",
            )


@cache
def features() -> dict[str, Any]:
    """The bundled data: families in order, and of each feature title, slug and a mark for each."""
    found: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return found


def uses(mail: HtmlElement) -> set[str]:
    """What a finished HTML part asks of a client, in the spelling of the data."""
    found: set[str] = set()
    styles: set[str] = set()
    for element in mail.iter(etree.Element):
        found.add(f"e:{element.tag}")
        found.update(f"a:{name}" for name in element.attrib)
        styles.add(element.get("style", ""))
        if element.tag == "img":
            ending = PurePosixPath(_path(element.get("src", ""))).suffix
            found.add(f"i:{ending.lower().removeprefix('.')}")
        elif element.tag == "style":
            found |= _of_sheet(element.text or "")
    return found.union(*map(_of_body, styles))


@lru_cache(maxsize=4096)
def _of_body(body: str) -> frozenset[str]:
    """What declarations ask for; of shorthands the parts that checks know."""
    found: set[str] = set()
    for name, value in sheets.declarations(body)[0].items():
        if name == "background-image" and "url(" not in value:
            found |= _of_value(value)
            continue
        found |= {f"p:{name}", f"v:{name}:{value}"} | _of_value(value)
    return frozenset(found)


def _of_value(value: str) -> set[str]:
    plain = _STRING.sub("", value)
    functions = {f"f:{name}" for name in _FUNCTION.findall(plain)}
    return functions | {f"u:{unit}" for unit in _UNIT.findall(plain)}


@lru_cache(maxsize=32)
def _of_sheet(css: str) -> frozenset[str]:
    found = {at.lower() for at in _AT.findall(_STRING.sub("", css))}
    for rule in sheets.read(css):
        if any(not one.startswith("@") for one in rule.at):
            found.add("nesting")
        if not rule.at:  # a rule for some media only adds to what the others see
            body = ";".join(f"{name}:{value}" for name, value in rule.values.items())
            found |= _of_body(body)
            found |= {f":{name}" for name in _PSEUDO.findall(rule.selector.lower())}
    return frozenset(found)


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
