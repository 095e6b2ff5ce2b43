"""What is wrong with a rendered mail: its size, its way out, and what it lacks for somebody."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from email.policy import compat32
from html import unescape
from typing import TYPE_CHECKING, Final

from mailer.compose.expressions import MissingValueError
from mailer.errors import CheckError
from mailer.model import Finding, Slot
from mailer.render.blocks import largest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mailer.compose.mime import MessageTemplate, Sizes
    from mailer.config import CheckConfig
    from mailer.model import Instant, Issue, Message, Recipient, Rendering, Template
    from mailer.render.blocks import Block

_LIST_HEADERS: Final = {
    "List-Id": re.compile(r"(?s:.*)<[\w.-]+>"),
    "List-Unsubscribe": re.compile(r"<https?://[!-=?-~]+>"),
    "List-Unsubscribe-Post": re.compile(r"List-Unsubscribe=One-Click"),
}

EXAMPLES = 3
"""So many of those who lack a value are named."""


def check_size(
    sizes: Sizes,
    issue: Issue,
    *,
    limits: CheckConfig,
    blocks: Sequence[Block] = (),
    cut: str = "",
) -> tuple[Finding, ...]:
    """E150 and W151: the larger of the decoded and the encoded HTML part (M-28).

    Args:
        sizes: of both parts.
        issue: what was rendered.
        limits: how large it may be; above, Gmail clips the footer off.
        blocks: what it is made of, so that the largest can be named.
        cut: the heading after which it may end so that it fits.
    """
    size = max(sizes.html_decoded, sizes.html_encoded)
    if size <= min(limits.size_warn, limits.size_max):
        return ()
    fatal = size > limits.size_max
    limit = limits.size_max if fatal else limits.size_warn
    most = largest(blocks)
    message = (
        f"The HTML part has {size:,} bytes, over {limit:,}: Gmail cuts mail off at "
        "about 102,000, and the unsubscribe link with it"
    )
    if most:
        message += f"; most take {', '.join(map(_named, most))}"
    step = f'cut_after: "{cut}" in the front matter, which links to the rest'
    return (
        Finding(
            id="E150" if fatal else "W151",
            message=message,
            file=issue.file,
            line=most[0].line if most else 0,
            next_step=step if cut else "shorten the issue and link to the rest",
        ),
    )


def _named(block: Block) -> str:
    place = f"line {block.line}, " if block.line else ""
    return f'"{block.name}" ({place}{block.octets:,} bytes)'


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


def check_headers(message: bytes, issue: Issue) -> tuple[Finding, ...]:
    """E190: the list headers of a message are as providers read them (L-1, L-2, L-3)."""
    headers = BytesHeaderParser(policy=compat32).parsebytes(message)
    wrong = [
        name for name, shape in _LIST_HEADERS.items() if not shape.fullmatch(headers.get(name, ""))
    ]
    return tuple(
        Finding(
            id="E190",
            message=f"The header {name} is not formed as providers read it",
            file=issue.file,
            next_step="[newsletter] url and the list's title in mailer.toml",
        )
        for name in wrong
    )


def _slots(template: Template) -> Iterator[Slot]:
    return (piece for piece in template if isinstance(piece, Slot))


def _has_words(template: Template, words: str) -> bool:
    """Whether the words stand there in order, however wrapped, marked up or escaped."""
    fixed = unescape("".join(piece for piece in template if isinstance(piece, str)))
    position = 0
    for word in words.split():
        position = fixed.find(word, position)
        if position < 0:
            return False
        position += len(word)
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """What composing for everybody showed.

    Attributes:
        largest: octets of the largest content.
        domains: how many of the recipients are at which domain.
        samples: the first few recipients with their messages.
    """

    findings: tuple[Finding, ...]
    recipients: int
    largest: int
    domains: Mapping[str, int]
    samples: tuple[tuple[Recipient, Message], ...]


NOBODY = Composed(findings=(), recipients=0, largest=0, domains={}, samples=())


def compose_all(
    template: MessageTemplate,
    recipients: Iterable[Recipient],
    *,
    issue: Issue,
    limits: CheckConfig,
    date: Instant,
    samples: int,
) -> Composed:
    """Compose every recipient's message and keep only a few; E140 names what somebody lacks (M-31).

    Memory does not grow with the number of recipients.
    """
    tally = _Tally(samples)
    for recipient in recipients:
        tally.count += 1
        tally.domains[recipient.email.rpartition("@")[2].lower()] += 1
        try:
            tally.keep(recipient, template.compose(recipient, date=date))
        except MissingValueError as error:
            tally.lacks(recipient, error.name)
        except CheckError as error:
            tally.refused(recipient, error)
    findings = list(tally.findings(template, issue))
    if tally.largest is not None and not check_size(template.sizes, issue, limits=limits):
        # A long value can lift one person's mail over the limit that the others keep.
        findings += check_size(template.measure(tally.largest), issue, limits=limits)
    return Composed(
        findings=tuple(findings),
        recipients=tally.count,
        largest=len(tally.largest.content) if tally.largest else 0,
        domains=tally.domains,
        samples=tuple(tally.samples),
    )


def fault_of(
    template: MessageTemplate, recipient: Recipient, *, date: Instant
) -> tuple[str, str] | None:
    """Why no message can be composed for somebody, as code and words; None if one can."""
    try:
        template.compose(recipient, date=date)
    except MissingValueError as error:
        return "E140", error.name
    except CheckError as error:
        return error.code, f"{error.message} {error.detail}".strip()
    return None


class _Tally:
    """What is remembered of the messages: numbers and examples."""

    def __init__(self, samples: int) -> None:
        self.count = 0
        self.domains: Counter[str] = Counter()
        self.samples: list[tuple[Recipient, Message]] = []
        self.largest: Message | None = None
        self._wanted = samples
        self._lacking: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = {}
        self._refused: dict[str, tuple[str, CheckError]] = {}

    def keep(self, recipient: Recipient, message: Message) -> None:
        """A message was composed."""
        if self.largest is None or len(message.content) > len(self.largest.content):
            self.largest = message
        if len(self.samples) < self._wanted:
            self.samples.append((recipient, message))

    def lacks(self, recipient: Recipient, name: str) -> None:
        """Somebody has no value for a name."""
        self._lacking[name] += 1
        examples = self._examples.setdefault(name, [])
        if len(examples) < EXAMPLES:
            examples.append(recipient.email)

    def refused(self, recipient: Recipient, error: CheckError) -> None:
        """A value of somebody's cannot be written."""
        self._refused.setdefault(error.message, (recipient.email, error))

    def findings(self, template: MessageTemplate, issue: Issue) -> Iterator[Finding]:
        """What was wrong, each thing once."""
        for email, error in self._refused.values():
            yield Finding(
                id=error.code,
                message=f"{error.message}, for example for {email}: {error.detail}",
                file=issue.file,
                next_step=error.next,
            )
        for name, number in self._lacking.items():
            people = ", ".join(self._examples[name]) + (" …" if number > EXAMPLES else "")
            yield Finding(
                id="E140",
                message=f"{{{{ {name} }}}} has no value for {number:,} of {self.count:,}: {people}",
                file=issue.file,
                line=_line_of(template, name),
                next_step=f"{{{{ {name} or 'reader' }}}}, or give them a value",
            )


def _line_of(template: MessageTemplate, name: str) -> int:
    # The text part first: it is the Markdown, while HTML begins with a preheader made of it.
    rendering = template.rendering
    for slot in _slots((*rendering.text, *rendering.html, *rendering.subject)):
        if name in slot.expression and slot.line:
            return slot.line
    return 0
