"""What the trees of a mail say: their text by blocks, without markup and without code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

    from mailer.model import Template

CODE: Final = frozenset({"code", "kbd", "pre", "samp"})
"""Elements whose text is quoted, not said."""

_SILENT: Final = frozenset({"head", "script", "style", "title"})
_INLINE_NAMES = (
    "a abbr b bdi bdo cite del dfn em font i img ins mark q s small span strong sub sup time u var"
)
_INLINE: Final = frozenset(_INLINE_NAMES.split())

_BORDER: Final = "\x1e"  # a control character, which no text of a mail has


def filled(template: Template) -> str:
    """A template as text, each personal place as its author wrote it."""
    return "".join(
        piece if isinstance(piece, str) else f"{{{{ {_harmless(piece.expression)} }}}}"
        for piece in template
    )


def _harmless(expression: str) -> str:
    """An expression that may stand in an attribute; it is only shown."""
    return expression.replace('"', "'").replace("<", " ").replace(">", " ")


def sayings(root: HtmlElement) -> Iterator[str]:
    """The text of each block, white space collapsed; what is quoted as code is an ellipsis."""
    parts: list[str] = []
    _collect(root, parts)
    for block in "".join(parts).split(_BORDER):
        saying = " ".join(block.split())
        if saying:
            yield saying


def _collect(element: HtmlElement, parts: list[str]) -> None:
    """Pieces of text in reading order, and where a block begins or ends."""
    tag = element.tag
    if tag in CODE:
        parts.append("…")
    elif isinstance(tag, str) and tag not in _SILENT:
        border = "" if tag in _INLINE else _BORDER
        parts += (border, element.text or "")
        for child in element:
            _collect(child, parts)
            parts.append(child.tail or "")
        parts.append(border)


def words_of(element: HtmlElement) -> str:
    """The words of an element and the alt texts of its images, white space collapsed."""
    parts = []
    for one in element.iter():
        parts.append(one.get("alt", "") if one.tag == "img" else one.text or "")
        if one is not element:
            parts.append(one.tail or "")
    return " ".join("".join(parts).split())
