"""An issue and a list become everything that would be frozen, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailer.check import engine
from mailer.check.issue import check_mailed, check_times, choose_list
from mailer.compose.links import Keyring
from mailer.config import require_secret
from mailer.delivery.signing import signer_of
from mailer.ledger import audience as people
from mailer.ledger import freezing
from mailer.model import Finding, Instant, Level
from mailer.prepare.finding import siblings
from mailer.prepare.making import Variant, Workshop
from mailer.prepare.variants import check_family, family

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mailer.compose.dkim import Signer
    from mailer.compose.mime import Sizes
    from mailer.config import CheckConfig, Config, ListConfig
    from mailer.ledger import Ledger
    from mailer.ledger.choosing import Corrected
    from mailer.model import Issue, Rendering, Revision
    from mailer.when import When


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An issue ready to be mailed to a list: what would be frozen, and what is wrong with it.

    Attributes:
        signer: what signs here; None: nothing does.
        planned: when it starts; the moment of preparing if no time was named.
        when: the time that was named, as it was written.
        variants: by their names; the base comes first, under "".
        named: the name of the variant whose file was named.
        findings: everything but what only composing for the audience shows, and what only other
            machines know.
        corrects: whom it is for, if it is a correction.
        commit: where its files are from, if they are not those of the folder.
    """

    list: ListConfig
    keyring: Keyring
    signer: Signer | None
    planned: Instant
    when: When | None
    variants: Mapping[str, Variant]
    named: str
    findings: tuple[Finding, ...]
    corrects: Corrected | None = None
    commit: str = ""

    @property
    def base(self) -> Variant:
        """What everybody gets for whom there is no other variant."""
        return self.variants[""]

    @property
    def issue(self) -> Issue:
        """The base's file, which says what there is once per mailing."""
        return self.base.issue

    @property
    def rendering(self) -> Rendering:
        """The base's."""
        return self.base.rendering

    @property
    def revision(self) -> Revision:
        """The base's."""
        return self.base.revision

    @property
    def versions(self) -> tuple[freezing.Version, ...]:
        """What is frozen of it, the base's first."""
        return tuple(
            freezing.Version(
                revision=replace(variant.revision, commit=self.commit)
                if self.commit
                else variant.stamped(),
                rendering=variant.rendering,
                source_digest=variant.issue.digest,
            )
            for variant in self.variants.values()
        )

    @property
    def sizes(self) -> Sizes:
        """Those of the variant with the largest HTML part."""
        every = (variant.template.sizes for variant in self.variants.values())
        return max(every, key=lambda sizes: max(sizes.html_decoded, sizes.html_encoded))

    @property
    def limits(self) -> CheckConfig:
        """What the configuration says about checks."""
        return self.base.proof.config

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What stops the mailing."""
        return tuple(one for one in self.findings if one.level is Level.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What asks a question first: warnings that are not ignored with a reason."""
        return tuple(one for one in self.findings if one.level is Level.WARNING)

    def excused(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings in order; what its file ignores, with the reason."""
        return tuple(
            finding
            for issue, own in _by_file(self.variants.values(), findings)
            for finding in engine.excused(own, issue, self.limits)
        )

    def idle(
        self, findings: Iterable[Finding], *, composed: bool = False, asked: bool = False
    ) -> Iterator[Finding]:
        """W192 for what the files ignore and nothing needs; see `engine.idle`."""
        for issue, own in _by_file(self.variants.values(), findings):
            yield from engine.idle(own, issue, self.limits, composed=composed, asked=asked)


def prepare(
    config: Config,
    issue: Issue,
    *,
    ledger: Ledger | None,
    list_name: str | None,
    when: When | None,
    now: Instant,
    test: bool = False,
    others: Sequence[Issue] | None = None,
    signed: bool = True,
) -> Prepared:
    """Render an issue for a list, each variant once, and check what needs no audience.

    `others` are the issue's other variants, where they were read already. Not `signed` is for where
    nothing is frozen or shown, so that issues can be checked where the DKIM keys are not.

    Raises:
        CheckError: the issue or its template cannot be rendered, or has no list; E106 or E129, its
            variants do not fit together.
        ConfigError: E402, no secret key; E435 or E436, a DKIM key that cannot sign.
    """
    chosen = choose_list(issue, config.lists, list_name)
    workshop = Workshop(
        config=config,
        list=chosen,
        keyring=Keyring(require_secret(config)),
        signer=signer_of(config) if signed else None,
        identity=_identity(config, chosen, ledger),
        planned=when.at if when is not None else now,
        test=test,
    )
    others = siblings(config, issue) if others is None else others
    files = family(issue, others, chosen=chosen, newsletter=config.newsletter)
    made = {name: workshop.make(name, one) for name, one in files.items()}
    base = files[""]
    found = [
        *check_times(base, zone=chosen.timezone),
        *check_mailed(base, ledger, list_slug=chosen.slug),
        *check_family(files, chosen=chosen),
        *(one for _, findings in made.values() for one in findings),
    ]
    prepared = Prepared(
        list=chosen,
        keyring=workshop.keyring,
        signer=workshop.signer,
        planned=workshop.planned,
        when=when,
        variants={name: variant for name, (variant, _) in made.items()},
        named=next(name for name, one in files.items() if one.file == issue.file),
        findings=(),
    )
    return replace(prepared, findings=prepared.excused((*found, *prepared.idle(found))))


def _by_file(
    variants: Iterable[Variant], findings: Iterable[Finding]
) -> list[tuple[Issue, list[Finding]]]:
    """Each file with what was found in it; the first also with what is in none of them."""
    issues = [variant.issue for variant in variants]
    found: dict[str, list[Finding]] = {issue.file: [] for issue in issues}
    for finding in findings:
        found.get(finding.file, found[issues[0].file]).append(finding)
    return [(issue, found[issue.file]) for issue in issues]


def _identity(config: Config, chosen: ListConfig, ledger: Ledger | None) -> tuple[str, str]:
    """List-Id and Feedback-ID's sender: as stored at first use, else as they would be."""
    fresh = people.list_identity(config, chosen)
    if ledger is None:
        return fresh
    with ledger.read() as connection:
        return people.identity_of(connection, chosen.slug) or fresh
