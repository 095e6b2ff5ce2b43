"""The size ladder: what a mail that is too large gives up before it is refused (M-28).

==============  ==================================================================
larger than     gives up
==============  ==================================================================
`size_warn`     what the style sheet repeats for each element (I154)
`size_max`      the colours of code (W155)
==============  ==================================================================

What then still is larger than `size_max` is refused (E150): only the author can shorten it, or end
it earlier with `cut_after`. A content that is larger before it has any style gives up nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mailer.content.shape.highlight import uncoloured
from mailer.model import Finding
from mailer.render import blocks

if TYPE_CHECKING:
    from mailer.config import CheckConfig
    from mailer.model import Issue
    from mailer.render.blocks import Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an HTML part is made of, as far as a step may change it."""

    content: str
    lean: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """The HTML part at the step where it fits, or at the last one.

    Attributes:
        html: the document.
        octets: its size; 0 if it keeps `size_warn` as it is.
        blocks: what it is made of, in reading order; empty unless it is larger than `size_warn`.
        findings: what was given up.
    """

    html: str
    octets: int = 0
    blocks: tuple[Block, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    limit: Callable[[CheckConfig], int]
    change: Callable[[Draft], Draft]
    id: str
    message: str
    next_step: str = ""

    def finding(self, issue: Issue, saved: int) -> Finding:
        message = f"{self.message}: {saved:,} bytes less"
        return Finding(id=self.id, message=message, file=issue.file, next_step=self.next_step)


_STEPS: Final = (
    _Step(
        limit=lambda limits: limits.size_warn,
        change=lambda draft: replace(draft, lean=True),
        id="I154",
        message="margins and other finish of the style sheet were left out",
    ),
    _Step(
        limit=lambda limits: limits.size_max,
        change=lambda draft: replace(draft, content=uncoloured(draft.content)),
        id="W155",
        message="the colours of code were left out",
        next_step="shorten the issue to have them again",
    ),
)


def fit(
    content: str,
    *,
    issue: Issue,
    make: Callable[[Draft], str],
    octets: Callable[[str], int],
    limits: CheckConfig,
) -> Fitted:
    """Make an HTML part, and make it again with less as long as it is too large.

    Args:
        content: the issue's own HTML.
        issue: where the content comes from.
        make: the HTML part of a draft.
        octets: the size of an HTML part (M-28).
        limits: how large a mail may be.
    """
    if len(content.encode()) > limits.size_max:
        return _refuse(content, issue=issue, make=make, octets=octets)
    html = make(Draft(content=content))
    size = octets(html)
    if size <= limits.size_warn:
        return Fitted(html=html)
    found, pieces = blocks.split(content, issue)
    draft, marked, findings = Draft(content=blocks.mark(pieces)), "", list[Finding]()
    for step in _STEPS:
        changed = step.change(draft)
        if size <= step.limit(limits) or changed == draft:
            continue
        marked = make(changed)
        html = blocks.unmark(marked)
        draft, before, size = changed, size, octets(html)
        if size < before:
            findings.append(step.finding(issue, before - size))
    parts = blocks.measure(found, marked, size) if size > limits.size_warn else ()
    return Fitted(html=html, octets=size, blocks=parts, findings=tuple(findings))


def _refuse(
    content: str, *, issue: Issue, make: Callable[[Draft], str], octets: Callable[[str], int]
) -> Fitted:
    """A content that is too large by itself: no step could help, and each costs time."""
    found, pieces = blocks.split(content, issue)
    marked = make(Draft(content=blocks.mark(pieces)))
    html = blocks.unmark(marked)
    size = octets(html)
    return Fitted(html=html, octets=size, blocks=blocks.measure(found, marked, size))
