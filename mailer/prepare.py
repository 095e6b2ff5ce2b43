"""The one way a mailing begins: find → render → check → audience → freeze, dry run or test copy."""

from __future__ import annotations

import csv
import json
import secrets
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mailer.address import parse as parse_address
from mailer.check import mail as check_mail
from mailer.check.issue import check_times, choose_list
from mailer.compose.expressions import MissingValueError, compile_expression
from mailer.compose.links import Keyring
from mailer.compose.mime import MessageTemplate
from mailer.config import require_secret
from mailer.content.issue import find_issue, issue_files, read_issue
from mailer.errors import CheckError, NotFoundError, SafetyError
from mailer.ledger import audience as people
from mailer.ledger import importing, mailings
from mailer.ledger.sheets import file_digest, safe_cell
from mailer.model import (
    Finding,
    Instant,
    Level,
    ListId,
    MailingId,
    Message,
    Recipient,
    Release,
    Revision,
    Slot,
    SubscriberId,
    moment,
)
from mailer.render import render_issue

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Row

    from mailer.config import Config, ListConfig
    from mailer.ledger import Ledger
    from mailer.ledger.mailings import Audience
    from mailer.model import Issue, Rendering
    from mailer.when import When

SAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An issue ready to be mailed to a list: what would be frozen, and what is wrong with it."""

    issue: Issue
    list: ListConfig
    rendering: Rendering
    template: MessageTemplate
    revision: Revision
    keyring: Keyring
    planned: Instant
    when: When | None
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What stops the mailing."""
        return tuple(one for one in self.findings if one.level is Level.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What asks a question first."""
        return tuple(one for one in self.findings if one.level is Level.WARNING)


# --- find ----------------------------------------------------------------------------------------


def pick_issue(config: Config, ledger: Ledger | None, name: str | None) -> Issue:
    """The issue of that name; without one the newest ready, else the newest that could be mailed.

    Raises:
        NotFoundError: E901, no such issue, or none that was not mailed yet.
    """
    if name is not None:
        return read_issue(find_issue(name, root=config.root), root=config.root)
    issues = [read_issue(path, root=config.root) for path in issue_files(config.root)]
    waiting = [issue for issue in issues if not _was_mailed(ledger, issue)]
    ready = [issue for issue in waiting if issue.release is Release.READY]
    dated = [issue for issue in waiting if issue.release is Release.BY_HAND and issue.date]
    for candidates in (ready, dated):
        if candidates:
            return max(candidates, key=lambda issue: (str(issue.date or ""), issue.id))
    raise NotFoundError(
        "E901",
        "There is no issue that waits to be mailed",
        where=str(config.root / "issues"),
        next_step='mailer new "Title", or name one: mailer send ISSUE',
    )


def _was_mailed(ledger: Ledger | None, issue: Issue) -> bool:
    if ledger is None:
        return False
    with ledger.read() as connection:
        return mailings.was_frozen(connection, issue.id)


# --- render and check ----------------------------------------------------------------------------


def prepare(
    config: Config,
    issue: Issue,
    *,
    ledger: Ledger | None,
    list_name: str | None,
    when: When | None,
    now: Instant,
    test: bool = False,
) -> Prepared:
    """Render an issue for a list and check what can be known without the audience.

    Raises:
        CheckError: the issue or its template cannot be rendered, or has no list.
        ConfigError: E402, no secret key.
    """
    keyring = Keyring(require_secret(config))
    chosen = choose_list(issue, config.lists, list_name)
    planned = when.at if when is not None else now
    result = render_issue(
        issue,
        newsletter=config.newsletter,
        list_=chosen,
        root=config.root,
        planned=moment(planned),
    )
    revision = _revision(config, issue, chosen, result.rendering, keyring, ledger, test=test)
    template = MessageTemplate(result.rendering, revision, keyring)
    findings = (
        *issue.findings,
        *check_times(issue, zone=chosen.timezone),
        *result.findings,
        *check_mail.check_size(template, issue),
        *check_mail.check_ways_out(result.rendering, issue, config.newsletter.address),
    )
    return Prepared(
        issue=issue,
        list=chosen,
        rendering=result.rendering,
        template=template,
        revision=revision,
        keyring=keyring,
        planned=planned,
        when=when,
        findings=findings,
    )


def _revision(
    config: Config,
    issue: Issue,
    chosen: ListConfig,
    rendering: Rendering,
    keyring: Keyring,
    ledger: Ledger | None,
    *,
    test: bool,
) -> Revision:
    identity = people.list_identity(config, chosen)
    if ledger is not None:
        with ledger.read() as connection:
            identity = people.identity_of(connection, chosen.slug) or identity
    reply_to = config.newsletter.reply_to
    if issue.reply_to:
        reply_to = replace(reply_to or chosen.sender, name="", address=issue.reply_to)
    return Revision(
        issue=issue.id,
        list=chosen.slug,
        list_title=chosen.title,
        list_id=identity[0],
        feedback_sender=identity[1],
        sender=chosen.sender,
        reply_to=reply_to,
        url=config.newsletter.url,
        bounce_domain=parse_address(config.bounce_address).domain,
        key_id=keyring.newest_id,
        digest=mailings.rendering_digest(rendering),
        commit=commit_of(config.root / issue.file),
        test=test,
    )


def commit_of(path: Path) -> str:
    """The git commit that an issue stands at, with `*` if the file was changed since; or empty."""
    try:
        head = _git(path.parent, "rev-parse", "--short", "HEAD")
        changed = _git(path.parent, "status", "--porcelain", "--", path.name)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head + ("*" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603  fixed arguments, no shell
        ["git", "-C", str(folder), *arguments],  # noqa: S607  whichever git the operator uses
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return done.stdout.strip()


# --- the audience --------------------------------------------------------------------------------


def count_audience(prepared: Prepared, ledger: Ledger | None, *, now: Instant) -> Audience:
    """Who is on the list, and why some of them get nothing; nobody without a database."""
    if ledger is None:
        return mailings.Audience(on_list=0, excluded=dict.fromkeys(mailings.EXCLUSIONS, 0))
    with ledger.read() as connection:
        return mailings.audience(
            connection,
            list_slug=prepared.list.slug,
            issue_slug=prepared.issue.id,
            now=now,
        )


def recipients(connection: Connection, prepared: Prepared, *, now: Instant) -> Iterator[Recipient]:
    """Everybody who will receive, in claim order, a page at a time."""
    rows = mailings.chosen(
        connection, list_slug=prepared.list.slug, issue_slug=prepared.issue.id, now=now
    )
    for seq, row in enumerate(rows, start=1):
        yield _recipient(row, seq)


def _recipient(row: Row[Any], seq: int) -> Recipient:
    return Recipient(
        mailing=MailingId(0),
        seq=seq,
        subscriber=SubscriberId(row.id),
        list_number=ListId(row.list),
        email=row.email,
        name=row.name,
        language=row.language,
        attributes=json.loads(row.attributes),
    )


def preflight(
    prepared: Prepared, ledger: Ledger | None, *, now: Instant, samples: int = 0
) -> check_mail.Composed:
    """Compose every recipient's message without sending it (M-31, interface §2.4)."""
    if ledger is None:
        return check_mail.Composed(findings=(), recipients=0, largest=0, samples=())
    with ledger.read() as connection:
        return check_mail.compose_all(
            prepared.template,
            recipients(connection, prepared, now=now),
            issue=prepared.issue,
            date=prepared.planned,
            samples=samples,
        )


# --- the three ends ------------------------------------------------------------------------------


def refuse_errors(findings: tuple[Finding, ...]) -> None:
    """Raise the first error with the number of the others.

    Raises:
        CheckError: the first of the errors.
    """
    errors = [one for one in findings if one.level is Level.ERROR]
    if not errors:
        return
    first, *others = errors
    also = "\n".join(f"{one.id} {one.message}" for one in others)
    raise CheckError(
        first.id,
        first.message,
        where=f"{first.file}:{first.line}" if first.line else first.file,
        detail=f"and {also}" if also else "",
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
            next_step="remove draft/status from its front matter, or send a test copy: --to",
        )


def freeze(prepared: Prepared, ledger: Ledger, *, started_by: str, now: Instant) -> MailingId:
    """Store the rendering and one delivery per recipient; from here on nothing changes."""
    list_id, feedback_sender = prepared.revision.list_id, prepared.revision.feedback_sender
    with ledger.write() as connection:
        people.ensure_list(
            connection,
            slug=prepared.list.slug,
            title=prepared.list.title,
            list_id=list_id,
            feedback_sender=feedback_sender,
            now=now,
        )
    plan = mailings.Plan(
        revision=prepared.revision,
        rendering=prepared.rendering,
        source_digest=prepared.issue.digest,
        started_by=started_by,
        due_at=prepared.planned,
        wall=prepared.when.wall if prepared.when else "",
        zone=prepared.when.zone if prepared.when else prepared.list.timezone,
    )
    return mailings.freeze(ledger, plan, now=now)


def test_copies(
    prepared: Prepared, ledger: Ledger | None, addresses: tuple[str, ...], *, now: Instant
) -> list[Message]:
    """One message per address, outside the ledger; a subscriber sees their own values.

    Raises:
        CheckError: E140, an address lacks a value that the issue needs.
    """
    messages = []
    for text in addresses:
        address = parse_address(text)
        # Each copy is a message of its own: a Message-ID that repeats would be dropped as a twin.
        seq = secrets.randbits(31)
        recipient = _known(ledger, address.normalised, seq) or Recipient(
            mailing=MailingId(0),
            seq=seq,
            subscriber=SubscriberId(0),
            list_number=ListId(0),
            email=address.wire,
        )
        try:
            messages.append(prepared.template.compose(recipient, date=now))
        except MissingValueError as error:
            raise CheckError(
                "E140",
                f"{{{{ {error.name} }}}} has no value for {text}",
                where=prepared.issue.file,
                next_step=f"{{{{ {error.name} or 'reader' }}}}",
            ) from error
    return messages


def _known(ledger: Ledger | None, normalised: str, seq: int) -> Recipient | None:
    if ledger is None:
        return None
    with ledger.read() as connection:
        row = mailings.person(connection, ledger.normalised_key(normalised))
    return None if row is None else _recipient(row, seq)


# --- files to look at ----------------------------------------------------------------------------


def sample(prepared: Prepared, *, now: Instant) -> Message:
    """The message for nobody in particular: a place without a default shows its name."""
    names = _subscriber_names(prepared.rendering)
    attributes = {name: f"[{name}]" for name in names - {"email", "name", "language"}}
    recipient = Recipient(
        mailing=MailingId(0),
        seq=0,
        subscriber=SubscriberId(0),
        list_number=ListId(0),
        email=prepared.list.sender.address,
        name="[name]" if "name" in names else "",
        language=prepared.rendering.language,
        attributes=attributes,
    )
    return prepared.template.compose(recipient, date=now)


def _subscriber_names(rendering: Rendering) -> set[str]:
    slots = (*rendering.subject, *rendering.html, *rendering.text)
    return {
        name.removeprefix("subscriber.")
        for slot in slots
        if isinstance(slot, Slot)
        for name in compile_expression(slot.expression).names
        if name.startswith("subscriber.")
    }


def write_parts(folder: Path, stem: str, message: Message) -> list[Path]:
    """Write one message as `.html`, `.txt` and `.eml`; returns the files."""
    from email import message_from_bytes, policy  # noqa: PLC0415  for files to look at only

    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{stem}.{suffix}" for suffix in ("html", "txt", "eml")]
    parsed = message_from_bytes(message.content, policy=policy.default)
    for file, kind in zip(files, ("html", "plain"), strict=False):
        part = parsed.get_body((kind,))
        assert part is not None
        file.write_text(part.get_content(), encoding="utf-8")
    files[2].write_bytes(message.content)
    return files


def never_imported(config: Config, ledger: Ledger, list_slug: str) -> list[str]:
    """A warning for each file of subscribers that was never imported in its present form."""
    warnings = []
    with ledger.read() as connection:
        for file in sorted((config.root / "subscribers").glob(f"{list_slug}.csv")):
            if not importing.imported(connection, file_digest(file)):
                name = file.relative_to(config.root)
                warnings.append(
                    f"{name} was never imported as it is now: mailer subscribers import"
                )
    return warnings


def write_excluded(path: Path, prepared: Prepared, ledger: Ledger | None, *, now: Instant) -> None:
    """Write who gets nothing, each with the reason."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["email", "reason"])
        if ledger is None:
            return
        with ledger.read() as connection:
            rows = mailings.left_out(
                connection, list_slug=prepared.list.slug, issue_slug=prepared.issue.id, now=now
            )
            writer.writerows((safe_cell(row.email or ""), row.why) for row in rows)


def domains(ledger: Ledger | None, prepared: Prepared, *, now: Instant) -> Counter[str]:
    """How many of those who will receive are at which domain."""
    if ledger is None:
        return Counter()
    with ledger.read() as connection:
        return Counter(
            recipient.email.rpartition("@")[2]
            for recipient in recipients(connection, prepared, now=now)
        )
