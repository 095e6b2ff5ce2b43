"""What the allow-list will remove: said with a line, and turned first into what a mail can hold.

Nothing here makes HTML safe; `sanitise` does, after it, with a parser.

=====================================  =========================================================
written                                becomes
=====================================  =========================================================
a player: iframe, video, audio …       its picture and its name, linked (`players`)
``<T>``, ``<your name>``, ``<video>``  text where it is never closed: it is used as a word
``<Card title="x">``, ``<x-y></x-y>``  a component of some program: its content alone
script, style, form controls, …        nothing
=====================================  =========================================================
"""

from __future__ import annotations

import html
import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import nh3

from mailer.content.sanitise.players import PLAYERS, first_source, stand_in
from mailer.content.sanitise.spans import SPANS, confine
from mailer.content.sanitise.tags import TAG
from mailer.content.shape.links import IMAGE_SCHEMES, LINK_SCHEMES, scheme_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from mailer.content.source import Source

_CLOSING = re.compile(r"</([a-zA-Z][^\s/>]*)")
_ATTRIBUTE = re.compile(r"([^\s\"'<>/=]+)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'<>`]+))?")
_TEXT_ALIGN = re.compile(r"\s*text-align\s*:\s*(?:left|right|center)\s*;?\s*\Z", re.IGNORECASE)
_BARE = re.compile(r"\s*href=\"([^\"]*)\"\s*\Z")
_DANGEROUS = frozenset({"data", "file", "javascript", "vbscript"})
_URLS = {"href": LINK_SCHEMES, "src": IMAGE_SCHEMES}

DROPPED_NAMES = (
    "applet audio canvas iframe math noembed noframes noscript object script select style svg "
    "template textarea title video"
)
DROPPED: Final = frozenset(DROPPED_NAMES.split())
"""Elements that go with their content, which is not for reading."""

_DRAWN = frozenset({"math", "svg"})
"""Elements of which a mail can have the words alone."""

_FORMULA = re.compile(r"<annotation\b[^>]*>(.*?)</annotation>", re.DOTALL | re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^>]*>")

_UNWRAPPED_NAMES = (
    "acronym address area article aside basefont big blink body data datalist fieldset font "
    "footer frame frameset head header hgroup html image keygen label legend listing main map "
    "marquee menuitem meter multicol nav nextid nobr optgroup output param picture plaintext "
    "progress rb rtc ruby search section slot source spacer track wbr xmp"
)
_UNWRAPPED = frozenset(_UNWRAPPED_NAMES.split())
"""Elements whose loss nobody sees: their content stays, and nothing is said."""


_OPEN_NAMES = (
    "area b basefont br center col dd div dt em frame hr i image img input keygen li nextid p "
    "param s small source spacer span strong tbody td tfoot th thead tr track u wbr"
)
_MAY_STAY_OPEN = frozenset(_OPEN_NAMES.split())
"""Elements that need no end, or that people leave open and browsers close where they should."""


def survey(markup: str, source: Source, *, allowed: AbstractSet[str]) -> str:
    """Report what is lost outside of the elements that are `allowed`, and soften the loss."""
    markup = confine(markup, source)
    closed = {name.lower() for name in _CLOSING.findall(markup)}
    seen: Counter[str] = Counter()
    pieces: list[str] = []
    done = 0
    for tag in TAG.finditer(markup):
        if not tag["name"] or tag["end"] or tag.start() < done:
            continue
        name = tag["name"].lower()
        seen[name] += 1
        is_open = name in DROPPED and _is_open(name, source)
        is_word = _is_word(tag, name, frozenset() if is_open else closed)
        if not is_word and _stays(tag, name, allowed, source):
            continue
        end = tag.end() if is_word or is_open else _end(markup, tag, name)
        stands = _text(tag) if is_word else _stand_in(tag, name, markup[tag.end() : end])
        _report(tag, stands, seen[name], source, is_word=is_word)
        if stands or name in DROPPED:
            pieces += [markup[done : tag.start()], stands]
            done = end
    return "".join([*pieces, markup[done:]])


def _stays(tag: re.Match[str], name: str, allowed: AbstractSet[str], source: Source) -> bool:
    """Whether nothing is lost by an element but attributes, which are reported."""
    if name not in allowed or (name == "input" and not _is_task(tag["rest"])):
        return name in _UNWRAPPED
    if "=" in tag["rest"] and not _is_its_own_text(tag):
        _check_attributes(name, tag["rest"], source)
    return True


def _is_its_own_text(tag: re.Match[str]) -> bool:
    """Whether a link only marks an address as one, as `<ssh://host>` does: it stays as text."""
    address = _BARE.match(tag["rest"])
    return address is not None and tag.string.startswith(f"{address[1]}</a>", tag.end())


def _is_word(tag: re.Match[str], name: str, closed: AbstractSet[str]) -> bool:
    """Whether it is no element but text, as in `Vec<T>` or in "the <video> element"."""
    if "=" in tag["rest"] or tag[0].endswith("/>"):
        return False
    if name in SPANS and tag["rest"].strip():
        return True  # as in "a <b and a> c": no word is an attribute of these
    return name not in closed and name not in _MAY_STAY_OPEN


def _is_open(name: str, source: Source) -> bool:
    """Whether the author never ended it; the engine ends what would hide the rest of the issue."""
    return not source.line_matching(rf"</{re.escape(name)}(?![\w-])")


def _text(tag: re.Match[str]) -> str:
    return html.escape(html.unescape(tag[0]), quote=False)


def _is_task(rest: str) -> bool:
    """Our own task lists are made of these."""
    attributes = dict(_attributes(rest))
    return attributes.get("type") == "checkbox" and "disabled" in attributes


def _attributes(rest: str) -> Iterator[tuple[str, str]]:
    for pair in _ATTRIBUTE.finditer(rest):
        yield pair[1].lower(), html.unescape((pair[2] or "").strip("\"'"))


def _end(markup: str, tag: re.Match[str], name: str) -> int:
    """Where an element ends that goes with its content; elsewhere the end of its tag."""
    if name not in DROPPED:
        return tag.end()
    closing = re.compile(rf"</{re.escape(name)}\s*>", re.IGNORECASE).search(markup, tag.end())
    return closing.end() if closing else tag.end()


def _stand_in(tag: re.Match[str], name: str, content: str) -> str:
    """What stands for an element that goes: its words, or what it plays."""
    if name in _DRAWN:
        formula = _FORMULA.search(content)
        words = html.unescape(_ANY_TAG.sub(" ", formula[1] if formula else content))
        return html.escape(" ".join(words.split()), quote=False)
    if name not in PLAYERS:
        return ""
    inner = dict(_attributes(first_source(content)))
    return stand_in(name, dict(_attributes(tag["rest"])), inner)


def _report(tag: re.Match[str], stands: str, number: int, source: Source, *, is_word: bool) -> None:
    name = tag["name"]
    line = source.line_matching(rf"<{re.escape(name)}(?![\w-])", number)
    step = ""
    if is_word:
        message = f"{tag[0]} is never closed and shows as text"
        step = f"write it as code: `{tag[0]}`" if "`" not in tag[0] else ""
    elif stands and name.lower() in PLAYERS:
        message = f"<{name}> became a link: mail plays nothing"
    else:
        message = f"<{name}> removed from raw HTML"
    source.report("W113", message, line=line, next_step=step)


def _check_attributes(element: str, rest: str, source: Source) -> None:
    for name, value in _attributes(rest):
        if name.startswith("on") or (name == "style" and not _TEXT_ALIGN.match(value)):
            line = source.line_matching(rf"(?<![\w-]){re.escape(name)}\s*=")
            source.report("W113", f"{name} removed from <{element}>", line=line)
        elif name in _URLS and (scheme := scheme_of(value)) not in {"", *_URLS[name]}:
            _report_scheme(element, scheme, source.line_of(value), source)
        elif name in _URLS and scheme and not _is_readable(value):
            kind = "image" if element == "img" else "link"
            message = f"the address of this {kind} cannot be used: it cannot be read ({value})"
            step = "correct or remove the address"
            source.report("E120", message, line=source.line_of(value), next_step=step)


@lru_cache(maxsize=1024)
def _is_readable(address: str) -> bool:
    """Whether the parser that makes HTML safe keeps it; it drops `https://host:port/` silently."""
    probe = f'<a href="{html.escape(address)}">x</a>'
    return "href" in nh3.clean(probe, tags={"a"}, url_schemes=set(LINK_SCHEMES), link_rel=None)


def _report_scheme(element: str, scheme: str, line: int, source: Source) -> None:
    if element == "img" and scheme == "data":
        step = "save it as a file beside the issue, and name that"
        source.report(
            "W135", "an image written into the text (data:) removed", line=line, next_step=step
        )
    elif scheme in _DANGEROUS:
        source.report("W113", f"{scheme}: address removed from <{element}>", line=line)
    else:
        step = "links begin with https://, mailto: or /"
        message = f"no mail can have this {scheme}: address"
        source.report("E120", message, line=line, next_step=step)
