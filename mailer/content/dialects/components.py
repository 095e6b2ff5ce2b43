"""Components of React and Vue in Markdown: `<Youtube id="…"/>`, `<Tabs>`, `<Link to="…">`.

What is known becomes Markdown (`embeds`, `calls`); of the others the children stay. HTML that is
written as JSX or as a Vue template loses what only these understand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailer.content.dialects import calls
from mailer.content.dialects.arguments import Arguments, Tag, tags, unquoted
from mailer.content.dialects.calls import Call, Change, Pair
from mailer.content.dialects.html import NAMES
from mailer.content.dialects.writing import figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailer.content.dialects.sheet import Sheet

_EXPRESSION: Final = re.compile(
    r"\{\s*(?:\(\s*)?(?:(?:require|useBaseUrl|withBase|\$withBase|url|asset)\(\s*)?"
    r"(?P<value>\"[^\"]*\"|'[^']*'|`[^`$]*`|-?[\d.]+|[A-Za-z_$][\w.$]*)"
    r"\s*\)?(?:\.default)?\s*\}\Z"
)
_BOUND: Final = re.compile(
    r"\s*(?:(?:\$withBase|withBase|require|asset)\(\s*)?(?P<value>\"[^\"]*\"|'[^']*'|`[^`$]*`)"
    r"\s*\)?\s*\Z"
)
_OPENING_LINE: Final = re.compile(r"[ \t]*<[A-Z][\w.]*(?:[ \t][^<>]*)?(?<!/)>[ \t]*\Z")
_CLOSING_LINE: Final = re.compile(r"[ \t]*</[A-Z][\w.]*>[ \t]*\Z")
_TAB: Final = re.compile(r"\{[^{}]*\blabel:[^{}]*\}")
_TAB_PART: Final = re.compile(r"(?P<key>label|value):\s*(?:'(?P<a>[^']*)'|\"(?P<b>[^\"]*)\")")
_CHILDREN: Final = re.compile(r"\{\s*(?P<value>\"[^\"{}]*\"|'[^'{}]*'|`[^`${}]*`)\s*\}")
_ALIAS: Final = re.compile(r"~?@(?:alias|assets?|images?|img|public|theme|site)?/(?:static/)?")
_RENAMED: Final = {"classname": "class", "htmlfor": "for", "colspan": "colspan", "srcset": "srcset"}
_VUE: Final = ("v-", "@", "#", ":", "client:", "on")


def translate(sheet: Sheet, *, values: Mapping[str, str]) -> None:
    """Replace every component, and what is not HTML in the tags of HTML.

    Args:
        sheet: the text.
        values: names of the page's script that stand for a text, such as an imported picture.
    """
    if "<" not in sheet.text:
        return
    changes = [
        (tag.start, tag.end, changed)
        for tag in _tags(sheet.text)
        if not _is_component(tag)
        and not tag.closing
        and (changed := _as_html(tag, values)) is not None
    ]
    sheet.splice(changes)
    labels = _labels(sheet.text)
    found = [_call(sheet, tag, values, labels) for tag in _tags(sheet.text) if _is_component(tag)]
    calls.translate(sheet, found, known=_known)


def _tags(text: str) -> Iterator[Tag]:
    """The tags of a text; `Vec<T>` has none."""
    for tag in tags(text):
        if tag.closing or not tag.start or not text[tag.start - 1].isalnum():
            yield tag


def lines_inside(body: str) -> set[int]:
    """The numbers of the lines between the tags of components that have lines of their own."""
    inside: set[int] = set()
    depth = 0
    for number, line in enumerate(body.split("\n")):
        opening = _OPENING_LINE.match(line)
        depth -= bool(depth and _CLOSING_LINE.match(line))
        if depth:
            inside.add(number)
        depth += bool(opening)
        inside.update({number} if depth or _CLOSING_LINE.match(line) else ())
    return inside


def dedent(sheet: Sheet) -> None:
    """Take the indentation of children, which means nothing to MDX and code to Markdown."""
    lines = sheet.text.split("\n")
    opened: list[tuple[str, int]] = []
    for number, line in enumerate(lines):
        for tag in tags(line):
            if tag.closing and opened and opened[-1][0] == tag.name:
                first = opened.pop()[1]
                around = _margin(lines[opened[-1][1]]) if opened else _margin(lines[first])
                lines[first : number + 1] = _level(lines[first : number + 1], around)
            elif _is_component(tag) and not tag.empty and not tag.closing:
                opened.append((tag.name, number))
    sheet.text = "\n".join(lines)


def _margin(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _level(lines: list[str], around: str) -> list[str]:
    """A component whose tags and children begin where the one around it begins."""
    own = _margin(lines[0])
    inner = [line for line in lines[1:-1] if line.strip()]
    step = min((len(_margin(line)) for line in inner if line.startswith(own)), default=0)
    even = all(line.startswith(own) for line in inner)
    moved: list[str] = []
    for number, line in enumerate(lines):
        child = even and 0 < number < len(lines) - 1
        cut = step if child else len(own)
        moved.append(around + line[cut:] if line.strip() and line.startswith(own) else line)
    return moved


def _is_component(tag: Tag) -> bool:
    name = tag.name
    return name[0].isupper() or "." in name or (name.lower() not in NAMES and "-" in name)


def _call(sheet: Sheet, tag: Tag, values: Mapping[str, str], labels: Mapping[str, str]) -> Call:
    named = {
        name.lstrip(":").removeprefix("v-bind:").lower(): text
        for name, value in tag.attributes.items()
        if (text := text_of(name, sheet.shown(value), values)) is not None
    }
    if "label" not in named and named.get("value") in labels:
        named["label"] = labels[named["value"]]
    shown = f"<{'/' if tag.closing else ''}{tag.name}>"
    return Call(
        name=tag.name.rpartition(".")[2],
        start=tag.start,
        end=tag.end,
        arguments=Arguments(named=named),
        shown=shown,
        closing=tag.closing,
        alone=tag.empty,
    )


def text_of(name: str, value: str, values: Mapping[str, str]) -> str | None:
    """The text that an attribute has; None if only the site's script knows it."""
    if value.startswith("{"):
        expression = _EXPRESSION.match(value)
        return None if expression is None else _known_value(expression["value"], values)
    if name.startswith((":", "v-bind:")):
        bound = _BOUND.match(value)
        return unquoted(bound["value"]) if bound else None
    return unalias(value)


def _known_value(value: str, values: Mapping[str, str]) -> str | None:
    if value[0] in "\"'`" or value[0].isdigit() or value[0] == "-":
        return unalias(unquoted(value))
    return values.get(value)


def unalias(address: str) -> str:
    """An address without the bundler's name for a folder of the site."""
    return _ALIAS.sub("/", address) if address.startswith(("@", "~@")) else address


def _as_html(tag: Tag, values: Mapping[str, str]) -> str | None:
    """A tag of HTML without what HTML has not; None if it is as it should be."""
    plain: dict[str, str] = {}
    changed = False
    for name, value in tag.attributes.items():
        text = text_of(name, value, values)
        bound = name.lstrip(":").removeprefix("v-bind:")
        known = _RENAMED.get(bound.lower(), bound)
        foreign = bound.lower().startswith(_VUE) or (known == "style" and value.startswith("{"))
        if text is not None and not foreign and known.lower() not in plain:
            plain[known.lower() if known in _RENAMED.values() else known] = text
        changed = changed or known != name or text != value or foreign
    if not changed:
        return None
    written = "".join(f' {name}="{_quoted(text)}"' for name, text in plain.items())
    return f"<{tag.name}{written}{' /' if tag.empty else ''}>"


def _quoted(text: str) -> str:
    return text.replace('"', "&quot;")


def _labels(text: str) -> dict[str, str]:
    """Value -> label of the tabs that a `<Tabs values={[{label: …, value: …}]}>` lists."""
    found: dict[str, str] = {}
    for entry in _TAB.finditer(text):
        parts = {part["key"]: part["a"] or part["b"] for part in _TAB_PART.finditer(entry[0])}
        if {"label", "value"} <= parts.keys():
            found[parts["value"]] = parts["label"]
    return found


def _known(sheet: Sheet, pair: Pair) -> list[Change] | None:
    """Pictures in two versions, and headings or badges that have their words in an attribute."""
    del sheet
    given = pair.opening.arguments
    if pair.opening.name == "Badge" and pair.closing is None and given.first("text"):
        return calls.removed(pair, instead=f"**{given.first('text')}**")
    if pair.closing is None and pair.opening.name in {"ThemedImage", "DocsImage"}:
        source = given.first("light", "src", "srclight")
        return calls.removed(pair, instead=figure(source, given.first("alt"))) if source else None
    return None


def strings_in_braces(sheet: Sheet) -> None:
    """`{' '}` and `{"text"}` between tags as what they say."""
    sheet.sub(_CHILDREN, _said)


def _said(match: re.Match[str]) -> str:
    """The text of a string; a space alone on its line must not make that a blank line."""
    said, text = unquoted(match["value"]), match.string
    line = text.rfind("\n", 0, match.start()) + 1
    rest = text[match.end() : text.find("\n", match.end()) % (len(text) + 1)]
    alone = not (said + text[line : match.start()] + rest).strip()
    return "&#32;" if alone else said
