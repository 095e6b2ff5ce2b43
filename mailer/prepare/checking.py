"""Issues are looked at as if they were about to be mailed; nothing is begun."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailer.check import engine, online
from mailer.check import mail as check_mail
from mailer.compose.expressions import MissingValueError
from mailer.content.issue import duplicate_ids, read_issue
from mailer.errors import CheckError
from mailer.model import Finding
from mailer.prepare.audience import preflight, recipients
from mailer.prepare.preparing import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

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
    twins = duplicate_ids(config.root)
    found = [
        _examine(config, path, twins, ledger=ledger, list_name=list_name, now=now) for path in paths
    ]
    return found if offline else _followed(found)


def _examine(
    config: Config,
    path: Path,
    twins: Sequence[Finding],
    *,
    ledger: Ledger | None,
    list_name: str | None,
    now: Instant,
) -> Examined:
    file = (
        path.relative_to(config.root).as_posix() if path.is_relative_to(config.root) else str(path)
    )
    known: tuple[Finding, ...] = tuple(one for one in twins if one.file == file)
    try:
        issue = read_issue(path, root=config.root, dialect=config.newsletter.dialect)
        known += issue.findings
        prepared = prepare(config, issue, ledger=ledger, list_name=list_name, when=None, now=now)
    except CheckError as error:
        return Examined(file=file, findings=(*known, engine.as_finding(error, file=file)))
    except MissingValueError as error:
        lacks = Finding(id="E140", message=f"{error.name} has no value for anybody", file=file)
        return Examined(file=file, findings=(*known, lacks))
    composed = preflight(prepared, ledger, now=now)
    every = (*known, *prepared.findings, *composed.findings)
    return Examined(
        file=file,
        findings=engine.excused(every, issue, config.check),
        prepared=prepared,
        links=len(prepared.proof.web_links),
    )


def _followed(found: Sequence[Examined]) -> list[Examined]:
    """The same with what other machines say."""
    open_ones = [one.prepared for one in found if one.prepared is not None]
    reports = iter(online.ask([prepared.proof for prepared in open_ones]))
    return [
        one if one.prepared is None else _added(one, one.prepared, next(reports)) for one in found
    ]


def _added(one: Examined, prepared: Prepared, report: online.Report) -> Examined:
    issue, config = prepared.issue, prepared.proof.config
    every = [*one.findings, *report.findings]
    every += engine.idle(every, issue, config, asked=True)
    findings = engine.excused(every, issue, config)
    return replace(one, findings=findings, links=report.links, fine=report.fine)


def concerned(
    prepared: Prepared, ledger: Ledger | None, *, code: str, now: Instant
) -> Iterator[tuple[str, str]]:
    """Who would get no message or a broken one: address, and what is missing or wrong (M-31)."""
    if ledger is None:
        return
    with ledger.read() as connection:
        for recipient in recipients(connection, prepared, now=now):
            fault = check_mail.fault_of(prepared.template, recipient, date=prepared.planned)
            if fault is not None and fault[0] == code:
                yield recipient.email, fault[1]
