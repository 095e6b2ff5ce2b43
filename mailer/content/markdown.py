"""Markdown in, mail-safe HTML and plain text out: once per issue, from one tree.

::

    body ──Python-Markdown──▶ HTML ──sanitise──▶ safe HTML ──shape.settle──▶ tree ──▶ text
                                                                              └─shape.dress─▶ HTML

The classes that the HTML may carry are listed in `shape`.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailer.content import engine, plaintext, sanitise, shape
from mailer.content.limits import refuse_elements, refuse_length
from mailer.content.signs import odd, printable, without_data
from mailer.content.source import Source
from mailer.errors import CheckError

if TYPE_CHECKING:
    from mailer.content.web import Web
    from mailer.model import EmbeddedImage, Finding

_DEEPEST: Final = 100
"""Levels of nesting: libxml2 ends a document silently at about 250, the theme's included."""

_MARKS = " \t>*+-"
_BREAK = re.compile(r"<br\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The content of an issue, without header and footer.

    Attributes:
        html: inner HTML of the content area.
        text: the same for text/plain, wrapped, ends with one newline.
        images: what the HTML shows as `cid:`, each once.
    """

    html: str
    text: str
    findings: tuple[Finding, ...]
    images: tuple[EmbeddedImage, ...] = ()


def convert(
    body: str,
    *,
    title: str,
    file: str,
    body_line: int,
    web: Web,
    language: str = "en",
    column: int = 536,
    cut: shape.Cut | None = None,
) -> Document:
    """Render the body of an issue.

    Args:
        body: Markdown; per-recipient places already are opaque words like `tok3f9ac01b22s0`.
        title: the heading if the body has none of its own, or several.
        file: path for findings and errors.
        body_line: line in the file of the first line of the body.
        web: what addresses are relative to.
        language: of the issue, such as "pt-BR".
        column: width of the content in CSS pixels; the default is 600 less two margins of 32.
        cut: where it ends early, if it does.

    Raises:
        CheckError: E205, nested too deeply for any mail client; E150, far too long for a mail.
    """
    refuse_length(body, file=file)
    source = Source(body=printable(without_data(body)), file=file, body_line=body_line)
    lines = Source(body=body, file=file, body_line=body_line)
    for offset, message in odd(body):
        source.report("W152", message, line=lines.line_at(offset))
    safe = _safe(source)
    refuse_elements(safe, file=file)
    _guard(sanitise.depth(safe), source)
    tree = shape.parse(safe)
    if cut is not None:
        shape.cut(tree, at=cut, web=web, language=language, source=source)
    images = shape.settle(
        tree, title=printable(title), web=web, language=language, column=column, source=source
    )
    text = shape.restore(plaintext.to_text(tree))
    shape.dress(tree)
    markup = shape.write(tree)
    _guard(sanitise.depth(markup), source)
    return Document(html=markup, text=text, findings=source.findings, images=images)


def plain(snippet: str) -> str:
    """The words of a few lines of Markdown, on one line: for a subject or a preheader.

    What is nested too deeply has none: `convert` refuses it.
    """
    try:
        markup = engine.to_html(printable(snippet))
    except RecursionError:
        return ""
    return " ".join(html.unescape(_TAG.sub("", _BREAK.sub(" ", markup))).split())


def _safe(source: Source) -> str:
    try:
        return sanitise.clean(engine.to_html(source.body), source)
    except RecursionError as error:
        raise _too_deep(source) from error


def _guard(levels: int, source: Source) -> None:
    if levels > _DEEPEST:
        raise _too_deep(source)


def _too_deep(source: Source) -> CheckError:
    return CheckError(
        "E205",
        "Lists, quotes or HTML are nested too deeply",
        where=f"{source.file}:{source.body_line + _deepest(source.body)}",
        detail=f"No more than {_DEEPEST} levels survive the parsers of mail clients.",
        next_step="make the text flatter",
    )


def _deepest(body: str) -> int:
    """The line, from 0, that begins with most marks of nesting: the likeliest to be too deep."""
    lines = body.split("\n")
    depths = [line.count("<") + len(line) - len(line.lstrip(_MARKS)) for line in lines]
    return depths.index(max(depths))
