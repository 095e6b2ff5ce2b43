"""Code coloured by five roles instead of Pygments' hundred classes: half the bytes of a mail."""

from __future__ import annotations

import re
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Final

from lxml.html.builder import E
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Literal, Name, Number, Operator, String
from pygments.util import ClassNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement
    from pygments.lexer import Lexer
    from pygments.token import _TokenType

_PREFIX: Final = "language-"
_LONGEST: Final = 20_000
"""Characters of one block that are coloured; a longer one stays plain and small."""

_ROLES: Final[dict[_TokenType, str]] = {
    Comment: "c",
    Comment.Preproc: "k",
    Generic.Deleted: "k",
    Generic.Heading: "f",
    Generic.Inserted: "s",
    Generic.Prompt: "c",
    Generic.Subheading: "f",
    Keyword: "k",
    Literal: "n",
    Name.Attribute: "f",
    Name.Class: "f",
    Name.Decorator: "f",
    Name.Function: "f",
    Name.Tag: "k",
    Number: "n",
    Operator.Word: "k",
    String: "s",
}

_COLOURED: Final = re.compile(rf'<span class="[{"".join(set(_ROLES.values()))}]">([^<]*)</span>')


def highlight(root: HtmlElement) -> None:
    """Put roles on the code blocks whose language is named and known, in place."""
    for code in root.xpath('.//pre/code[starts-with(@class, "language-")]'):
        lexer = _lexer(code.get("class").removeprefix(_PREFIX).split()[0].lower())
        text = code.text or ""
        if lexer is None or len(code) or len(text) > _LONGEST:
            continue
        pieces = list(_pieces(lexer, text))
        if "".join(piece for _, piece in pieces) == text + "\n":
            _fill(code, pieces)


def uncoloured(markup: str) -> str:
    """The HTML of an issue without the roles of its code."""
    return _COLOURED.sub(r"\1", markup)


@cache
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return None


def _pieces(lexer: Lexer, text: str) -> Iterator[tuple[str, str]]:
    """Roles and their text; a line end is added, which many lexers need to see a comment end."""
    tokens = ((_role(kind), value) for kind, value in lexer.get_tokens(text + "\n"))
    for role, group in groupby(tokens, key=lambda token: token[0]):
        yield role, "".join(value for _, value in group)


@cache
def _role(kind: _TokenType) -> str:
    while kind.parent is not None:
        if kind in _ROLES:
            return _ROLES[kind]
        kind = kind.parent
    return ""


def _fill(code: HtmlElement, pieces: list[tuple[str, str]]) -> None:
    code.text = ""
    last: HtmlElement | None = None
    for role, value in pieces:
        coloured = value.rstrip() if role else ""
        if coloured:
            last = E.span(coloured)
            last.set("class", role)
            last.tail = ""
            code.append(last)
        rest = value[len(coloured) :]
        if last is None:
            code.text += rest
        else:
            last.tail += rest
    if last is None:
        code.text = code.text.removesuffix("\n")
    else:
        last.tail = last.tail.removesuffix("\n")
