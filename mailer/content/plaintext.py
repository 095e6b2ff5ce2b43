"""The settled tree of an issue as the text/plain part (M-26).

=============  =====================================================================================
element        text
=============  =====================================================================================
h1, h2, h3     underlined with ``=``, underlined with ``-``, after ``###`` (h4 to h6 likewise)
link           ``words <address>``; the address alone where it is its own words
image          ``[Image: alt] <address>``; in a link the address that the link leads to
code           in backticks; blocks indented by 4, never wrapped, also in quotes without ``>``
quote          after ``> ``
table          columns side by side, or one cell per line where that is too wide
=============  =====================================================================================

Lines have at most 76 columns, CJK signs counting two, unless one word alone is longer: addresses
and the places for recipients are never broken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from mailer.content.cells import Grid
from mailer.content.lines import NARROWEST, Verbatim, columns, hang, indent, join, wrap
from mailer.content.shape.blocks import BLOCKS
from mailer.content.shape.links import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

WIDTH: Final = 76

_BREAK: Final = "\n"
_SPACE = re.compile(r"[ \t\r\n\f\v]+")  # white space of HTML: no-break space stays until the end
_NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def to_text(tree: HtmlElement) -> str:
    """The text of a settled tree; ends with one newline."""
    lines = _blocks(tree, WIDTH)
    text = "\n".join(line.rstrip() for line in lines).replace(_NO_BREAK, " ")
    return text.strip("\n") + "\n"


# --- blocks --------------------------------------------------------------------------------------


def _blocks(element: HtmlElement, width: int, *, tight: bool = False) -> list[str]:
    """The lines of an element's content: blocks with a blank line between them."""
    parts: list[list[str]] = []
    run = [_spaced(element.text)]

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
            run.append(_inline(child))
        run.append(_spaced(child.tail))
    close()
    return join(parts, tight=tight)


def _heading(element: HtmlElement, width: int) -> list[str]:
    level = int(element.tag[1])
    rule = {1: "=", 2: "-"}.get(level)
    if rule is None:
        return hang(_content(element), f"{'#' * level} ", width)
    lines = wrap(_content(element), width)
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
    if _class(item) == "task":
        return ""  # its box begins it
    if parent is None or parent.tag != "ol":
        return "- "
    section = parent.getparent()
    is_note = section is not None and _class(section) == "footnotes"
    return f"[{number}] " if is_note else f"{number}. "


def _stray(element: HtmlElement, width: int) -> list[str]:
    """Text of a list that stands in no item."""
    return wrap(_spaced(element.text) + "".join(_spaced(child.tail) for child in element), width)


def _quote(element: HtmlElement, width: int) -> list[str]:
    return indent(_blocks(element, max(width - 2, NARROWEST)), "> ", "> ")


def _div(element: HtmlElement, width: int) -> list[str]:
    """What is boxed stands behind a bar, its title on the first line; captions below figures."""
    classes = _class(element).split()
    if "figure" in classes:
        return _figure(element, width)
    if "callout" not in classes and "details" not in classes:
        return _blocks(element, width)
    inner = max(width - 2, NARROWEST)
    lines = _blocks(element, inner)
    titles = [child for child in element if _class(child) == "title"]
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
    del width
    text = "".join(element.itertext()).strip("\n")
    return [Verbatim(f"    {line}".rstrip()) for line in text.split("\n")]


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
    if element.get("role") == "presentation" and _class(element) != "data":
        return join([_blocks(cell, width) for row in rows for cell in row], tight=False)
    texts = [[_one_line(_content(cell)) for cell in row] for row in rows]
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


def _one_line(text: str) -> str:
    return " ".join(_SPACE.sub(" ", text).split(" ")).strip()


def _int(text: str | None, default: int) -> int:
    return int(text) if text and re.fullmatch(r"\d{1,8}", text) else default


def _class(element: HtmlElement) -> str:
    return element.get("class") or ""


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


# --- inline --------------------------------------------------------------------------------------


def _content(element: HtmlElement) -> str:
    """The text of inline content, white space still as in the tree, `br` as a line end."""
    return "".join(_pieces(element))


def _pieces(element: HtmlElement) -> Iterator[str]:
    yield _spaced(element.text)
    for child in element:
        apart = " " if child.tag in BLOCKS else ""
        yield apart + _inline(child) + apart
        yield _spaced(child.tail)


def _spaced(text: str | None) -> str:
    return _SPACE.sub(" ", text or "")


def _inline(element: HtmlElement) -> str:
    return _INLINE.get(element.tag, _content)(element)


def _link(element: HtmlElement) -> str:
    href = element.get("href")
    picture = element.find("img") if href and not _one_line(element.text_content()) else None
    words = _content(element) if picture is None else _named(picture)
    if href is None or href.startswith("#"):
        return words
    address: str = href.removeprefix("mailto:")
    if _bare(words) in (_bare(href), _bare(address)):
        return address
    if words == f"▶ {shown(href)}":
        return f"▶ {address}"
    tail = words[len(words.rstrip()) :]
    return f"{words.rstrip()} <{address}>{tail}"


def _bare(address: str) -> str:
    return unquote(address.strip()).rstrip("/")


def _image(element: HtmlElement) -> str:
    src = element.get("src")
    return _named(element) if src.startswith("cid:") else f"{_named(element)} <{src}>"


def _named(image: HtmlElement) -> str:
    alt = image.get("alt")
    return f"[Image: {alt}]" if alt else "[Image]"


def _superscript(element: HtmlElement) -> str:
    return f"[{_content(element)}]" if _class(element) == "ref" else _raised(element, "^")


def _raised(element: HtmlElement, sign: str) -> str:
    """As in TeX: `CO_2`, `H_{2}O`, `2^10`."""
    words, after = _content(element), (element.tail or "")[:1]
    return f"{sign}{{{words}}}" if after.isalnum() else f"{sign}{words}"


_INLINE: Final[dict[str, Callable[[HtmlElement], str]]] = {
    "a": _link,
    "br": lambda _: _BREAK,
    "code": lambda element: f"`{_content(element)}`",
    "del": lambda element: f"~~{_content(element)}~~",
    "img": _image,
    "q": lambda element: f"“{_content(element)}”",
    "s": lambda element: f"~~{_content(element)}~~",
    "sub": lambda element: _raised(element, "_"),
    "sup": _superscript,
}
