"""The blocks of a settled tree in lines, one below another."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mailer.content.plaintext.cells import Grid
from mailer.content.plaintext.lines import NARROWEST, Verbatim, columns, hang, indent, join, wrap
from mailer.content.plaintext.phrases import after, class_of, content_of, inline, one_line, spaced
from mailer.content.shape.blocks import BLOCKS

if TYPE_CHECKING:
    from lxml.html import HtmlElement

WIDTH: Final = 76

_NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def to_text(tree: HtmlElement) -> str:
    """The text of a settled tree; ends with one newline."""
    lines = _blocks(tree, WIDTH)
    text = "\n".join(line.rstrip() for line in lines).replace(_NO_BREAK, " ")
    return text.strip("\n") + "\n"


def _blocks(element: HtmlElement, width: int, *, tight: bool = False) -> list[str]:
    """The lines of an element's content: blocks with a blank line between them."""
    parts: list[list[str]] = []
    run = [spaced(element.text)]

    def close() -> None:
        lines = wrap("".join(run), width)
        if lines:
            parts.append(lines)
        run.clear()

    for child in element:
        if child.tag in BLOCKS:
            close()
            lines = _BLOCK.get(child.tag, _blocks)(child, width)
            if lines:
                parts.append(lines)
        else:
            run.append(inline(child))
        run.append(after(child))
    close()
    return join(parts, tight=tight)


def _heading(element: HtmlElement, width: int) -> list[str]:
    level = int(element.tag[1])
    rule = {1: "=", 2: "-"}.get(level)
    if rule is None:
        return hang(content_of(element), f"{'#' * level} ", width)
    lines = wrap(content_of(element), width)
    return [*lines, rule * min(max(map(columns, lines)), width)] if lines else []


def _list(element: HtmlElement, width: int) -> list[str]:
    loose = any(child.tag == "p" for item in element.iterfind("li") for child in item)
    step = 1 if element.get("reversed") is None else -1
    number = _int(element.get("start"), 1 if step > 0 else len(element.findall("li")))
    parts = [_stray(element, width)]
    for item in element:
        if item.tag != "li":
            parts.append(_BLOCK.get(item.tag, _blocks)(item, width))
            continue
        number = _int(item.get("value"), number)
        marker = _marker(item, number)
        below = " " * (len(marker) or 2)
        body = _blocks(item, max(width - len(below), NARROWEST), tight=not loose)
        parts.append(indent(body, marker, below))
        number += step
    return join([part for part in parts if part], tight=not loose)


def _marker(item: HtmlElement, number: int) -> str:
    parent = item.getparent()
    if class_of(item) == "task":
        return ""  # its box begins it
    if parent is None or parent.tag != "ol":
        return "- "
    section = parent.getparent()
    is_note = section is not None and class_of(section) == "footnotes"
    return f"[{number}] " if is_note else f"{number}. "


def _stray(element: HtmlElement, width: int) -> list[str]:
    """Text of a list that stands in no item."""
    return wrap(spaced(element.text) + "".join(spaced(child.tail) for child in element), width)


def _quote(element: HtmlElement, width: int) -> list[str]:
    return indent(_blocks(element, max(width - 2, NARROWEST)), "> ", "> ")


def _div(element: HtmlElement, width: int) -> list[str]:
    """What is boxed stands behind a bar, its title on the first line; captions below figures."""
    classes = class_of(element).split()
    if "figure" in classes:
        return _figure(element, width)
    if "callout" not in classes and "details" not in classes:
        return _blocks(element, width)
    inner = max(width - 2, NARROWEST)
    lines = _blocks(element, inner)
    titles = [child for child in element if class_of(child) == "title"]
    below = sum(len(_blocks(title, inner)) for title in titles)
    if titles and lines[below:]:
        del lines[below]  # the blank line
    return indent(lines, "| ", "| ")


def _figure(element: HtmlElement, width: int) -> list[str]:
    """A picture and its caption; the caption alone where it leads where the picture does."""
    pages = {link.get("href") for link in element.iterfind("a")}
    captions = element.xpath("./*[contains(@class, 'caption')]")
    if pages & {link.get("href") for caption in captions for link in caption.iter("a")}:
        return join([_blocks(caption, width) for caption in captions], tight=True)
    return _blocks(element, width, tight=True)


def _code(element: HtmlElement, width: int) -> list[str]:
    """Lines as they are; where some of them link, the addresses below."""
    text = "".join(element.itertext()).strip("\n")
    lines: list[str] = [Verbatim(f"    {line}".rstrip()) for line in text.split("\n")]
    links = [link.get("href") or "#" for link in element.iter("a")]
    shown = [wrap(f"<{href}>", width) for href in links if href[0] != "#" and href not in text]
    return join([lines, *shown], tight=False) if shown else lines


def _rule(element: HtmlElement, width: int) -> list[str]:
    del element
    return ["-" * min(width, 40)]


def _terms(element: HtmlElement, width: int) -> list[str]:
    parts = [_stray(element, width)]
    for child in element:
        lines = _BLOCK.get(child.tag, _blocks)(child, width)
        if child.tag == "dd":
            parts[-1] = [*parts[-1], *lines]
        else:
            parts.append(lines)
    return join([part for part in parts if part], tight=False)


def _definition(element: HtmlElement, width: int) -> list[str]:
    return indent(_blocks(element, max(width - 4, NARROWEST)), "    ", "    ")


def _table(element: HtmlElement, width: int) -> list[str]:
    rows = [
        [cell for cell in row if cell.tag in ("td", "th")]
        for row in element.iter("tr")
        if next(row.iterancestors("table")) is element
    ]
    caption = [line for child in element.iter("caption") for line in _blocks(child, width)]
    if element.get("role") == "presentation" and class_of(element) != "data":
        parts = [_blocks(cell, width) for row in rows for cell in row]
        return join([*parts, caption] if caption else parts, tight=False)
    texts = [[one_line(content_of(cell)) for cell in row] for row in rows]
    has_head = bool(rows) and all(cell.tag == "th" for cell in rows[0])
    right = {at for row in rows for at, cell in enumerate(row) if _is_right(cell)}
    grid = Grid(
        head=texts[0] if has_head else [],
        rows=texts[1:] if has_head else texts,
        right=frozenset(right),
    )
    return [*caption, *grid.lines(width)]


def _is_right(cell: HtmlElement) -> bool:
    """Whether a cell's author put it there; heads of right-to-left text are there anyway."""
    return bool(cell.tag == "td" and cell.get("align") == "right" and not cell.get("dir"))


def _int(text: str | None, default: int) -> int:
    return int(text) if text and re.fullmatch(r"\d{1,8}", text) else default


_BLOCK: Final[dict[str, Callable[[HtmlElement, int], list[str]]]] = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), _heading),
    "blockquote": _quote,
    "dd": _definition,
    "div": _div,
    "dl": _terms,
    "hr": _rule,
    "ol": _list,
    "pre": _code,
    "table": _table,
    "ul": _list,
}
