"""MJML to HTML: values travel past the compiler in parcels, and errors name a template's line.

The compiler loses newlines, corrupts attributes and refuses ordinary HTML, so it never sees the
content of an issue or any value that is more than a plain word: it compiles a shell with parcels in
it, and they are opened afterwards. It also says nothing of tags and attributes that it does not
know, and of some errors not where they are; all of them are looked for here.
"""

from __future__ import annotations

import hashlib
import re
from html import unescape
from typing import TYPE_CHECKING, Final

from lxml import etree
from markupsafe import Markup, escape
from mjml import mjml2html

from mailer.errors import CheckError
from mailer.render.attributes import what_is_wrong

if TYPE_CHECKING:
    from mailer.render.marks import Rendered

_PLAIN: Final = re.compile(r"[A-Za-z0-9 #.,:;()'/%_-]*")
_POSITION: Final = re.compile(r" at position (\d+):\d+$")
_OPENED: Final = re.compile(r"mismatch: (?!mj)\S+ line (\d+) and ")
_TAGS: Final = re.compile(
    r"<!--.*?-->|<(?P<close>/?)(?P<name>mj[a-z-]*)(?:\"[^\"]*\"|'[^']*'|[^'\">])*?(?P<empty>/?)>",
    re.DOTALL,
)

_ATTRIBUTE: Final = re.compile(r"([^\s\"'<>/=]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")

_COLUMN: Final = frozenset({"mj-column", "mj-hero"})
_PARENTS: Final[dict[str, frozenset[str]]] = {
    "mjml": frozenset({""}),
    **dict.fromkeys(("mj-head", "mj-body"), frozenset({"mjml"})),
    **dict.fromkeys(
        ("mj-attributes", "mj-breakpoint", "mj-font", "mj-preview", "mj-style", "mj-title"),
        frozenset({"mj-head"}),
    ),
    "mj-wrapper": frozenset({"mj-body"}),
    "mj-section": frozenset({"mj-body", "mj-wrapper"}),
    "mj-hero": frozenset({"mj-body", "mj-wrapper"}),
    "mj-group": frozenset({"mj-section"}),
    "mj-column": frozenset({"mj-section", "mj-group"}),
    **dict.fromkeys(("mj-text", "mj-image", "mj-button", "mj-divider", "mj-spacer"), _COLUMN),
    **dict.fromkeys(("mj-table", "mj-social", "mj-navbar", "mj-accordion", "mj-carousel"), _COLUMN),
    "mj-social-element": frozenset({"mj-social"}),
    "mj-navbar-link": frozenset({"mj-navbar"}),
    "mj-accordion-element": frozenset({"mj-accordion"}),
    "mj-accordion-title": frozenset({"mj-accordion-element"}),
    "mj-accordion-text": frozenset({"mj-accordion-element"}),
    "mj-carousel-image": frozenset({"mj-carousel"}),
    **dict.fromkeys(("mj-all", "mj-class"), frozenset({"mj-attributes"})),
    "mj-raw": _COLUMN | {"mj-head", "mj-body", "mj-wrapper", "mj-section", "mj-group"},
}
"""Which element may stand in which; what mj-attributes holds are defaults, not elements."""

_HOLDING_HTML: Final = (
    frozenset(_PARENTS) - frozenset().union(*_PARENTS.values()) - {"mj-attributes"}
)


class Parcels:
    """Values on their way past the compiler, each under a token of ASCII letters and digits.

    Args:
        seed: the same seed and values give the same tokens (decisions 12).
    """

    def __init__(self, seed: str) -> None:
        self._prefix = f"tok{hashlib.sha256(f'parcels{seed}'.encode()).hexdigest()[:10]}v"
        self._contents: list[str] = []

    def pack_html(self, html: str) -> str:
        """A token for finished HTML."""
        self._contents.append(html)
        return f"{self._prefix}{len(self._contents) - 1}e"

    def pack(self, value: object) -> str:
        """Markup and plain words as they are; a token for every other value, to be escaped."""
        text = value if isinstance(value, str) else str(value)
        if isinstance(text, Markup) or _PLAIN.fullmatch(text):
            return text
        return Markup(self.pack_html(escape(text)))  # noqa: S704  a token

    def unpack(self, html: str) -> str:
        """Compiled HTML with the contents in their places."""
        token = re.compile(rf"{self._prefix}(\d+)e")
        return token.sub(lambda match: self._contents[int(match[1])], html)


def compile_shell(shell: Rendered) -> str:
    """The HTML of a rendered MJML template.

    Raises:
        CheckError: E201 unknown tag, attribute or value, E202 a tag where it may not stand, E203
            not well-formed; each with the template and its line.
    """
    _check_tags(shell)
    try:
        html: str = mjml2html(shell.text, disable_comments=False, fonts={})
    except ValueError as error:
        message = str(error)
        at = _POSITION.search(message)
        offset = _first_fault(shell.text)
        if offset is None:
            offset = _offset(shell.text, int(at[1])) if at else 0
        reason = _POSITION.sub("", message).replace(" in root template", "")
        raise _error("E203", f"MJML: {reason}", shell, offset) from error
    return html


def _check_tags(shell: Rendered) -> None:
    opened: list[tuple[str, int]] = [("", 0)]
    for tag in _TAGS.finditer(shell.text):
        name, (parent, since) = tag["name"], opened[-1]
        if name is None:
            continue
        if tag["close"]:
            if name != parent:
                culprit = f"<{parent}> is not closed" if parent else f"</{name}> closes nothing"
                raise _error("E203", culprit, shell, since if parent else tag.start())
            opened.pop()
            continue
        if parent in _HOLDING_HTML:
            raise _error("E203", f"<{parent}> is not closed before <{name}>", shell, since)
        _check_place(name, parent, shell, tag.start())
        _check_attributes(tag, shell)
        if not tag["empty"]:
            opened.append((name, tag.start()))
    if len(opened) > 1:
        raise _error("E203", f"<{opened[-1][0]}> is not closed", shell, opened[-1][1])


def _check_place(name: str, parent: str, shell: Rendered, offset: int) -> None:
    if name == "mj-include":
        raise _error("E202", "<mj-include> is written {% include %} here", shell, offset)
    if parent == "mj-attributes" and name in _PARENTS:
        return
    if name not in _PARENTS:
        raise _error("E201", f"There is no <{name}> in MJML", shell, offset)
    if parent not in _PARENTS[name]:
        places = " or ".join(f"<{place}>" for place in sorted(_PARENTS[name]) if place)
        where = f"belongs into {places}" if places else "may stand only once, around everything"
        raise _error("E202", f"<{name}> {where}", shell, offset)


def _check_attributes(tag: re.Match[str], shell: Rendered) -> None:
    for attribute in _ATTRIBUTE.finditer(shell.text, tag.end("name"), tag.end()):
        value = unescape(attribute[2] if attribute[2] is not None else attribute[3])
        wrong = what_is_wrong(tag["name"], attribute[1], value)
        if wrong is not None:
            message, step = wrong
            raise _error("E201", message, shell, attribute.start(), step=step)


def _offset(text: str, position: int) -> int:
    """A byte offset in UTF-8, as the compiler counts, as one of characters."""
    return len(text.encode()[:position].decode(errors="ignore"))


def _first_fault(text: str) -> int | None:
    """Where an XML parser stumbles first; names of HTML entities do not count.

    The compiler does not compare the names of tags, so it stumbles only later, or not at a place.
    """
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    try:
        etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError:  # nothing at all to recover
        return None
    for fault in parser.error_log:
        if "ENTITY" not in fault.type_name:
            opened = _OPENED.search(fault.message)
            line = int(opened[1]) if opened else int(fault.line)
            return len("".join(text.splitlines(keepends=True)[: line - 1]))
    return None


def _error(
    code: str,
    message: str,
    shell: Rendered,
    offset: int,
    *,
    step: str = "correct the template at this line",
) -> CheckError:
    line = shell.text[offset:].split("\n", 1)[0].strip()
    return CheckError(
        code,
        message,
        where=shell.where(offset),
        detail=line[:120],
        next_step=step,
    )
