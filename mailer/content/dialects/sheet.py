"""An issue's body while a dialect is translated: its code set aside, its lines counted.

Code, raw HTML that is verbatim, escaped signs and personal places are taken out and stand in the
text as opaque words, so that no pattern of a dialect can find anything in them. Whatever replaces a
part of the text has as many line ends as that part: a finding always names the line of the file.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from enum import Enum, auto
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from mailer.content.dialects import verbatim
from mailer.content.dialects.code import Line, code_lines
from mailer.content.dialects.surroundings import MARKERS
from mailer.content.dialects.verbatim import Found, Scanner, What
from mailer.content.personal import BRACES, is_personal
from mailer.model import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

_PRIVATE: Final = range(0xE000, 0xF900)
_INDENT: Final = re.compile(r"[ \t>]*")
_SHEETS: Final = frozenset({"script", "style"})
"""HTML that is for a browser and not for reading."""
_INCLUDED: Final = re.compile(r"<!--\s*@include:?\s*(.*?)\s*-->", re.IGNORECASE)
_LONGEST_REST: Final = 200
_INFO: Final = re.compile(r"[ \t]*\{?[ \t]*\.?([\w+#.-]+)(?![\w+#.-]*=)")


class Kind(Enum):
    """What an opaque word stands for."""

    OPENING = auto()
    CODE = auto()
    CLOSING = auto()
    SPAN = auto()
    SHEET = auto()
    PLACE = auto()


class Sheet:
    """The text that a dialect works on, and what was found wrong with it."""

    def __init__(
        self,
        body: str,
        *,
        file: str = "",
        body_line: int = 1,
        fields: Mapping[str, object] | None = None,
        loose: Collection[int] = (),
    ) -> None:
        self.fields = fields or {}
        self.findings: dict[Finding, None] = {}  # in their order, each once
        self.borrowed: set[int | None] = set()
        """Empty lines that hold a mark already, by their places (`calls`)."""
        self.file = file
        self._body_line = body_line
        self._mark = next((chr(code) for code in _PRIVATE if chr(code) not in body), "\x00")
        self.includes = False
        """Whether the site was to put files into the text, which perhaps define its links."""
        self._kept: list[tuple[Kind, str]] = []
        self._words = re.compile(rf"{self._mark}(\d+){self._mark}")
        self.text = body
        self._set_aside(loose)

    # --- the text ---------------------------------------------------------------------------------

    def sub(self, pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str]) -> None:
        """Replace every match; the number of lines stays."""
        self.text = pattern.sub(lambda match: fit(replace(match), match[0]), self.text)

    def splice(self, changes: Iterable[tuple[int, int, str]]) -> None:
        """Replace ranges of the text that do not overlap; the number of lines stays."""
        parts: list[str] = []
        done = 0
        for start, end, new in sorted(changes):
            if start < done:
                continue
            parts += [self.text[done:start], fit(new, self.text[start:end])]
            done = end
        self.text = "".join([*parts, self.text[done:]])

    def shown(self, text: str) -> str:
        """A piece of the text with everything in its place."""
        return self._words.sub(lambda word: self._kept[int(word[1])][1], text)

    def keep(self, text: str, kind: Kind = Kind.SPAN) -> str:
        """An opaque word that stands for a text on one line."""
        self._kept.append((kind, text))
        return f"{self._mark}{len(self._kept) - 1}{self._mark}"

    def with_places(self, text: str) -> str:
        """A text that was made of shown parts, its personal places opaque again."""
        if "{{" not in text:
            return text
        return BRACES.sub(
            lambda place: self.keep(place[0], Kind.PLACE) if is_personal(place[1]) else place[0],
            text,
        )

    def kind(self, line: str) -> Kind | None:
        """What the opaque word at the beginning of a line stands for, if there is one."""
        word = self._words.match(MARKERS.sub("", line, count=1))
        return self._kept[int(word[1])][0] if word else None

    def drop(self, kind: Kind) -> None:
        """Take out all that is of a kind."""
        for number, (each, _) in enumerate(self._kept):
            if each is kind:
                self._kept[number] = kind, ""

    def restored(self) -> str:
        """The whole text, the info of its fences reduced to the language."""
        for number, (kind, text) in enumerate(self._kept):
            if kind is Kind.OPENING:
                self._kept[number] = kind, _plain_fence(text)
        return self.shown(self.text)

    # --- findings ---------------------------------------------------------------------------------

    def line_at(self, place: int) -> int:
        """The line in the file of a place in the text."""
        return self._body_line + self.text.count("\n", 0, place)

    def warn(self, place: int, message: str, *, next_step: str = "") -> None:
        """W112: something of a site generator goes, and nobody loses a word by it."""
        self.report("W112", place, message, next_step=next_step)

    def refuse(self, place: int, message: str, *, next_step: str) -> None:
        """E118: something of a site generator cannot be translated without harm."""
        self.report("E118", place, message, next_step=next_step)

    def report(self, check: str, place: int, message: str, *, next_step: str = "") -> None:
        """Remember a finding at a place of the text, once for each line."""
        line = self.line_at(place)
        finding = Finding(id=check, message=message, file=self.file, line=line, next_step=next_step)
        self.findings.setdefault(finding)

    # --- setting aside ----------------------------------------------------------------------------

    def _set_aside(self, loose: Collection[int]) -> None:
        body, lines = self.text, self.text.split("\n")
        starts = list(accumulate((len(line) + 1 for line in lines), initial=0))

        scanner = Scanner(body, mark=self._mark)

        def skip(number: int) -> int:
            end = scanner.end_of_block(starts[number], starts[number + 1] - 1)
            return bisect_left(starts, end) - number if end else 0

        kinds = code_lines(lines, loose=loose, skip=skip)
        self.text = "\n".join(
            line if kind is Line.PROSE else self._code_line(line, Kind[kind.name])
            for line, kind in zip(lines, kinds, strict=True)
        )
        self.text = self._quoted(self.text)

    def _code_line(self, line: str, kind: Kind) -> str:
        indent = (MARKERS if kind is Kind.OPENING else _INDENT).match(line)
        assert indent is not None
        rest = line[indent.end() :]
        return indent[0] + self.keep(rest, kind) if rest else line

    def _quoted(self, text: str, *, line: int = 0) -> str:
        parts: list[str] = []
        done = 0
        for found in Scanner(text, mark=self._mark).within(0, len(text)):
            number = line + text.count("\n", 0, found.start) if found.what is What.COMMENT else 0
            new = fit(self._word(text, found, number), found.whole)
            parts += [text[done : found.start], new]
            done = found.end
        return "".join([*parts, text[done:]])

    def _word(self, text: str, found: Found, line: int) -> str:
        """What stands for one verbatim thing (the table of `verbatim`)."""
        match found.what:
            case What.COMMENT:
                return self._comment(text, found, line)
            case What.LITERAL:
                return self.keep("&#123;" + re.sub(r"/\*|\*/", "", found.whole[1:]))
            case What.RAW:
                return self._quoted(found.content).replace("{", self.keep("&#123;"))
            case What.CODE:
                return self._code(text, found)
            case What.PLACE:
                return self.keep(found.whole, Kind.PLACE)
            case _:
                sheet = found.name in _SHEETS
                return self._lines(found.whole, Kind.SHEET if sheet else Kind.SPAN)

    def _comment(self, text: str, found: Found, line: int) -> str:
        """Nothing; but one of HTML among words stays, which it may hold apart."""
        included = _INCLUDED.match(found.whole)
        if included:
            message = f"{included[1]} was to be included: the file is not here"
            line += self._body_line
            self.findings.setdefault(Finding(id="W112", message=message, file=self.file, line=line))
        start = text.rfind("\n", 0, found.start) + 1
        after = text[found.end : found.end + _LONGEST_REST].split("\n", 1)[0]
        alone = not text[start : found.start].strip(" \t>") and not after.strip()
        if alone or included or not found.whole.startswith("<!--"):
            return ""
        return self._lines(found.whole, Kind.SPAN)

    def _code(self, text: str, found: Found) -> str:
        before = text[text.rfind("\n", 0, found.start) + 1 : found.start]
        after = text[found.end : found.end + _LONGEST_REST].split("\n", 1)[0]
        block = verbatim.code_block(found, before=before, after=after)
        if block is None:
            return self._lines(verbatim.code_in_line(found), Kind.SPAN)
        opening, lines, closing = block
        kept = [self._code_line(line, Kind.CODE) for line in lines[:-1]]
        last = lines[-1] + self.keep(closing, Kind.CLOSING)
        return "\n".join([self.keep(opening, Kind.OPENING), *kept, last])

    def _lines(self, text: str, kind: Kind) -> str:
        """Opaque words for a text that may go over several lines."""
        return "\n".join(self._code_line(line, kind) for line in text.split("\n"))


def fit(new: str, old: str) -> str:
    """A replacement with as many line ends as what it replaces."""
    lines, wanted = new.count("\n"), old.count("\n")
    if lines <= wanted:
        return new + "\n" * (wanted - lines)
    parts = new.split("\n")
    return "\n".join([*parts[:wanted], " ".join(parts[wanted:])])


def _plain_fence(opening: str) -> str:
    mark = opening[: len(opening) - len(opening.lstrip(opening[0]))]
    info = _INFO.match(opening, len(mark))
    return f"{mark}{info[1] if info else ''}"
