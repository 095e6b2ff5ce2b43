"""Tags of template languages, alone or in pairs: `{% x %}`, `{{< x >}}`, `<X>`.

A dialect finds its tags and says what they are called; here is decided what each becomes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from mailer.content.dialects import containers, embeds, writing
from mailer.content.dialects.arguments import unquoted
from mailer.content.dialects.boxing import container_marks
from mailer.content.dialects.surroundings import begins_paragraph, in_address, in_html, in_sentence
from mailer.content.dialects.vocabulary import LINKS, PARTS, WRAPPERS
from mailer.content.dialects.writing import as_html

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mailer.content.dialects.arguments import Arguments
    from mailer.content.dialects.sheet import Sheet

Change = tuple[int, int, str]
"""A range of the text, and what stands there instead."""


_SILENT_SIGN: Final = re.compile(
    r"icon|emoji|svg|anchor|^fa[sbr]?$|^br$|clear|space|cite|footnote|sidenote|^fn$|^ads?$|counter"
)
"""Names of tags that show no words."""


_HEADING: Final = re.compile(r"[ \t>]*#{1,6}[ \t]+\Z")
_WITHIN_TAG: Final = re.compile(
    r"\{\{?[<%]?[-+]?\s*[\w./-]+\s+(?P<words>[^=]+?)\s*[-/]?[%>]?\}\}?\Z"
)
_ASIDE: Final = re.compile(r"sidenote|marginnote|footnote|^fn$")
_ELEMENT: Final = re.compile(r"<(?:iframe|figure|video|img)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One tag in the text.

    Attributes:
        shown: as it is written, short, for messages.
        closing: whether it ends a pair, by its form.
        alone: whether it cannot begin one, by its form.
    """

    name: str
    start: int
    end: int
    arguments: Arguments
    shown: str
    closing: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A tag, and the one that ends what it begins; None if it stands alone."""

    opening: Call
    closing: Call | None = None


def pairs_of(calls: Iterable[Call]) -> list[Pair]:
    """Which tags belong together: an end closes the innermost tag of its name, or any if nameless.

    An end without a beginning is a pair that closes itself.
    """
    waiting: list[Call] = []
    places: defaultdict[str, list[int]] = defaultdict(list)  # among the waiting, by their names
    found: list[Pair] = []
    for call in calls:
        if not call.closing:
            if call.alone:
                found.append(Pair(opening=call))
            else:
                places[call.name].append(len(waiting))
                waiting.append(call)
            continue
        name = call.name or (waiting[-1].name if waiting else "")
        if not places[name]:
            found.append(Pair(opening=call, closing=call))
            continue
        opening, *inner = waiting[places[name][-1] :]
        found.append(Pair(opening=opening, closing=call))
        found += [Pair(opening=each) for each in inner]
        del waiting[places[name][-1] :]
        for each in (opening, *inner):
            places[each.name].pop()
    found += [Pair(opening=each) for each in waiting]
    return sorted(found, key=lambda pair: pair.opening.start)


def translate(
    sheet: Sheet, calls: Sequence[Call], *, known: Callable[[Sheet, Pair], list[Change] | None]
) -> None:
    """Replace every tag.

    Args:
        sheet: the text.
        calls: in reading order.
        known: what the dialect itself makes of a tag; None leaves it to what all have in common.
    """
    sheet.borrowed.clear()
    changes: list[Change] = []
    for pair in pairs_of(calls):
        mine = known(sheet, pair)
        changes += _common(sheet, pair) if mine is None else mine
    sheet.splice(_fitting(sheet, change) for change in changes)


def _fitting(sheet: Sheet, change: Change) -> Change:
    start, end, new = change
    return start, end, fitting(sheet, start, end, new)


def fitting(sheet: Sheet, start: int, end: int, new: str) -> str:
    """What stands for a tag, in the form that its place asks for.

    Within a block of HTML nobody reads Markdown. And a line that begins with an element begins such
    a block, so that the words on the next line would show their marks: there it is within a span.
    """
    new = sheet.with_places(new)
    if not new or in_html(sheet.text, start):
        return as_html(new) if new else new
    if _ELEMENT.match(new) and begins_paragraph(sheet.text, start, end):
        return f"<span>{new}</span>"
    return new


def removed(pair: Pair, *, instead: str = "") -> list[Change]:
    """A tag or pair taken out, its content kept."""
    changes = [(pair.opening.start, pair.opening.end, instead)]
    if pair.closing and pair.closing is not pair.opening:
        changes.append((pair.closing.start, pair.closing.end, ""))
    return changes


def _common(sheet: Sheet, pair: Pair) -> list[Change]:
    opening, closing = pair.opening, pair.closing
    if closing is opening:
        sheet.warn(opening.start, f"{opening.shown} ends nothing and was removed")
        return removed(pair)
    return _alone(sheet, opening) if closing is None else _paired(sheet, opening, closing)


def _alone(sheet: Sheet, call: Call) -> list[Change]:
    if in_address(sheet.text, call.start):
        return [(call.start, call.end, embeds.place_of(call.arguments))]
    shown = embeds.embed(call.name, call.arguments)
    return [(call.start, call.end, left_of(sheet, call) if shown is None else shown)]


def left_of(sheet: Sheet, call: Call) -> str:
    """What stays of an unknown tag: the words in it. A hole in a sentence is E118."""
    name = embeds.plain_name(call.name)
    lines = sheet.text.count("\n", call.start, call.end)
    words = embeds.words_of(call.arguments, lines=lines) or _heading_of(sheet, call)
    if not words and in_sentence(sheet.text, call.start, call.end):
        words = embeds.word_of(call.arguments)
        speaks = not words and not _SILENT_SIGN.search(name)
        if speaks:
            words = embeds.named_by(call.name, call.arguments)
        if speaks and not words:
            sheet.refuse(
                call.start,
                f"{call.shown} stands in a sentence, and what it shows is not known here",
                next_step="write what it shows",
            )
            return ""
    rest = "but for its words" if words else "it needs the site"
    sheet.warn(call.start, f"{call.shown} removed, {rest}")
    return f" ({words})" if words and _ASIDE.search(name) else words


def _heading_of(sheet: Sheet, call: Call) -> str:
    """All that an unknown tag is given, where it is a heading by itself: `## {% anchor News %}`."""
    line = sheet.text.rfind("\n", 0, call.start) + 1
    if not _HEADING.match(sheet.text[line : call.start]):
        return ""
    given = _WITHIN_TAG.match(sheet.shown(sheet.text[call.start : call.end]))
    return unquoted(given["words"]) if given else ""


def _paired(sheet: Sheet, opening: Call, closing: Call) -> list[Change]:
    pair = Pair(opening=opening, closing=closing)
    name = embeds.plain_name(opening.name)
    box = containers.kind_of(opening.name, opening.arguments)
    if box:
        kind, title = box
        return boxed(sheet, pair, kind=kind, title=title)
    target = opening.arguments.first("href", "to", "url", "link") or opening.arguments.at(0)
    content = sheet.text[opening.end : closing.start]
    if name in LINKS and target and content.strip() and "\n\n" not in content:
        return [
            (opening.start, opening.end, f'<a href="{escape(writing.address(target))}">'),
            (closing.start, closing.end, "</a>"),
        ]
    shown = embeds.embed(opening.name, opening.arguments)
    if shown is not None:
        return _shown_with_content(opening, closing, shown, content)
    words = embeds.words_of(opening.arguments)
    if name in PARTS and not words:
        words = opening.arguments.first("value", "name", "id", "lang") or opening.arguments.at(0)
    if name not in PARTS and name not in WRAPPERS:
        sheet.warn(opening.start, f"{opening.shown} removed, its content stays")
    return removed(pair, instead=f"**{words}**  " if words else "")  # and a line break


def _shown_with_content(opening: Call, closing: Call, shown: str, content: str) -> list[Change]:
    """A picture or player whose words stand between its tags."""
    if content.strip() and "\n" not in content.strip():
        return [(opening.start, closing.end, f"{shown}<br>{content.strip()}")]
    return [(opening.start, opening.end, shown), (closing.start, closing.end, "")]


def boxed(sheet: Sheet, pair: Pair, *, kind: str, title: str) -> list[Change]:
    """A pair as a container; where its marks find no room, its content below its title."""
    opening, closing = pair.opening, pair.closing
    assert closing is not None
    marks = container_marks(
        sheet,
        (opening.start, opening.end),
        (closing.start, closing.end),
        opening=f":::{kind} {title}".rstrip(),
    )
    return marks or removed(pair, instead=f"**{title}** " if title else "")
