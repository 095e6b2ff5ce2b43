r"""What stands between the lines of a Markdown text as it is: code spans, comments, quoted markup.

========  =======================================================  =============================
kind      is                                                       becomes
========  =======================================================  =============================
SPAN      a code span                                              itself, untouched
ESCAPE    an escaped sign, ``\*``                                  itself, untouched
COMMENT   ``<!-- -->``, ``{/* */}``, ``{# #}``, ``{{! }}``,        nothing
          ``{% comment %}``
LITERAL   ``{{</* x */>}}``: a shortcode that Hugo shows           its braces, as text
RAW       ``{% raw %}``                                            its content, braces as text
CODE      ``{% highlight x %}``, ``{{< highlight x >}}``           fenced code
HTML      ``<pre>``, ``<code>``, ``<script>`` and the like         itself, untouched
PLACE     ``{{ subscriber.name }}``                                itself, untouched
========  =======================================================  =============================

One look at each place: where the end of a kind stands nowhere behind, nobody searches for it.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from mailer.content.personal import BRACES, is_personal

if TYPE_CHECKING:
    from collections.abc import Iterator


class What(Enum):
    """The kinds of the table above."""

    SPAN = auto()
    ESCAPE = auto()
    COMMENT = auto()
    LITERAL = auto()
    RAW = auto()
    CODE = auto()
    HTML = auto()
    PLACE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One verbatim thing.

    Attributes:
        info: of code, what its tag says besides its name.
        name: of HTML and code, the name of the tag.
    """

    what: What
    start: int
    end: int
    whole: str
    content: str = ""
    info: str = ""
    name: str = ""


_OPENER: Final = re.compile(
    r"`+|\\[!-/:-@\[-`{-~]|<!--|<(?:pre|code|script|style|textarea|svg|math)\b|\{[/%{#]",
    re.IGNORECASE,
)
_COMMENTS: Final = (
    (r"<!--", r"-->"),
    (r"\{/\*", r"\*/\}"),
    (r"\{\{!--", r"--\}\}"),
    (r"\{\{/\*", r"\*/\}\}"),
    (r"\{#(?=[ \t\n])", r"#\}"),
    (r"\{%-?\s{0,9}comment\b", r"\{%-?\s{0,9}endcomment\s{0,9}-?%\}"),
)
_RAW: Final = ("raw", "verbatim")
_LIQUID: Final = ("highlight", "codeblock", "code")
_HUGO: Final = ("highlight", "codeblock", "code", "mermaid")
_HTML: Final = ("pre", "code", "script", "style", "textarea", "svg", "math")

_PAIRS: Final = tuple(
    (what, name, re.compile(opening, re.IGNORECASE), re.compile(closing, re.IGNORECASE))
    for what, name, opening, closing in (
        *((What.COMMENT, "", opening, closing) for opening, closing in _COMMENTS),
        (What.LITERAL, "", r"\{\{[<%]/\*", r"\*/[>%]\}\}"),
        *(
            (
                What.RAW,
                name,
                rf"\{{%-?\s{{0,9}}{name}\s{{0,9}}-?%\}}",
                rf"\{{%-?\s{{0,9}}end{name}\s{{0,9}}-?%\}}",
            )
            for name in _RAW
        ),
        *(
            (
                What.CODE,
                name,
                rf"\{{%-?\s{{0,9}}{name}\b(?P<info>[^\n]{{0,300}}?)-?%\}}",
                rf"\{{%-?\s{{0,9}}end{name}\s{{0,9}}-?%\}}",
            )
            for name in _LIQUID
        ),
        *(
            (
                What.CODE,
                name,
                rf"\{{\{{[<%]\s{{0,9}}{name}\b(?P<info>[^\n]{{0,300}}?)[>%]\}}\}}",
                rf"\{{\{{[<%]\s{{0,9}}/\s{{0,9}}{name}\s{{0,9}}[>%]\}}\}}",
            )
            for name in _HUGO
        ),
        *(
            (What.HTML, name, rf"<{name}\b[^>]{{0,2000}}>", rf"</{name}\s{{0,9}}>")
            for name in _HTML
        ),
    )
)
_HANDLEBARS_COMMENT: Final = re.compile(r"\{\{![^{}]*\}\}")
_BLANK: Final = re.compile(r"\n(?=[ \t]*\n)")
_TICKS: Final = re.compile(r"`+")
_LANGUAGE: Final = re.compile(
    r"(?:lang(?:uage)?\s*[:=]\s*[\"']?)([\w+#.-]+)|^[\s(]*[\"'`]?([\w+#.-]+)(?![\w+#.-]*\s*[:=])"
)
_INDENT: Final = re.compile(r"[ \t>]*")
_BEFORE: Final = re.compile(r"(?:[ \t>]|[-*+][ \t]|\d{1,9}[.)][ \t])*\Z")


class Scanner:
    """Finds what is verbatim in one text.

    Attributes:
        text: the text.
        mark: the sign that opaque words begin with: no code span goes over them.
    """

    def __init__(self, text: str, *, mark: str) -> None:
        self.text = text
        self.mark = mark
        self._blanks = [match.start() for match in _BLANK.finditer(text)]
        self._last: dict[re.Pattern[str], int] = {}

    def within(self, start: int, end: int) -> Iterator[Found]:
        """Everything that begins between two places, in reading order."""
        while opener := _OPENER.search(self.text, start, end):
            found = self._at(opener)
            if found:
                yield found
            start = found.end if found else opener.end()

    def end_of_block(self, start: int, end: int) -> int:
        """Where something ends that begins on a line and holds no blocks of Markdown; or 0."""
        while opener := _OPENER.search(self.text, start, end):
            found = self._at(opener)
            start = opener.end()
            if found and found.what is not What.RAW and "\n" not in found.whole:
                start = found.end
            elif found and found.what not in {What.RAW, What.SPAN}:
                return found.end
        return 0

    def _at(self, opener: re.Match[str]) -> Found | None:
        sign = opener[0][0]
        if sign == "`":
            return self._span(opener)
        if sign == "\\":
            return self._found(What.ESCAPE, opener.start(), opener.end())
        if opener[0] == "{{":
            place = BRACES.match(self.text, opener.start())
            if place and is_personal(place[1]):
                return self._found(What.PLACE, *place.span())
            comment = _HANDLEBARS_COMMENT.match(self.text, opener.start())
            if comment:
                return self._found(What.COMMENT, *comment.span())
        return self._pair(opener.start())

    def _found(self, what: What, start: int, end: int) -> Found:
        return Found(what=what, start=start, end=end, whole=self.text[start:end])

    def _span(self, opener: re.Match[str]) -> Found | None:
        next_blank = bisect_left(self._blanks, opener.end())
        end = self._blanks[next_blank] if next_blank < len(self._blanks) else len(self.text)
        for ticks in _TICKS.finditer(self.text, opener.end(), end):
            if len(ticks[0]) == len(opener[0]):
                crossed = self.mark in self.text[opener.end() : ticks.start()]
                return None if crossed else self._found(What.SPAN, opener.start(), ticks.end())
        return None

    def _pair(self, start: int) -> Found | None:
        for what, name, opening, closing in _PAIRS:
            begin = opening.match(self.text, start)
            if begin is None or self._last_of(closing) < begin.end():
                continue
            end = closing.search(self.text, begin.end())
            if end:
                return Found(
                    what=what,
                    start=start,
                    end=end.end(),
                    whole=self.text[start : end.end()],
                    content=self.text[begin.end() : end.start()],
                    info=begin.groupdict().get("info") or "",
                    name=name,
                )
        return None

    def _last_of(self, closing: re.Pattern[str]) -> int:
        if closing not in self._last:
            starts = [match.start() for match in closing.finditer(self.text)]
            self._last[closing] = starts[-1] if starts else -1
        return self._last[closing]


def language_of(info: str) -> str:
    """The language that the tag of a code block names."""
    found = _LANGUAGE.search(info)
    return (found[1] or found[2] or "") if found else ""


def code_block(found: Found, *, before: str, after: str) -> tuple[str, list[str], str] | None:
    """A tag's code as opening fence, lines and closing fence; None if it shares a line.

    Args:
        found: the tags and what stands between them.
        before: what stands before them on their first line.
        after: what stands behind them on their last line.
    """
    first, *lines = found.content.split("\n")
    if first.strip() or after.strip() or not lines or not _BEFORE.match(before):
        return None
    if not _INDENT.fullmatch(lines[-1]):
        return None
    language = "mermaid" if found.name == "mermaid" else language_of(found.info)
    fence = "`" * max(3, _longest_run(found.content) + 1)
    return fence + language, lines, fence


def code_in_line(found: Found) -> str:
    """A tag's code where it shares a line with text: a code span, or HTML over several lines."""
    code = found.content
    if "\n" in code.strip("\n"):
        return f"<pre><code>{html.escape(code, quote=False)}</code></pre>"
    code = " ".join(code.split())
    ticks = "`" * (_longest_run(code) + 1)
    space = " " if "`" in code[:1] + code[-1:] else ""
    return f"{ticks}{space}{code}{space}{ticks}" if code else ""


def _longest_run(code: str) -> int:
    return max((len(run) for run in _TICKS.findall(code)), default=0)
