"""How a prepared issue ends: refused, frozen as a mailing, or composed as test copies."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from mailer.address import parse as parse_address
from mailer.compose.expressions import MissingValueError
from mailer.errors import CheckError, NotFoundError, SafetyError
from mailer.ledger import audience as people
from mailer.ledger import choosing, freezing
from mailer.model import (
    MICROSECONDS,
    Finding,
    Level,
    ListId,
    MailingId,
    Message,
    Recipient,
    Release,
    SubscriberId,
)
from mailer.prepare.audience import as_recipient, variant_of

if TYPE_CHECKING:
    from mailer.ledger import Ledger
    from mailer.ledger.choosing import Audience
    from mailer.model import Instant, Issue
    from mailer.prepare.preparing import Prepared


def refuse_errors(findings: tuple[Finding, ...]) -> None:
    """Raise the first error and name the others.

    Raises:
        CheckError: the first of the errors.
    """
    errors = [one for one in findings if one.level is Level.ERROR]
    if not errors:
        return
    first, *others = errors
    raise CheckError(
        first.id,
        first.message,
        where=f"{first.file}:{first.line}" if first.line else first.file,
        detail="\n".join(f"also {one.id} {one.message}" for one in others),
        next_step=first.next_step,
    )


def refuse_draft(issue: Issue) -> None:
    """A draft is mailed to nobody but as a test copy.

    Raises:
        SafetyError: E703.
    """
    if issue.release is Release.DRAFT:
        raise SafetyError(
            "E703",
            f"{issue.id} is a draft",
            where=issue.file,
            next_step="take draft, published or status out of its front matter, "
            "or send a test copy: --to ADDRESS",
        )


def refuse_nobody(prepared: Prepared, audience: Audience) -> None:
    """A mailing to nobody would use the issue's one mailing to this list up.

    Raises:
        SafetyError: E704.
    """
    if audience.recipients:
        return
    reasons = [f"{number:,} {reason}" for reason, number in audience.excluded.items() if number]
    raise SafetyError(
        "E704",
        f"Nobody on {prepared.list.slug} would get it",
        detail=f"{audience.on_list:,} on the list" + "".join(f", {one}" for one in reasons),
        next_step="mailer subscribers import, or mailer subscribers add ADDRESS",
    )


def freeze(
    prepared: Prepared,
    ledger: Ledger,
    *,
    started_by: str,
    now: Instant,
    canary: int = 0,
    canary_wait: float | None = None,
) -> MailingId:
    """Store the rendering and one delivery per recipient; from here on nothing changes.

    Args:
        prepared: what is mailed.
        ledger: where it is kept.
        started_by: who mails it.
        now: when.
        canary: so many are sent first; 0: all at once.
        canary_wait: seconds after which the rest follows by itself; None: never.
    """
    with ledger.write() as connection:
        people.ensure_list(
            connection,
            slug=prepared.list.slug,
            title=prepared.list.title,
            list_id=prepared.revision.list_id,
            feedback_sender=prepared.revision.feedback_sender,
            now=now,
        )
    base, *variants = prepared.versions
    plan = freezing.Plan(
        revision=base.revision,
        rendering=base.rendering,
        source_digest=base.source_digest,
        started_by=started_by,
        due_at=prepared.planned,
        wall=prepared.when.wall if prepared.when else "",
        zone=prepared.when.zone if prepared.when else prepared.list.timezone,
        variants=tuple(variants),
        canary=canary,
        canary_wait=None if canary_wait is None else round(canary_wait * MICROSECONDS),
        corrects=prepared.corrects,
    )
    return freezing.freeze(ledger, plan, now=now)


def test_copies(
    prepared: Prepared,
    ledger: Ledger | None,
    addresses: tuple[str, ...],
    *,
    now: Instant,
    whose: str | None,
) -> list[Message]:
    """One message per address, outside the ledger.

    A subscriber sees their own values and variant; with `whose` everybody sees that subscriber's.

    Raises:
        AddressError: one of them is no address.
        NotFoundError: E514, `whose` is nobody's.
        CheckError: E140, somebody lacks a value that the issue needs.
    """
    shown = _subscriber(prepared, ledger, whose) if whose else None
    return [_test_copy(prepared, ledger, address, shown, now) for address in addresses]


def _test_copy(
    prepared: Prepared, ledger: Ledger | None, text: str, shown: Recipient | None, now: Instant
) -> Message:
    address = parse_address(text)
    # Each copy is a message of its own: a Message-ID that repeats would be dropped as a twin.
    seq = secrets.randbits(31)
    if shown is not None:
        return _compose(prepared, shown._replace(seq=seq, email=address.wire), now)
    recipient = _known(prepared, ledger, address.normalised, seq) or Recipient(
        mailing=MailingId(0),
        seq=seq,
        subscriber=SubscriberId(0),
        list_number=ListId(0),
        email=address.wire,
        variant=prepared.named,
    )
    return _compose(prepared, recipient, now)


def copy_for(prepared: Prepared, ledger: Ledger | None, text: str, *, now: Instant) -> Message:
    """The message as one subscriber would get it, to be looked at.

    Raises:
        AddressError: the text is no address.
        NotFoundError: E514, it is nobody's.
        CheckError: E140, they lack a value that the issue needs.
    """
    return _compose(prepared, _subscriber(prepared, ledger, text), now)


def _subscriber(prepared: Prepared, ledger: Ledger | None, text: str) -> Recipient:
    found = _known(prepared, ledger, parse_address(text).normalised, 0)
    if found is None:
        near = _nearest(ledger, text)
        raise NotFoundError(
            "E514",
            f"Nothing is known about {text}",
            next_step=f"did you mean {near}?" if near else "mailer subscribers list",
        )
    return found


def _nearest(ledger: Ledger | None, text: str) -> str:
    if ledger is None:
        return ""
    with ledger.read() as connection:
        return choosing.nearest(connection, text)


def _compose(prepared: Prepared, recipient: Recipient, now: Instant) -> Message:
    variant = prepared.variants[recipient.variant]
    try:
        return variant.template.compose(recipient, date=now)
    except MissingValueError as error:
        raise CheckError(
            "E140",
            f"{{{{ {error.name} }}}} has no value for {recipient.email}",
            where=variant.issue.file,
            next_step=f"{{{{ {error.name} or 'reader' }}}}",
        ) from error


def _known(
    prepared: Prepared, ledger: Ledger | None, normalised: str, seq: int
) -> Recipient | None:
    if ledger is None:
        return None
    with ledger.read() as connection:
        key = ledger.normalised_key(normalised)
        row = choosing.person(connection, key, variant=variant_of(connection, prepared))
    return None if row is None else as_recipient(row, seq)
