"""What can begin a block: by the first character of a line, the patterns that are tried on it.

Each function looks at a line indented by less than four columns. If it begins the block, its marks
are taken off the line and the new blocks are returned, the outer one first; else nothing is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailer.content.commonmark import html, tables
from mailer.content.commonmark.line import TAB
from mailer.content.commonmark.nodes import (
    Block,
    Box,
    Container,
    Fenced,
    Heading,
    Hidden,
    Item,
    List,
    Markup,
    Meaning,
    Note,
    Paragraph,
    Quote,
    Rule,
    Table,
    Term,
    Terms,
)
from mailer.content.commonmark.references import normalised, unescaped

if TYPE_CHECKING:
    from mailer.content.commonmark.definitions import Definitions
    from mailer.content.commonmark.line import Line

Blocks = tuple[Block, ...]

KINDS: Final = ("note", "tip", "info", "warning", "danger", "details")

_HEADING = re.compile(r"(#{1,6})(?:[ \t]+|$)")
_CLOSING_MARKS = re.compile(r"(?:^|[ \t]+)#+$")
_FENCE = re.compile(r"(`{3,})([^`]*)$|(~{3,})(.*)$")
_LANGUAGE = re.compile(r"\{?[ ]*\.?([^\s{},]+)")
_RULE = re.compile(r"([-_*])[ \t]*+(?:\1[ \t]*+){2,}$")
_UNDERLINE = re.compile(r"(=+|-+)[ \t]*$")
_ITEM = re.compile(r"(?:[-+*]|(\d{1,9})[.)])(?=[ \t]|$)")
_NOTE = re.compile(r"\[\^([^\]\s]+)\]:")
_ABBREVIATION = re.compile(r"\*\[(?!\^)([^\]\\]+)\][ ]?:[ \t]*(\S.*)$")
_MEANING = re.compile(r":(?=[ \t]+\S)")
_BOX = re.compile(rf"(/{{3,}})[ \t]*({'|'.join(KINDS)})(?:[ \t]*\|[ \t]*(.*?))?[ \t]*$")


@dataclass(slots=True, kw_only=True)
class Place:
    """Where a line stands.

    Attributes:
        number: of the line.
        container: the innermost one that the line belongs to.
        paragraph: the open one directly in it.
        lazy: a paragraph further in would take the line as its next one.
        defined: what the document has defined so far.
    """

    number: int
    container: Container
    paragraph: Paragraph | None
    lazy: bool
    defined: Definitions


def begin(line: Line, place: Place) -> Blocks:
    """The blocks that a line begins, if any: a paragraph is none of them."""
    for start in _STARTS.get(line.text[line.start], ()):
        found = start(line, place)
        if found:
            return found
    return ()


def _quote(line: Line, place: Place) -> Blocks:
    line.take_mark(1)
    line.take(1)
    return (Quote(place.number, place.number),)


def _heading(line: Line, place: Place) -> Blocks:
    marks = _HEADING.match(line.rest)
    if marks is None:
        return ()
    text = _CLOSING_MARKS.sub("", line.rest[marks.end() :].rstrip(" \t"))
    return (Heading(place.number, place.number, level=len(marks[1]), text=text),)


def _fence(line: Line, place: Place) -> Blocks:
    match = _FENCE.match(line.rest)
    if match is None:
        return ()
    fence, info = (match[1], match[2]) if match[1] else (match[3], match[4])
    language = _LANGUAGE.match(unescaped(info.strip()))
    name = language[1] if language else ""
    number = place.number
    return (Fenced(number, number, fence=fence, indent=line.indent, language=name),)


def _markup(line: Line, place: Place) -> Blocks:
    text, number = line.text, place.number
    for start, end, closing in html.ENDED:
        if opening := start.match(text, line.start):
            return (Markup(number, number, end=end, closing=opening.expand(closing)),)
    in_paragraph = place.paragraph is not None or place.lazy
    if html.BLOCK.match(text, line.start) or (
        not in_paragraph and html.ALONE.match(text, line.start)
    ):
        return (Markup(number, number, end=None),)
    return ()


def _underline(line: Line, place: Place) -> Blocks:
    mark = _UNDERLINE.match(line.rest)
    if mark is None or place.paragraph is None:
        return ()
    text = place.defined.taken_from(place.paragraph)
    if not text:
        return ()
    level = 1 if mark[1][0] == "=" else 2
    return (Heading(place.paragraph.first, place.number, level=level, text=text),)


def _table(line: Line, place: Place) -> Blocks:
    paragraph = place.paragraph
    if paragraph is None or "|" not in paragraph.lines[-1]:
        return ()
    aligns = tables.alignments(line.rest.rstrip())
    head = tables.cells(paragraph.lines[-1])
    if not aligns or len(aligns) != len(head):
        return ()
    paragraph.lines.pop()
    paragraph.last -= 1
    return (Table(place.number - 1, place.number, aligns=aligns, rows=[head]),)


def _rule(line: Line, place: Place) -> Blocks:
    return (Rule(place.number, place.number),) if _RULE.match(line.rest) else ()


def _item(line: Line, place: Place) -> Blocks:
    mark = _ITEM.match(line.text, line.start)
    if mark is None:
        return ()
    number = int(mark[1]) if mark[1] else 1
    if place.paragraph and (number != 1 or not line.text[mark.end() :].strip()):
        return ()
    indent, here = line.indent, place.number
    line.take_mark(len(mark[0]))
    space = line.indent if 1 <= line.indent <= TAB and not line.blank else 1
    line.take(space)
    item = Item(here, here, width=indent + len(mark[0]) + space)
    if isinstance(place.container, List) and place.container.mark == mark[0][-1]:
        return (item,)
    return (List(here, here, mark=mark[0][-1], start=number), item)


def _note(line: Line, place: Place) -> Blocks:
    mark = _NOTE.match(line.text, line.start)
    if mark is None:
        return ()
    line.take_mark(len(mark[0]))
    line.take(line.indent)
    note = Note(place.number, place.number, label=mark[1])
    place.defined.notes.setdefault(normalised(mark[1]), note)
    return (note,)


def _abbreviation(line: Line, place: Place) -> Blocks:
    match = _ABBREVIATION.match(line.rest)
    if match is None:
        return ()
    place.defined.abbreviations[match[1].strip()] = match[2].strip()
    return (Hidden(place.number, place.number),)


def _meaning(line: Line, place: Place) -> Blocks:
    if _MEANING.match(line.text, line.start) is None:
        return ()
    here, container = place.number, place.container
    outer: Blocks = ()
    if not isinstance(container, Terms):
        outer = _terms(container, place)
        if not outer:
            return ()
    line.take_mark(1)
    line.take(min(line.indent, 3))
    return (*outer, Meaning(here, here))


def _terms(container: Container, place: Place) -> Blocks:
    """A definition list whose terms are the lines of the paragraph just above."""
    above = container.children[-1] if container.children else None
    if not isinstance(above, Paragraph) or above.last < place.number - 2:
        return ()
    text = place.defined.taken_from(above)
    if not text:
        return ()
    first = above.first
    terms = [Term(first + at, first + at, text=term) for at, term in enumerate(text.split("\n"))]
    return (Terms(first, place.number, children=list(terms)),)


def _box(line: Line, place: Place) -> Blocks:
    match = _BOX.match(line.rest)
    if match is None:
        return ()
    fence, kind, title = match[1], match[2], match[3] or ""
    line.take_mark(len(line.rest))
    return (Box(place.number, place.number, kind=kind, title=title, fence=fence),)


_STARTS: Final[dict[str, tuple[Callable[[Line, Place], Blocks], ...]]] = {
    ">": (_quote,),
    "#": (_heading,),
    "`": (_fence,),
    "~": (_fence,),
    "<": (_markup,),
    "=": (_underline,),
    "-": (_table, _underline, _rule, _item),
    "_": (_rule,),
    "*": (_rule, _item, _abbreviation),
    "+": (_item,),
    "|": (_table,),
    ":": (_table, _meaning),
    "[": (_note,),
    "/": (_box,),
    **dict.fromkeys("0123456789", (_item,)),
}

BEGINNINGS: Final = frozenset(_STARTS)
"""The characters that a block other than a paragraph or indented code can begin with."""
