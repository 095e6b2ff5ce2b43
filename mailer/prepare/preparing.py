"""An issue and a list become everything that would be frozen, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailer.address import parse as parse_address
from mailer.check import engine
from mailer.check import mail as check_mail
from mailer.check.issue import check_mailed, check_reply_to, check_times, choose_list
from mailer.check.proof import Proof
from mailer.compose.links import Keyring
from mailer.compose.mime import MessageTemplate
from mailer.config import require_secret
from mailer.config.parse import mailbox as parse_mailbox
from mailer.ledger import audience as people
from mailer.ledger import freezing
from mailer.model import Finding, Instant, Level, Revision, moment
from mailer.prepare.files import sample
from mailer.prepare.git import commit_of
from mailer.render import render_issue

if TYPE_CHECKING:
    from mailer.config import Config, ListConfig
    from mailer.ledger import Ledger
    from mailer.model import Issue, Mailbox, Rendering
    from mailer.render import RenderResult
    from mailer.when import When


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An issue ready to be mailed to a list: what would be frozen, and what is wrong with it.

    Attributes:
        planned: when it starts; the moment of preparing if no time was named.
        when: the time that was named, as it was written.
        proof: the rendering as checks look at it.
        findings: everything but what only composing for the audience shows, and what only other
            machines know.
    """

    issue: Issue
    list: ListConfig
    rendering: Rendering
    template: MessageTemplate
    revision: Revision
    keyring: Keyring
    planned: Instant
    when: When | None
    proof: Proof
    findings: tuple[Finding, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What stops the mailing."""
        return tuple(one for one in self.findings if one.level is Level.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What asks a question first: warnings that are not ignored with a reason."""
        return tuple(one for one in self.findings if one.level is Level.WARNING)


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
        theme=config.theme,
        limits=config.check,
    )
    revision = _revision(config, issue, chosen, result.rendering, keyring, ledger, test=test)
    prepared = Prepared(
        issue=issue,
        list=chosen,
        rendering=result.rendering,
        template=MessageTemplate(result.rendering, revision, keyring),
        revision=revision,
        keyring=keyring,
        planned=planned,
        when=when,
        proof=Proof(
            issue=issue,
            newsletter=config.newsletter,
            config=config.check,
            rendering=result.rendering,
            content=result.content,
            planned=moment(planned),
            root=config.root,
            compose=lambda: sample(prepared, now=planned).content,
        ),
    )
    found = [*result.findings, *_check(prepared, ledger), *_check_size(prepared, result)]
    found += engine.idle(found, issue, config.check, asked=False)
    return replace(prepared, findings=engine.excused(found, issue, config.check))


def _check(prepared: Prepared, ledger: Ledger | None) -> tuple[Finding, ...]:
    """What rendering does not find out."""
    issue, chosen = prepared.issue, prepared.list
    return (
        *check_times(issue, zone=chosen.timezone),
        *check_reply_to(issue),
        *check_mailed(issue, ledger, list_slug=chosen.slug),
        *engine.look(prepared.proof),
    )


def _check_size(prepared: Prepared, result: RenderResult) -> tuple[Finding, ...]:
    return check_mail.check_size(
        prepared.template.sizes,
        prepared.issue,
        limits=prepared.proof.config,
        blocks=result.blocks,
        cut=result.cut,
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
    list_id, feedback_sender = _identity(config, chosen, ledger)
    return Revision(
        issue=issue.id,
        list=chosen.slug,
        list_title=chosen.title,
        list_id=list_id,
        feedback_sender=feedback_sender,
        sender=chosen.sender,
        reply_to=_reply_to(issue) or config.newsletter.reply_to,
        url=config.newsletter.url,
        bounce_domain=parse_address(config.bounce_address).domain,
        key_id=keyring.newest_id,
        digest=freezing.rendering_digest(rendering),
        commit=commit_of(config.root / issue.file),
        test=test,
    )


def _identity(config: Config, chosen: ListConfig, ledger: Ledger | None) -> tuple[str, str]:
    """List-Id and Feedback-ID's sender: as stored at first use, else as they would be."""
    fresh = people.list_identity(config, chosen)
    if ledger is None:
        return fresh
    with ledger.read() as connection:
        return people.identity_of(connection, chosen.slug) or fresh


def _reply_to(issue: Issue) -> Mailbox | None:
    if not issue.reply_to or check_reply_to(issue):
        return None  # what is no mailbox is a finding that stops the mailing
    return parse_mailbox(issue.reply_to)
