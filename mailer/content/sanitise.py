"""The mail-safe subset of HTML: one allow-list, and a report of what an author loses by it (M-27).

The subset is enforced by an HTML parser (nh3) and never by patterns. Patterns only read: they say
what will go, for a finding with a line, and turn players into links before they would go.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import nh3

from mailer.content.shape.links import IMAGE_SCHEMES, LINK_SCHEMES, scheme_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.content.source import Source

_KEPT_NAMES = (
    "a abbr b bdi bdo blockquote br caption cite code col colgroup dd del dfn div dl dt em "
    "figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small "
    "span strong sub sup table tbody td tfoot th thead time tr u ul var"
)
KEPT = frozenset(_KEPT_NAMES.split())
"""Elements that a mail may hold."""

REWRITTEN = frozenset({"center", "details", "input", "strike", "summary", "tt"})
"""Elements that pass here because `shape` makes others of them."""

_UNWRAPPED_NAMES = (
    "address article aside big body data font footer head header hgroup html label main nav "
    "picture rb rp rt ruby search section source wbr"
)
_UNWRAPPED = frozenset(_UNWRAPPED_NAMES.split())
"""Elements whose loss nobody sees: their content stays, and nothing is said."""

_DROPPED_NAMES = (
    "applet audio canvas iframe math noembed noframes noscript object script select style svg "
    "template textarea title video"
)
_DROPPED = frozenset(_DROPPED_NAMES.split())
"""Elements that go with their content, which is not for reading."""

_KNOWN_NAMES = "base button dialog embed form input link meta option"
_KNOWN = _DROPPED | frozenset(_KNOWN_NAMES.split())
"""Elements of HTML: whoever writes them means them, and not a type such as `Vec<T>`."""

_VOID_NAMES = "br col hr img input"
_VOID = frozenset(_VOID_NAMES.split())
_ALIGNED = ("p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "td", "th", "tr")
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"id", "lang", "dir", "style"},
    "a": {"href", "name", "title", "class"},
    "abbr": {"title"},
    "code": {"class"},
    "div": {"class"},
    "img": {"src", "alt", "title", "width", "height"},
    "input": {"type", "checked"},
    "li": {"value", "class"},
    "ol": {"start", "type", "reversed"},
    "p": {"class"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ul": {"class"},
}
_TAG = re.compile(
    r"<!--.*?-->|<(?P<end>/?)(?P<name>[a-zA-Z][^\s/>]*)"
    r"(?P<rest>(?:[^>\"']+|\"[^\"]*\"|'[^']*')*+)>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([^\s\"'<>/=]+)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'<>`]+))?")
_TEXT_ALIGN = re.compile(r"\s*text-align\s*:\s*(?:left|right|center)\s*;?\s*\Z", re.IGNORECASE)
_YOUTUBE = re.compile(r"(?:https?:)?//www\.youtube(?:-nocookie)?\.com/embed/([\w-]+)")
_DANGEROUS = frozenset({"data", "file", "javascript", "vbscript"})
_URLS = {"href": LINK_SCHEMES, "src": IMAGE_SCHEMES}


def clean(markup: str, source: Source) -> str:
    """Well-formed HTML of the subset; what is removed is W113 (E120: a scheme that no mail has)."""
    return _cleaner().clean(_survey(markup, source))


def depth(markup: str) -> int:
    """How deeply elements are nested in well-formed HTML."""
    level = deepest = 0
    for tag in _TAG.finditer(markup):
        if tag["name"] and tag["name"] not in _VOID:
            level += -1 if tag["end"] else 1
            deepest = max(deepest, level)
    return deepest


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(KEPT | REWRITTEN),
        clean_content_tags=set(_DROPPED),
        attributes=_ATTRIBUTES,
        tag_attribute_values={tag: {"align": {"left", "center", "right"}} for tag in _ALIGNED},
        filter_style_properties={"text-align"},
        url_schemes=set(LINK_SCHEMES),
        link_rel=None,
        strip_comments=True,
    )


def _survey(markup: str, source: Source) -> str:
    """Report what the allow-list will remove; players become links."""
    seen: Counter[str] = Counter()
    pieces: list[str] = []
    done = 0
    for tag in _TAG.finditer(markup):
        if not tag["name"] or tag["end"] or tag.start() < done:
            continue
        name = tag["name"].lower()
        attributes = dict(_attributes(tag["rest"]))
        if name in KEPT or name in REWRITTEN:
            for attribute, value in attributes.items():
                _check_attribute(name, attribute, value, source)
        if not _is_lost(name, attributes):
            continue
        seen[name] += 1
        line = source.line_matching(rf"<{re.escape(name)}(?![\w-])", seen[name])
        end = _end(markup, tag, name)
        link = _link(name, attributes, markup[tag.end() : end])
        _report_element(tag["name"], link, line, source)
        if link or name in _DROPPED:
            pieces += [markup[done : tag.start()], link]
            done = end
    return "".join([*pieces, markup[done:]])


def _attributes(rest: str) -> Iterator[tuple[str, str]]:
    for pair in _ATTRIBUTE.finditer(rest):
        yield pair[1].lower(), html.unescape((pair[2] or "").strip("\"'"))


def _is_lost(name: str, attributes: dict[str, str]) -> bool:
    if name == "input":  # our own task lists are made of these
        return attributes.get("type") != "checkbox" or "disabled" not in attributes
    return name not in KEPT and name not in REWRITTEN and name not in _UNWRAPPED


def _end(markup: str, tag: re.Match[str], name: str) -> int:
    """Where an element ends that goes with its content; elsewhere the end of its tag."""
    if name not in _DROPPED:
        return tag.end()
    closing = re.compile(rf"</{re.escape(name)}\s*>", re.IGNORECASE).search(markup, tag.end())
    return closing.end() if closing else len(markup)


def _report_element(name: str, link: str, line: int, source: Source) -> None:
    if link:
        source.report("W113", f"<{name}> became a link: mail plays nothing", line=line)
        return
    step = "" if name.lower() in _KNOWN else f"if it is text, write it as code: `<{name}>`"
    source.report("W113", f"<{name}> removed from raw HTML", line=line, next_step=step)


def _check_attribute(element: str, name: str, value: str, source: Source) -> None:
    aligned = element in ("td", "th") and _TEXT_ALIGN.match(value)
    if name.startswith("on") or (name == "style" and not aligned):
        line = source.line_matching(rf"(?<![\w-]){re.escape(name)}\s*=")
        source.report("W113", f"{name} removed from <{element}>", line=line)
    elif name in _URLS and (scheme := scheme_of(value)) not in {"", *_URLS[name]}:
        _report_scheme(element, scheme, source.line_of(value), source)


def _report_scheme(element: str, scheme: str, line: int, source: Source) -> None:
    if scheme in _DANGEROUS:
        message = f"{scheme}: address removed from <{element}>"
        source.report("W113", message, line=line)
    else:
        step = "links begin with https://, mailto: or /"
        message = f"no mail can have this {scheme}: address"
        source.report("E120", message, line=line, next_step=step)


def _link(name: str, attributes: dict[str, str], content: str) -> str:
    """What stands for a player: its picture or title, linked; empty if it has no address."""
    if name not in ("iframe", "video", "audio"):
        return ""
    inner = {} if name == "iframe" else _first_source(content)
    url = attributes.get("src") or inner.get("src", "")
    if scheme_of(url) not in {"", *IMAGE_SCHEMES} or not url.strip():
        return ""
    poster, title = attributes.get("poster", ""), attributes.get("title", "")
    video = _YOUTUBE.match(url)
    if video:
        poster = f"https://i.ytimg.com/vi/{video[1]}/hqdefault.jpg"
        url = f"https://www.youtube.com/watch?v={video[1]}"
    picture = f'<img src="{html.escape(poster)}" alt=""><br>' if poster else ""
    label = f"▶ {html.escape(title or url)}"
    return f'<a href="{html.escape(url)}">{picture}{label}</a>'


def _first_source(content: str) -> dict[str, str]:
    tag = re.search(r"<source\b([^>]*)>", content, re.IGNORECASE)
    return dict(_attributes(tag[1])) if tag else {}
