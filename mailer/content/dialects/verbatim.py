r"""What stands between the lines of a Markdown text as it is: code spans, comments, quoted markup.

==========  ======================================================  ============================
group       is                                                      becomes
==========  ======================================================  ============================
ticks       a code span, ```x```                                       itself, untouched
escape      an escaped sign, ``\*``                                  itself, untouched
comment     ``<!-- -->``, ``{/* */}``, ``{# #}``, ``{{! }}``,       nothing
            ``{% comment %}``
literal     ``{{</* x */>}}``: Hugo's shortcode that is shown       its braces, as text
raw         ``{% raw %}``                                           its content, braces as text
code        ``{% highlight x %}``, ``{{< highlight x >}}``          fenced code
html        ``<pre>``, ``<code>``, ``<script>`` and the like        itself, untouched
place       ``{{ subscriber.name }}``                               itself, untouched
==========  ======================================================  ============================
"""

from __future__ import annotations

import html
import re
from functools import cache
from typing import Final

from mailer.content.personal import BRACES

SHEETS: Final = frozenset({"script", "style"})
"""HTML that is for a browser and not for reading."""

_TICKS: Final = r"(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n[ \t]*\n)[^MARK])+?(?<!`)(?P=ticks)(?!`)"
_ESCAPE: Final = r"(?P<escape>\\[!-/:-@\[-`{-~])"
_COMMENTS: Final = (
    r"<!--.*?-->",
    r"\{/\*.*?\*/\}",
    r"\{\{!--.*?--\}\}",
    r"\{\{![^{}]*\}\}",
    r"\{\{/\*.*?\*/\}\}",
    r"\{#(?=[ \t\n]).*?#\}",
    r"\{%-?\s*comment\b.*?\{%-?\s*endcomment\s*-?%\}",
)
_LITERAL: Final = r"\{\{[<%]/\*(?P<literal>.*?)\*/[>%]\}\}"
_RAW: Final = r"\{%-?\s*(?P<raw>raw|verbatim)\s*-?%\}(?P<rawed>.*?)\{%-?\s*end(?P=raw)\s*-?%\}"
_LIQUID_CODE: Final = (
    r"\{%-?\s*(?P<liquid>highlight|codeblock|code)\b(?P<liquid_info>[^\n]*?)-?%\}"
    r"(?P<liquid_code>.*?)\{%-?\s*end(?P=liquid)\s*-?%\}"
)
_HUGO_CODE: Final = (
    r"\{\{[<%]\s*(?P<hugo>highlight|codeblock|code|mermaid)\b(?P<hugo_info>[^\n]*?)[>%]\}\}"
    r"(?P<hugo_code>.*?)\{\{[<%]\s*/\s*(?P=hugo)\s*[>%]\}\}"
)
_HTML: Final = (
    r"(?P<html><(?P<tag>pre|code|script|style|textarea|svg|math)\b[^>]*>.*?</(?P=tag)\s*>)"
)
_PLACE: Final = BRACES.pattern.replace("(", "(?P<place>", 1)
_GROUPS: Final = (
    _TICKS,
    _ESCAPE,
    f"(?P<comment>{'|'.join(_COMMENTS)})",
    _LITERAL,
    _RAW,
    _LIQUID_CODE,
    _HUGO_CODE,
    _HTML,
    _PLACE,
)
_LANGUAGE: Final = re.compile(
    r"(?:lang(?:uage)?\s*[:=]\s*[\"']?)([\w+#.-]+)|^[\s(]*[\"'`]?([\w+#.-]+)(?![\w+#.-]*\s*[:=])"
)
_INDENT: Final = re.compile(r"[ \t>]*")
_BEFORE: Final = re.compile(r"(?:[ \t>]|[-*+][ \t]|\d{1,9}[.)][ \t])*\Z")


@cache
def pattern(mark: str) -> re.Pattern[str]:
    """One expression for all groups; `mark` is the sign that opaque words begin with."""
    return re.compile("|".join(_GROUPS).replace("MARK", mark), re.DOTALL | re.IGNORECASE)


def end_of_verbatim(body: str, start: int, end: int, *, mark: str) -> int:
    """Where something verbatim ends that begins between two places of one line; 0 if it does there.

    Its lines hold no blocks of Markdown, whatever they look like.
    """
    if "<" not in body[start:end] and "{" not in body[start:end]:
        return 0
    find = pattern(mark).search
    while (match := find(body, start)) and match.start() < end:
        if match["ticks"] and "\n" in match[0]:
            start = match.start() + len(match["ticks"])
        elif match["raw"]:
            start = match.start("rawed")
        elif match.end() > end:
            return match.end()
        else:
            start = match.end()
    return 0


def language_of(info: str) -> str:
    """The language that the tag of a code block names."""
    found = _LANGUAGE.search(info)
    return (found[1] or found[2] or "") if found else ""


def code_block(match: re.Match[str]) -> tuple[str, list[str], str] | None:
    """A tag's code as opening fence, lines and closing fence; None if it shares a line."""
    kind = "liquid" if match["liquid"] else "hugo"
    code = match[f"{kind}_code"]
    before = match.string[match.string.rfind("\n", 0, match.start()) + 1 : match.start()]
    after = match.string[match.end() :].split("\n", 1)[0]
    first, *lines = code.split("\n")
    if first.strip() or after.strip() or not lines or not _BEFORE.match(before):
        return None
    indent = _INDENT.fullmatch(lines[-1])
    if indent is None:
        return None
    language = "mermaid" if match["hugo"] == "mermaid" else language_of(match[f"{kind}_info"])
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return fence + language, lines, fence


def code_in_line(match: re.Match[str]) -> str:
    """A tag's code where it shares a line with text: a code span, or HTML over several lines."""
    code = match["liquid_code"] or match["hugo_code"] or ""
    if "\n" in code.strip("\n"):
        return f"<pre><code>{html.escape(code, quote=False)}</code></pre>"
    code = " ".join(code.split())
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    ticks = "`" * (longest + 1)
    space = " " if "`" in code[:1] + code[-1:] else ""
    return f"{ticks}{space}{code}{space}{ticks}" if code else ""
