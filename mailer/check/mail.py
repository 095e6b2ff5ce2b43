"""What is wrong with a rendered mail: its size, its way out, and what it lacks for somebody."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.compose.expressions import MissingValueError
from mailer.errors import CheckError
from mailer.model import Finding, Slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailer.compose.mime import MessageTemplate
    from mailer.model import Instant, Issue, Message, Recipient, Rendering, Template

SIZE_MAX = 100_000
"""Octets of the HTML part, decoded or encoded: above, Gmail clips the footer off (M-28)."""

SIZE_WARN = 80_000


def check_size(template: MessageTemplate, issue: Issue) -> tuple[Finding, ...]:
    """E150 and W151: the larger of the decoded and the encoded HTML part (M-28)."""
    size = max(template.sizes.html_decoded, template.sizes.html_encoded)
    if size <= SIZE_WARN:
        return ()
    fatal = size > SIZE_MAX and "E150" not in issue.ignore
    limit = SIZE_MAX if size > SIZE_MAX else SIZE_WARN
    return (
        Finding(
            id="E150" if fatal else "W151",
            message=f"The HTML part has {size:,} bytes, over {limit:,}: Gmail cuts such mail off "
            "and the unsubscribe link with it",
            file=issue.file,
            next_step="shorten the issue and link to the rest",
        ),
    )


def check_ways_out(rendering: Rendering, issue: Issue, address: str) -> tuple[Finding, ...]:
    """E190: both parts hold the unsubscribe link and the postal address (L-2, L-15)."""
    findings = []
    for part, template in (("HTML", rendering.html), ("text", rendering.text)):
        if not any(slot.expression == "unsubscribe_url" for slot in _slots(template)):
            findings.append(f"The {part} part has no unsubscribe link")
        if not _has_words(template, address):
            findings.append(f"The {part} part has no postal address")
    return tuple(
        Finding(
            id="E190",
            message=message,
            file=issue.file,
            next_step="let the template's footer show unsubscribe_url and newsletter.address",
        )
        for message in findings
    )


def _slots(template: Template) -> Iterator[Slot]:
    return (piece for piece in template if isinstance(piece, Slot))


def _has_words(template: Template, words: str) -> bool:
    """Whether the words stand there in order, however wrapped or marked up."""
    fixed = "".join(piece for piece in template if isinstance(piece, str))
    position = 0
    for word in words.split():
        found = fixed.find(word.replace("&", "&amp;") if "&amp;" in fixed else word, position)
        if found < 0:
            return False
        position = found
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """What composing for everybody showed.

    Attributes:
        largest: octets of the largest content.
        samples: the first few recipients with their messages.
    """

    findings: tuple[Finding, ...]
    recipients: int
    largest: int
    samples: tuple[tuple[Recipient, Message], ...]


def compose_all(
    template: MessageTemplate,
    recipients: Iterable[Recipient],
    *,
    issue: Issue,
    date: Instant,
    samples: int,
) -> Composed:
    """Compose every recipient's message and keep only a few; E140 names what somebody lacks (M-31).

    Memory does not grow with the number of recipients.
    """
    missing: Counter[str] = Counter()
    first: dict[str, str] = {}
    refused: dict[str, tuple[str, CheckError]] = {}
    kept: list[tuple[Recipient, Message]] = []
    count = largest = 0
    for recipient in recipients:
        count += 1
        try:
            message = template.compose(recipient, date=date)
        except MissingValueError as error:
            missing[error.name] += 1
            first.setdefault(error.name, recipient.email)
            continue
        except CheckError as error:
            refused.setdefault(error.message, (recipient.email, error))
            continue
        largest = max(largest, len(message.content))
        if len(kept) < samples:
            kept.append((recipient, message))
    findings = [
        Finding(
            id=error.code,
            message=f"{error.message}, for example for {email}: {error.detail}",
            file=issue.file,
            next_step=error.next,
        )
        for email, error in refused.values()
    ]
    findings += [
        Finding(
            id="E140",
            message=f"{{{{ {name} }}}} has no value for {number:,} of {count:,}, "
            f"for example {first[name]}",
            file=issue.file,
            line=_line_of(template, name),
            next_step=f"{{{{ {name} or 'reader' }}}}",
        )
        for name, number in missing.items()
    ]
    return Composed(
        findings=tuple(findings), recipients=count, largest=largest, samples=tuple(kept)
    )


def _line_of(template: MessageTemplate, name: str) -> int:
    rendering = template.rendering
    for slot in _slots((*rendering.subject, *rendering.html, *rendering.text)):
        if name in slot.expression and slot.line:
            return slot.line
    return 0
