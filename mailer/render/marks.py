"""Which line of which template made what: marks in a product that are taken out again."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

_MARK: Final = re.compile("\0([^\0]*)\0([0-9]+)\0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What a template produced.

    Attributes:
        text: the product.
        origins: (offset in text, "file:line") of each line of a template, the first at 0.
    """

    text: str
    origins: tuple[tuple[int, str], ...]

    def where(self, offset: int) -> str:
        """File and line of the template that produced the character at this offset."""
        index = bisect_right(self.origins, offset, key=lambda origin: origin[0]) - 1
        return self.origins[index][1]


def unmarked(text: str, name: str, where: Callable[[str, int], str]) -> Rendered:
    """What the template `name` produced, without its marks, and what they said.

    `where` makes of a template and a line what messages say.
    """
    parts: list[str] = []
    origins = [(0, where(name, 1))]
    done = offset = 0
    for mark in _MARK.finditer(text):
        parts.append(text[done : mark.start()])
        offset += mark.start() - done
        origins.append((offset, where(mark[1], int(mark[2]))))
        done = mark.end()
    return Rendered(text="".join([*parts, text[done:]]), origins=tuple(origins))


class Marks(Extension):
    """Marks each line of a .mjml template, so that an error in the product finds its line."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """The tokens with a mark before each line of text."""
        marked = (stream.name or "").endswith(".mjml")
        for token in stream:
            if marked and token.type == "data":
                lines = token.value.split("\n")
                text = "\n".join(
                    f"\0{stream.name}\0{token.lineno + number}\0{line}"
                    for number, line in enumerate(lines)
                )
                yield Token(token.lineno, token.type, text)
            else:
                yield token
