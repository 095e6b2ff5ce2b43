"""Issues are looked at as if they were about to be mailed; nothing is begun."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from mailer.check import engine, everybody, online
from mailer.compose.expressions import MissingValueError
from mailer.content.families import lead
from mailer.content.issue import read_issue
from mailer.content.shelf import duplicate_ids, sibling_files
from mailer.errors import CheckError
from mailer.model import Finding
from mailer.prepare.audience import preflight, recipients
from mailer.prepare.finding import siblings
from mailer.prepare.preparing import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from mailer.check.proof import Proof
    from mailer.config import Config
    from mailer.ledger import Ledger
    from mailer.model import Instant
    from mailer.prepare.preparing import Prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What is known of one issue.

    Attributes:
        prepared: None if it cannot be rendered.
        links, fine: its web links, and how many of them were followed to something; `fine` is None
            if none was asked after.
    """

    file: str
    findings: tuple[Finding, ...]
    prepared: Prepared | None = None
    links: int = 0
    fine: int | None = None

    @property
    def variants(self) -> set[str]:
        """The files that were looked at with it."""
        made = self.prepared.variants if self.prepared else {}
        return {variant.issue.file for variant in made.values()}


def without_secret(config: Config) -> Config:
    """The configuration with a key for this moment, where none is set: nothing signed leaves."""
    return config if config.secret_keys else replace(config, secret_keys=(secrets.token_bytes(32),))


def examine(
    config: Config,
    paths: Sequence[Path],
    *,
    ledger: Ledger | None,
    list_name: str | None,
    now: Instant,
    offline: bool,
) -> list[Examined]:
    """Check some issues, links included unless offline; what cannot be read is a finding, too.

    Raises:
        ConfigError: a configured value that no message can have.
    """
    shelf = _Shelf(twins=duplicate_ids(config.root), siblings=sibling_files(config.root))
    found: list[Examined] = []
    seen: set[str] = set()
    for path in paths:
        if _file(config, path) not in seen:
            one = _examine(config, path, shelf, ledger=ledger, list_name=list_name, now=now)
            seen |= {one.file, *one.variants}
            found.append(one)
    return found if offline else _followed(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shelf:
    """What is known of all issues together, asked for once."""

    twins: Sequence[Finding]
    siblings: Mapping[Path, Sequence[Path]]


def _file(config: Config, path: Path) -> str:
    return (
        path.relative_to(config.root).as_posix() if path.is_relative_to(config.root) else str(path)
    )


def _examine(
    config: Config,
    path: Path,
    shelf: _Shelf,
    *,
    ledger: Ledger | None,
    list_name: str | None,
    now: Instant,
) -> Examined:
    file = _file(config, path)
    known: tuple[Finding, ...] = tuple(one for one in shelf.twins if one.file == file)
    try:
        issue = read_issue(path, root=config.root, dialect=config.newsletter.dialect)
        known += issue.findings
        family = [issue, *siblings(config, issue, shelf.siblings)]
        issue = lead(config, issue, family[1:], list_name=list_name)
        file = issue.file
        prepared = prepare(
            config,
            issue,
            ledger=ledger,
            list_name=list_name,
            when=None,
            now=now,
            others=[one for one in family if one is not issue],
            signed=False,
        )
    except CheckError as error:
        return Examined(file=file, findings=(*known, engine.as_finding(error, file=file)))
    except MissingValueError as error:
        lacks = Finding(id="E140", message=f"{error.name} has no value for anybody", file=file)
        return Examined(file=file, findings=(*known, lacks))
    found = _found(prepared, known, preflight(prepared, ledger, now=now))
    links = sum(len(proof.web_links) for proof in proofs(prepared))
    for proof in proofs(prepared):
        proof.release()
    return Examined(
        file=file,
        findings=found,
        prepared=prepared,
        links=links,
    )


def _found(
    prepared: Prepared, known: Sequence[Finding], composed: everybody.Composed
) -> tuple[Finding, ...]:
    """All findings; only now it is clear whether somebody's mail needs what `ignore` lets pass."""
    every = (*known, *prepared.findings, *composed.findings)
    idle = prepared.idle(every, composed=composed.recipients > 0)
    return prepared.excused((*every, *idle))


def proofs(prepared: Prepared) -> list[Proof]:
    """What checks look at, of each variant."""
    return [variant.proof for variant in prepared.variants.values()]


def _followed(found: Sequence[Examined]) -> list[Examined]:
    """The same with what other machines say."""
    every = [proof for one in found if one.prepared for proof in proofs(one.prepared)]
    reports = iter(online.ask(every))
    return [
        _added(one, one.prepared, list(islice(reports, len(one.prepared.variants))))
        if one.prepared
        else one
        for one in found
    ]


def _added(one: Examined, prepared: Prepared, reports: Sequence[online.Report]) -> Examined:
    every = [*one.findings, *(finding for report in reports for finding in report.findings)]
    every += prepared.idle(every, asked=True)
    return replace(
        one,
        findings=prepared.excused(every),
        links=sum(report.links for report in reports),
        fine=sum(report.fine for report in reports),
    )


def concerned(
    prepared: Prepared, ledger: Ledger | None, *, code: str, now: Instant
) -> Iterator[tuple[str, str]]:
    """Who would get no message or a broken one: address, and what is missing or wrong (M-31)."""
    if ledger is None:
        return
    with ledger.read() as connection:
        for recipient in recipients(connection, prepared, now=now):
            template = prepared.variants[recipient.variant].template
            fault = everybody.fault_of(template, recipient, date=prepared.planned)
            if fault is not None and fault[0] == code:
                yield recipient.email, fault[1]
