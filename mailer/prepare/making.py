"""One variant of an issue: rendered, compiled, and looked at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailer.address import parse as parse_address
from mailer.check import engine
from mailer.check import mail as check_mail
from mailer.check.issue import check_reply_to
from mailer.check.proof import Proof
from mailer.compose.mime import MessageTemplate
from mailer.config.parse import mailbox as parse_mailbox
from mailer.ledger import freezing
from mailer.model import Finding, Instant, Revision, moment
from mailer.prepare.files import for_nobody
from mailer.prepare.git import commit_of
from mailer.render import render_issue

if TYPE_CHECKING:
    from mailer.compose.dkim import Signer
    from mailer.compose.links import Keyring
    from mailer.config import Config, ListConfig
    from mailer.model import Issue, Mailbox, Rendering, Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One file of an issue, rendered: what would be frozen of it.

    Attributes:
        revision: without the commit, which git is asked for where it is needed.
        proof: the rendering as checks look at it.
    """

    issue: Issue
    rendering: Rendering
    revision: Revision
    template: MessageTemplate
    proof: Proof

    def stamped(self) -> Revision:
        """The revision with the commit that its file stands at now."""
        return replace(self.revision, commit=commit_of(self.proof.root / self.issue.file))


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What the variants of one mailing have in common.

    Attributes:
        signer: what signs here; None: nothing does.
        identity: List-Id and Feedback-ID's sender.
    """

    config: Config
    list: ListConfig
    keyring: Keyring
    signer: Signer | None
    identity: tuple[str, str]
    planned: Instant
    test: bool

    def make(self, name: str, issue: Issue) -> tuple[Variant, tuple[Finding, ...]]:
        """Render one variant, and look at it."""
        result = render_issue(
            issue,
            newsletter=self.config.newsletter,
            list_=self.list,
            root=self.config.root,
            planned=moment(self.planned),
            theme=self.config.theme,
            limits=self.config.check,
        )
        rendering = replace(result.rendering, variant=name)
        revision = self._revision(issue, rendering)
        template = MessageTemplate(rendering, revision, self.keyring, self.signer)
        variant = Variant(
            issue=issue,
            rendering=rendering,
            revision=revision,
            template=template,
            proof=self._proof(issue, rendering, result.content, template),
        )
        sizes = check_mail.check_size(
            template.sizes,
            issue,
            limits=self.config.check,
            blocks=result.blocks,
            cut=result.cut,
        )
        found = (*result.findings, *check_reply_to(issue), *engine.look(variant.proof), *sizes)
        return variant, found

    def _proof(
        self, issue: Issue, rendering: Rendering, content: Template, template: MessageTemplate
    ) -> Proof:
        return Proof(
            issue=issue,
            newsletter=self.config.newsletter,
            config=self.config.check,
            rendering=rendering,
            content=content,
            planned=moment(self.planned),
            root=self.config.root,
            compose=lambda: for_nobody(template, file=issue.file, now=self.planned).content,
        )

    def _revision(self, issue: Issue, rendering: Rendering) -> Revision:
        config, chosen = self.config, self.list
        list_id, feedback_sender = self.identity
        domain, keys = self.signer.frozen(chosen.sender) if self.signer else ("", ())
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
            key_id=self.keyring.newest_id,
            digest=freezing.rendering_digest(rendering),
            test=self.test,
            signing_domain=domain,
            signing_keys=keys,
        )


def _reply_to(issue: Issue) -> Mailbox | None:
    if not issue.reply_to or check_reply_to(issue):
        return None  # what is no mailbox is a finding that stops the mailing
    return parse_mailbox(issue.reply_to)
