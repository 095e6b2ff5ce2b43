"""Per-recipient places, carried through Markdown, MJML and inlining as opaque tokens.

All of these rewrite braces, percent-encode them or escape their quotes; a word of ASCII letters and
digits survives them unchanged in text, in attributes and in URLs (architecture §6). `protect` puts
tokens in, `SlotTable.split` cuts the finished part into fixed text and slots.

A `{{ … }}` that names subscriber, list or one of the documented links is ours, and must be an
expression that can be filled. Every other one is text: newsletters quote template languages. For
the same reason what Markdown quotes stays as it is, even with our names in it (`quoted`).
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from mailer.compose.expressions import LIST_FIELDS, ExpressionError, compile_expression
from mailer.content.personal import BRACES, NAMES, OURS, STRINGS
from mailer.errors import CheckError
from mailer.model import Place, Slot, Template
from mailer.render.quoted import Spans, outside, quoted

_OURS_IN_TEMPLATES: Final = re.compile(rf"(?<![\w.$@-]){NAMES}")
_UNCLOSED: Final = re.compile(rf"\{{\{{[-\s]*(?:{NAMES}|list\.)")

_TEMPLATE_COMMENT: Final = re.compile(r"\{#.*?#\}", re.DOTALL)
_TAG: Final = re.compile(r"<[a-zA-Z](?:\"[^\"]*\"|'[^']*'|[^'\">])*+>")
_ATTRIBUTE: Final = re.compile(
    r"(?P<name>[^\s\"'<>/=]+)\s*=\s*(?:\"(?P<d>[^\"]*)\"|'(?P<s>[^']*)')"
)
_STYLE: Final = re.compile(r"<style\b.*?</style\s*>", re.DOTALL | re.IGNORECASE)
_URLS: Final = frozenset({"href", "cite"})
_IMAGES: Final = frozenset({"src", "background"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    expression: str
    file: str
    line: int

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}" if self.file else f"line {self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotTable:
    """Which token stands for which expression; tables of several texts are joined by `|`."""

    prefixes: tuple[str, ...] = ()
    entries: Mapping[str, _Entry]

    def __or__(self, other: SlotTable) -> SlotTable:
        return SlotTable(
            prefixes=(*self.prefixes, *other.prefixes), entries={**self.entries, **other.entries}
        )

    def split(self, text: str, *, html: bool) -> Template:
        """Finished HTML (or plain text) as fixed text and slots, each with its place.

        Raises:
            CheckError: E204, a token stands where no value can stand, or was damaged on its way.
        """
        place = _Places(text).place if html else _text_place
        template: list[str | Slot] = []
        done = 0
        for match in self._tokens(text):
            entry = self.entries[match[0]]
            template += self._fixed(text[done : match.start()])
            slot = Slot(expression=entry.expression, place=place(match, entry), line=entry.line)
            template.append(slot)
            done = match.end()
        template += self._fixed(text[done:])
        return tuple(template)

    def _tokens(self, text: str) -> Iterator[re.Match[str]]:
        if not self.entries:
            return iter(())
        tokens = re.finditer(rf"(?:{'|'.join(self.prefixes)})s\d+e", text)
        return (token for token in tokens if token[0] in self.entries)

    def _fixed(self, text: str) -> tuple[str, ...]:
        lower = text.lower()
        for prefix in self.prefixes:
            if prefix in lower:
                raise CheckError(
                    "E204",
                    "A personal value was changed on its way into the mail",
                    where=next(
                        (e.where for token, e in self.entries.items() if prefix in token), ""
                    ),
                    detail="Filters such as upper or truncate cannot change what is filled later.",
                    next_step="put the filter into the expression: {{ subscriber.name | upper }}",
                )
        return (text,) if text else ()


def protect(text: str, *, seed: str, line: int = 1, file: str = "") -> tuple[str, SlotTable]:
    """Markdown (or a subject) with a token in place of each expression that is ours.

    Args:
        text: as written.
        seed: names the text among others; the same seed and text give the same tokens.
        line: the number in `file` of the first line of `text`.
        file: for messages.

    Raises:
        CheckError: E204, an expression of ours that cannot be filled; it names file and line.
    """
    return _protect(text, quoted(text), OURS, seed=seed, line=line, file=file)


def protect_template(source: str, *, seed: str, file: str) -> tuple[str, SlotTable]:
    """A Jinja2 template with each expression about the recipient as a quoted token.

    `list` is known while a template is rendered, so it is left to Jinja2.

    Raises:
        CheckError: as `protect`.
    """
    comments = [match.span() for match in _TEMPLATE_COMMENT.finditer(source)]
    return _protect(
        source, comments, _OURS_IN_TEMPLATES, seed=seed, line=1, file=file, write=_quoted
    )


def _quoted(braces: str, token: str) -> str:
    """A string in the place of the expression, so that `{{-` and `-}}` keep their meaning."""
    opening = "{{-" if braces.startswith("{{-") else "{{"
    closing = "-}}" if braces.endswith("-}}") else "}}"
    return f'{opening} "{token}" {closing}'


def _bare(braces: str, token: str) -> str:
    del braces
    return token


def _protect(
    text: str,
    skipped: Spans,
    ours: re.Pattern[str],
    *,
    seed: str,
    line: int,
    file: str,
    write: Callable[[str, str], str] = _bare,
) -> tuple[str, SlotTable]:
    prefix, first = _prefix(text, seed), line
    entries: dict[str, _Entry] = {}
    parts: list[str] = []
    done = 0
    for match in outside(skipped, BRACES.finditer(text)):
        if not ours.search(STRINGS.sub('""', match[1])):
            continue
        source = match[1].strip().removeprefix("-").removesuffix("-").strip()
        line += text.count("\n", done, match.start())
        entry = _Entry(expression=source, file=file, line=line)
        _check(entry)
        token = f"{prefix}s{len(entries)}e"
        entries[token] = entry
        parts += [text[done : match.start()], write(match[0], token)]
        done = match.end()
    result = "".join([*parts, text[done:]])
    for match in outside(skipped, _UNCLOSED.finditer(text)):
        if not BRACES.match(text, match.start()):
            place = first + text.count("\n", 0, match.start())
            entry = _Entry(expression=match[0], file=file, line=place)
            raise _refusal(entry, "the braces are not closed on this line")
    return result, SlotTable(prefixes=(prefix,) if entries else (), entries=entries)


def _prefix(text: str, seed: str) -> str:
    """`tok` and ten hexadecimal digits that the text does not contain (decisions 12)."""
    lower = text.lower()
    counter = 0
    while True:
        source = f"{seed}\0{counter}\0{text}".encode("utf-8", "surrogatepass")
        prefix = f"tok{hashlib.sha256(source).hexdigest()[:10]}"
        if prefix not in lower:
            return prefix
        counter += 1


_compile: Final = lru_cache(maxsize=256)(compile_expression)  # an issue repeats what it asks for


def _check(entry: _Entry) -> None:
    try:
        names = _compile(entry.expression).names
    except ExpressionError as error:
        raise _refusal(entry, str(error)) from error
    for name in names:
        if name.startswith("list.") and name not in LIST_FIELDS:
            raise _refusal(entry, f"there is no {name}, only {' and '.join(sorted(LIST_FIELDS))}")


def _refusal(entry: _Entry, reason: str) -> CheckError:
    return CheckError(
        "E204",
        f"{{{{ {entry.expression.strip('{ ')} }}}} cannot be filled for a recipient",
        where=entry.where,
        detail=reason,
        next_step='write {{ subscriber.name or "reader" }}, or `code` to show braces as they are',
    )


# --- where a slot stands --------------------------------------------------------------------------


_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


def _text_place(token: re.Match[str], entry: _Entry) -> Place:
    """Text as it is, but where an address goes on: it must lead where the link of the HTML does."""
    del entry
    word = max(token.string.rfind(sign, 0, token.start()) for sign in "\n\t <>") + 1
    goes_on = _ADDRESS.search(token.string, word, token.start())
    return Place.URL_PART if goes_on else Place.TEXT


class _Places:
    """Answers in which place of a finished HTML document a token stands."""

    def __init__(self, html: str) -> None:
        self._html = html
        self._tags = [match.span() for match in _TAG.finditer(html)]
        self._styles = [match.span() for match in _STYLE.finditer(html)]

    def place(self, token: re.Match[str], entry: _Entry) -> Place:
        """HTML between tags and in most attributes; URL or URL_PART where a URL is expected."""
        if _around(self._styles, token.start()):
            raise _misplaced(entry, "in a style sheet")
        tag = _around(self._tags, token.start())
        if tag is None:
            return Place.HTML
        for attribute in _ATTRIBUTE.finditer(self._html, *tag):
            if attribute.start() < token.start() < attribute.end():
                return _attribute_place(attribute, token, entry)
        raise _misplaced(entry, "in a tag outside of a quoted attribute")


def _attribute_place(attribute: re.Match[str], token: re.Match[str], entry: _Entry) -> Place:
    name = attribute["name"].lower()
    value = attribute["d"] if attribute["d"] is not None else attribute["s"]
    if name == "style" or name.startswith("on"):
        raise _misplaced(entry, f"in the attribute {name}")
    if name in _IMAGES:
        # an image whose address differs between two people tells who has opened the mail.
        raise _misplaced(entry, "in the address of an image")
    if name not in _URLS:
        return Place.HTML
    if value.strip() == token[0]:
        return Place.URL
    if value.lstrip().startswith(token[0]):
        raise _misplaced(entry, "at the beginning of a link that goes on after it")
    return Place.URL_PART


def _around(spans: Spans, position: int) -> tuple[int, int] | None:
    """The span that holds a position; spans are in reading order and do not overlap."""
    index = bisect_right(spans, position, key=lambda span: span[0]) - 1
    return spans[index] if index >= 0 and position < spans[index][1] else None


def _misplaced(entry: _Entry, where: str) -> CheckError:
    return CheckError(
        "E204",
        f"{{{{ {entry.expression} }}}} cannot stand {where}",
        where=entry.where,
        detail="There a value could change more than a text or an address.",
        next_step="use it in a text, or as a whole link: [profile]({{ subscriber.website }})",
    )
