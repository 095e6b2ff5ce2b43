"""Plain and GitHub-flavoured Markdown, and what every dialect has in common with it.

Containers and admonitions become blocks, tables of contents go: a mail has no places to jump to.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailer.content.dialects import admonitions, containers, leftovers

if TYPE_CHECKING:
    from mailer.content.dialects.sheet import Sheet

_CONTENTS: Final = re.compile(
    r"^[ \t]*(?:\[\[_?toc_?\]\]|\[toc\]|\$\{toc\}"
    r"|\{\{[<%]?[ \t]*(?:toc|table_of_contents)[ \t]*[>%]?\}\})[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)


def translate(sheet: Sheet) -> None:
    """Nothing of its own: `finish` is all."""
    del sheet


def finish(sheet: Sheet, *, templated: bool) -> None:
    """What comes last in every dialect, whether or not it evaluates braces."""
    sheet.sub(_CONTENTS, lambda _: "")
    admonitions.to_containers(sheet)
    containers.settle(sheet)
    leftovers.check(sheet, templated=templated)
