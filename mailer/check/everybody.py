"""Composing for everybody without sending: who lacks a value, whose mail becomes too large."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.check.mail import check_size, slots_of
from mailer.compose.expressions import MissingValueError
from mailer.errors import CheckError
from mailer.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mailer.compose.mime import MessageTemplate
    from mailer.config import CheckConfig
    from mailer.model import Instant, Issue, Message, Recipient

EXAMPLES = 3
"""So many of those who lack a value are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """What composing for everybody showed.

    Attributes:
        largest: octets of the largest content.
        domains: how many of the recipients are at which domain.
        variants: how many of the recipients get which variant of the issue.
        samples: the first few recipients with their messages, and the first of each variant; these
            alone are signed.
    """

    findings: tuple[Finding, ...]
    recipients: int
    largest: int
    domains: Mapping[str, int]
    variants: Mapping[str, int]
    samples: tuple[tuple[Recipient, Message], ...]


NOBODY = Composed(findings=(), recipients=0, largest=0, domains={}, variants={}, samples=())


def compose_all(
    templates: Mapping[str, MessageTemplate],
    recipients: Iterable[Recipient],
    *,
    issues: Mapping[str, Issue],
    limits: CheckConfig,
    date: Instant,
    samples: int,
) -> Composed:
    """Compose every recipient's message and keep only a few; E140 names what somebody lacks (M-31).

    Memory does not grow with the number of recipients.

    Args:
        templates: each variant's, by its name.
        recipients: who gets a message, and which variant.
        issues: each variant's file.
        limits: how large a message may be.
        date: of all messages.
        samples: how many are kept.
    """
    tallies = {name: _Tally(template, issues[name]) for name, template in templates.items()}
    domains: Counter[str] = Counter()
    kept: list[Recipient] = []
    for recipient in recipients:
        tally = tallies[recipient.variant]
        message = tally.compose(recipient, date)
        domains[recipient.email.rpartition("@")[2].lower()] += 1
        if message and samples and (len(kept) < samples or tally.composed == 1):
            kept.append(recipient)
    return Composed(
        findings=tuple(one for tally in tallies.values() for one in tally.findings(limits)),
        recipients=sum(tally.count for tally in tallies.values()),
        largest=max(tally.octets(date) for tally in tallies.values()),
        domains=domains,
        variants={name: tally.count for name, tally in tallies.items()},
        samples=tuple((one, templates[one.variant].compose(one, date=date)) for one in kept),
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
    """What is remembered of the messages of one variant: numbers and examples.

    Attributes:
        count: how many recipients it has.
        composed: for how many of them there is a message.
        largest: whose message has the most octets, and that message; None before there is one.
    """

    def __init__(self, template: MessageTemplate, issue: Issue) -> None:
        self.count = 0
        self.composed = 0
        self.largest: tuple[Recipient, Message] | None = None
        self._template = template
        self._unsigned = template.unsigned()
        self._issue = issue
        self._lacking: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = {}
        self._refused: dict[str, tuple[str, CheckError]] = {}

    def octets(self, date: Instant) -> int:
        """Of the largest content, signatures included."""
        if self.largest is None:
            return 0
        return self._template.compose(self.largest[0], date=date).octets

    def compose(self, recipient: Recipient, date: Instant) -> Message | None:
        """A recipient's message; None, and why is remembered, if there can be none."""
        self.count += 1
        try:
            message = self._unsigned.compose(recipient, date=date)
        except MissingValueError as error:
            self._lacks(recipient, error.name)
        except CheckError as error:
            self._refused.setdefault(error.message, (recipient.email, error))
        else:
            self.composed += 1
            if not self.largest or message.octets > self.largest[1].octets:
                self.largest = recipient, message
            return message
        return None

    def _lacks(self, recipient: Recipient, name: str) -> None:
        self._lacking[name] += 1
        examples = self._examples.setdefault(name, [])
        if len(examples) < EXAMPLES:
            examples.append(recipient.email)

    def findings(self, limits: CheckConfig) -> Iterator[Finding]:
        """What was wrong, each thing once."""
        for email, error in self._refused.values():
            yield Finding(
                id=error.code,
                message=f"{error.message}, for example for {email}: {error.detail}",
                file=self._issue.file,
                next_step=error.next,
            )
        for name, number in self._lacking.items():
            people = ", ".join(self._examples[name]) + (" …" if number > EXAMPLES else "")
            yield Finding(
                id="E140",
                message=f"{{{{ {name} }}}} has no value for {number:,} of {self.count:,}: {people}",
                file=self._issue.file,
                line=_line_of(self._template, name),
                next_step=f"{{{{ {name} or 'reader' }}}}, or give them a value",
            )
        if self.largest and not check_size(self._template.sizes, self._issue, limits=limits):
            # A long value can lift one person's mail over the limit that the others keep.
            sizes = self._template.measure(self.largest[1])
            yield from check_size(sizes, self._issue, limits=limits)


def _line_of(template: MessageTemplate, name: str) -> int:
    # The text part first: it is the Markdown, while HTML begins with a preheader made of it.
    rendering = template.rendering
    for slot in slots_of((*rendering.text, *rendering.html, *rendering.subject)):
        if name in slot.expression and slot.line:
            return slot.line
    return 0
