"""Boxes of every site generator as `/// kind | Title` … `///`, line by line.

Whatever a dialect has (`:::` fences, `!!!` paragraphs, paired tags and components) first becomes
`:::kind Title` … `:::`, and is settled here once, with what stands in it:

===============================  ================================================================
kind                             becomes
===============================  ================================================================
note, tip, warning … details     a block of the engine; a longer mark around a shorter one
quote                            a quotation
code-group, tabs                 its parts, each below its title
any other                        its content below its title
===============================  ================================================================
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from mailer.content.dialects.arguments import read_arguments
from mailer.content.dialects.embeds import is_prose, plain_name
from mailer.content.dialects.sheet import Kind
from mailer.content.dialects.vocabulary import BOXES, GENERIC, KINDS, TITLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailer.content.dialects.arguments import Arguments
    from mailer.content.dialects.sheet import Sheet

_PARTS: Final = re.compile(r"code-?(?:group|tabs?)(?:-?item)?|tabs?(?:-?item)?", re.IGNORECASE)
_ENGINES: Final = frozenset({"note", "tip", "info", "warning", "danger", "details"})

_MARK: Final = re.compile(r"(?P<indent>[ \t>]*(?:[-*+][ \t]+)?)(?P<mark>:{3,})[ \t]*(?P<rest>.*)")
_OPENING: Final = re.compile(
    r"\{?[ \t]*[.#]?(?P<name>[^\W\d][\w-]*)(?:#[\w-]+)?(?P<more>[^}\n]*\})?"
    r"(?:\[(?P<label>.*)\])?(?:\{(?P<attributes>[^}\n]*)\})?[ \t]*(?P<title>.*?)[ \t]*:*\Z"
)
_TAB: Final = re.compile(
    r"(?P<indent>[ \t>]*)@tab(?::active)?[ \t]+(?P<title>.*?)(?:#[\w-]+)?[ \t]*"
)
_VERBATIM: Final = frozenset({"v-pre", "raw"})
_FENCE_LABEL: Final = re.compile(r"\[([^\]]+)\]|(?:title|name|label)=(?:\"([^\"]+)\"|'([^']+)')")


@dataclass(slots=True)
class _Box:
    """A container that was opened: where, how, and how many levels of blocks stand in it.

    Attributes:
        part: the way in which the lines in it are changed, if they are.
        around: those ways of the containers around it, which reach its lines, too.
    """

    line: int
    indent: str
    length: int
    kind: str
    name: str
    title: str
    part: str
    around: frozenset[str]
    levels: int = 0


def kind_of(name: str, arguments: Arguments) -> tuple[str, str] | None:
    """The kind and title of the box that a tag with this name makes; None if it makes none."""
    known = plain_name(name)
    if known in GENERIC:
        given = [arguments.named.get(key, "").lower() for key in KINDS]
        given += [each.lower() for each in arguments.positional]
        kinds = [word for each in given for word in re.split(r"[\s_-]+", each) if word in BOXES]
        kind = BOXES[kinds[0]] if kinds else "note"
    elif known in BOXES:
        kind = BOXES[known]
    else:
        return None
    title = arguments.first(*TITLES)
    if not title:
        prose = [each for each in arguments.spoken() if is_prose(each)]
        prose = [each for each in prose if each.lower() not in BOXES]
        title = prose[0] if prose else ""
    if kind == "quote":
        title = ", ".join(
            each for each in (arguments.first("author", "by", "cite", "source"), title) if each
        )
    return kind, " ".join(title.split())


def settle(sheet: Sheet) -> None:
    """Turn every `:::` container into what the engine knows."""
    if ":::" not in sheet.text:
        return
    lines = sheet.text.split("\n")
    places = list(accumulate((len(line) + 1 for line in lines), initial=0))
    opened: list[_Box] = []
    lengths: defaultdict[int, list[int]] = defaultdict(list)  # places in `opened`, by length
    for number, line in enumerate(lines):
        mark = _MARK.fullmatch(line)
        if mark is None:
            continue
        if mark["rest"].strip(": \t"):
            lengths[len(mark["mark"])].append(len(opened))
            opened.append(_opened(mark, number, opened[-1] if opened else None))
            continue
        closed = _closed(opened, lengths, len(mark["mark"]))
        if not closed:
            step = "remove it, or open the container"
            sheet.refuse(
                places[number], "::: closes a container that nothing opens", next_step=step
            )
            lines[number] = mark["indent"].rstrip()
            continue
        box, *halves = closed
        for half in halves:
            _refuse_half(sheet, half, places)
            lines[half.line] = half.indent.rstrip()
        _write(sheet, lines, box, mark["indent"], number, places)
        if opened:
            opened[-1].levels = max(opened[-1].levels, box.levels + _is_block(box))
    if opened:  # what stands open inside of it would be closed by what closes it
        _refuse_half(sheet, opened[0], places)
    for half in opened:
        lines[half.line] = half.indent.rstrip()
    sheet.text = "\n".join(lines)


def _opened(mark: re.Match[str], number: int, outer: _Box | None) -> _Box:
    """What an opening line says: `tip Title`, `tip[Title]`, `tip{title="…"}`, `{.tip title=…}`."""
    opening = _OPENING.match(mark["rest"].strip())
    name = opening["name"] if opening else ""
    title = mark["rest"].strip() if opening is None else opening["label"] or opening["title"]
    extra = "" if opening is None else f"{opening['more'] or ''} {opening['attributes'] or ''}"
    if not title and extra.strip():
        title = read_arguments(extra.replace("}", " ")).first(*TITLES)
    word = name.lower().removeprefix("callout-")
    if word in GENERIC:
        word = "note"
    return _Box(
        line=number,
        indent=mark["indent"],
        length=len(mark["mark"]),
        kind=BOXES.get(word, ""),
        name=name,
        title=title,
        part="tabs" if _PARTS.fullmatch(name) else "raw" if name.lower() in _VERBATIM else "",
        around=outer.around | {outer.part} if outer else frozenset(),
    )


def _closed(opened: list[_Box], lengths: Mapping[int, list[int]], length: int) -> list[_Box]:
    """Take out the box that a mark closes, and what stands half open in it.

    It is the innermost of the mark's length, else of a shorter one.
    """
    fitting = lengths.get(length) or [
        max((inner[-1] for each, inner in lengths.items() if inner and each < length), default=-1)
    ]
    place = fitting[-1]
    if place < 0:
        return []
    closed = opened[place:]
    del opened[place:]
    for each in closed:
        lengths[each.length].pop()
    return closed


def _is_block(box: _Box) -> bool:
    return bool(box.kind) and box.kind != "quote"


def _refuse_half(sheet: Sheet, box: _Box, places: list[int]) -> None:
    sheet.refuse(
        places[box.line],
        f"the container ::: {box.name} is never closed",
        next_step="put a line ::: behind its content",
    )


def _write(
    sheet: Sheet, lines: list[str], box: _Box, indent: str, number: int, places: list[int]
) -> None:
    """Write the two lines of a container, and what changes between them."""
    if _is_block(box):
        slashes = "/" * (3 + box.levels)
        title = box.title
        if not title and box.name.lower() not in _ENGINES and box.name.lower() in BOXES:
            title = box.name.capitalize()
        lines[box.line] = f"{box.indent}{slashes} {box.kind}{f' | {title}' if title else ''}"
        lines[number] = f"{indent.replace('-', ' ').replace('*', ' ')}{slashes}"
    elif box.kind == "quote":
        _quote(lines, box, number)
    else:
        lines[box.line] = f"{box.indent}**{box.title}**" if box.title else box.indent.rstrip()
        lines[number] = indent.rstrip()
        if box.part and box.part in box.around:
            return  # the outermost one does it: not each line as often as it is deep
        if box.part == "tabs":
            _label_fences(sheet, lines, box.line, number)
            _label_tabs(lines, box.line, number)
        elif box.part == "raw":
            _show_braces(sheet, lines, box.line, number)
        else:
            message = f"the container ::: {box.name} is not known: its content stays"
            sheet.warn(places[box.line], message)


def _quote(lines: list[str], box: _Box, number: int) -> None:
    for inner in range(box.line + 1, number):
        line = lines[inner]
        rest = line[len(box.indent) :] if line.startswith(box.indent) else line.lstrip()
        lines[inner] = f"{box.indent}> {rest}".rstrip()
    if box.title and lines[number - 1].strip(" >") and number - 1 > box.line:
        lines[number - 1] += "  "  # who said it stands on a line of its own
    lines[box.line] = f"{box.indent}>"
    lines[number] = f"{box.indent}> — {box.title}" if box.title else f"{box.indent}>"


def _show_braces(sheet: Sheet, lines: list[str], first: int, last: int) -> None:
    """What Vue leaves alone is text, braces and all."""
    brace = sheet.keep("&#123;")
    for number in range(first + 1, last):
        lines[number] = lines[number].replace("{", brace)


def _label_tabs(lines: list[str], first: int, last: int) -> None:
    """`@tab Name` of the theme Hope."""
    for number in range(first + 1, last):
        tab = _TAB.fullmatch(lines[number])
        if tab:
            lines[number] = f"{tab['indent']}**{tab['title']}**"


def _label_fences(sheet: Sheet, lines: list[str], first: int, last: int) -> None:
    """Put the label of each fence of a code group on the empty line before it."""
    for number in range(first + 1, last):
        if sheet.kind(lines[number]) is not Kind.OPENING or lines[number - 1].strip(" \t>"):
            continue
        label = _FENCE_LABEL.search(sheet.shown(lines[number]))
        if label:
            indent = lines[number][: len(lines[number]) - len(lines[number].lstrip(" \t>"))]
            lines[number - 1] = f"{indent}**{label[1] or label[2] or label[3]}**"
