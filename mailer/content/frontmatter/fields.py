"""The fields of one file: our keys as text, word or flag, and what is wrong with them."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailer.content.frontmatter.heads import TABLES
from mailer.content.frontmatter.split import KEYS
from mailer.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.content.frontmatter.split import FrontMatter

_CONTROLS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
"""What must never reach a header (M-11)."""

NEAR = 0.82
"""How alike two words are before one is called a misspelling: Hugo's `publishdate` is not."""

FLAGS = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(
    ("false", "no", "off", "0"), False
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The front matter of one file, read with what is wrong with it.

    Attributes:
        findings: grows with what the methods find.
    """

    matter: FrontMatter
    file: str
    findings: list[Finding] = field(default_factory=list)

    def places(self, name: str) -> Iterator[tuple[str, object]]:
        """Where a key stands, as dotted name and value: our own table first, then the top."""
        for table in (TABLES[0], "", *TABLES[1:]):
            fields = self.matter.fields if not table else self.matter.fields.get(table)
            if isinstance(fields, dict) and name in fields:
                yield (f"{table}.{name}" if table else name), fields[name]

    def find(self, *names: str) -> tuple[str, object]:
        """The first of these keys that has a value, as dotted name and value; or ("", None)."""
        for name in names:
            for place, value in self.places(name):
                if value is not None:
                    return place, value
        return "", None

    def report(self, check: str, message: str, *, key: str = "", next_step: str = "") -> None:
        """Remember a finding at the line of a key."""
        line = self.matter.lines.get(key, 0)
        self.findings.append(
            Finding(id=check, message=message, file=self.file, line=line, next_step=next_step)
        )

    def text(self, *names: str, fold: bool = False) -> str:
        """The first of these keys that has text, without space around it; or "".

        A control character in it is E102 and becomes U+FFFD (M-11), so that it harms nobody who
        looks at the issue all the same. `fold` lets line ends be spaces.
        """
        for name in names:
            place, value = self.find(name)
            if isinstance(value, (dict, list)):
                self.report("E101", f"{name} must be text", key=place, next_step=f'{name}: "…"')
                continue
            text = "" if value is None else str(value).strip()
            if fold:
                text = re.sub(r"[ \t\n]+", " ", text)
            if text:
                return self.harmless(text, key=place)
        return ""

    def harmless(self, text: str, *, key: str) -> str:
        """The text with control characters reported as E102 and replaced (M-11)."""
        bad = _CONTROLS.search(text)
        if bad is None:
            return text
        self.report(
            "E102",
            f"{key.rpartition('.')[2]} holds the control character U+{ord(bad[0]):04X}",
            key=key,
            next_step="write it on one line, without control characters",
        )
        return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)

    def word(self, *names: str, shape: re.Pattern[str], example: str) -> str:
        """The first of these keys that has text, which must match `shape` (else E101)."""
        text = self.text(*names)
        if not text or shape.fullmatch(text):
            return text
        key, _ = self.find(*names)
        self.report("E101", f"{key}: {text} is not possible here", key=key, next_step=example)
        return ""

    def flag(self, name: str) -> bool | None:
        """Yes, no, or None if the key is absent; anything else is E101 and None."""
        key, value = self.find(name)
        if value is None:
            return None
        known = FLAGS.get(str(value).strip().lower())
        if known is None:
            step = f"{name}: true or {name}: false"
            self.report("E101", f"{name} is neither true nor false", key=key, next_step=step)
        return known


def check_spelling(fields: Fields) -> None:
    """W103 for keys that nearly spell one of ours."""
    known = fields.matter.fields
    for prefix, table in (("", known), *((f"{name}.", known.get(name)) for name in TABLES)):
        for key in table if isinstance(table, dict) else ():
            if key in KEYS or (not prefix and key in TABLES):
                continue
            near = difflib.get_close_matches(key, KEYS, n=1, cutoff=NEAR)
            if near:
                message = f"{key} is no key of ours: did you mean {near[0]}?"
                fields.report("W103", message, key=prefix + key, next_step=f"{near[0]}: …")
