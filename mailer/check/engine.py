"""Runs the checks: the same for `mailer check`, a dry run, a mailing and a preview."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mailer.check import clients, hints, images, legible, links, mail, spam, structure, words
from mailer.check.catalogue import BY_ID, Network
from mailer.check.issue import line_of
from mailer.model import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mailer.check.proof import Proof
    from mailer.config import CheckConfig
    from mailer.errors import CheckError
    from mailer.model import Issue

_OFFLINE: Final[tuple[Callable[[Proof], Iterable[Finding]], ...]] = (
    words.check_placeholders,
    words.check_subject,
    words.check_odd_signs,
    hints.check_attached,
    hints.check_copyright,
    hints.check_weekdays,
    links.check_hosts,
    links.check_texts,
    images.check_alt_texts,
    images.check_formats,
    images.check_text_beside,
    images.check_weight,
    structure.check_headings,
    structure.check_tables,
    structure.check_language,
    structure.check_styles,
    legible.check_legible,
    clients.check_clients,
    spam.check_spam,
)


_SIZES: Final = frozenset({"E150", "W151"})
"""What can be wrong with a single person's mail though it is not with the others'."""


def look(proof: Proof) -> Iterator[Finding]:
    """What can be seen in one rendering without asking another machine."""
    for check in _OFFLINE:
        yield from check(proof)
    yield from mail.check_ways_out(proof.rendering, proof.issue, proof.newsletter.address)
    yield from mail.check_headers(proof.message, proof.issue)


def excused(findings: Iterable[Finding], issue: Issue, config: CheckConfig) -> tuple[Finding, ...]:
    """The findings, each once and in the order of lines, those that are ignored with the reason."""
    reasons = {**config.ignore, **issue.ignore}
    marked = (
        replace(one, ignored=reasons[one.id]) if one.id in reasons and _ignorable(one.id) else one
        for one in findings
    )
    unique = dict.fromkeys(marked)
    return tuple(sorted(unique, key=lambda one: (one.file != issue.file, one.file, one.line)))


def idle(
    findings: Iterable[Finding],
    issue: Issue,
    config: CheckConfig,
    *,
    composed: bool = False,
    asked: bool = False,
) -> Iterator[Finding]:
    """W192: entries of `ignore` that cannot work, or that nothing needs any more.

    Args:
        findings: everything that was found.
        issue: whose entries.
        config: whose entries, too; there only those that cannot work: other issues may need them.
        composed: whether everybody's mail was composed.
        asked: whether other machines were asked.
    """
    found = {one.id for one in findings}
    known = found if composed else found | _SIZES
    line = line_of(issue, "ignore")
    for check in issue.ignore:
        if not _ignorable(check):
            yield _idle(issue.file, line, _refused(check))
        elif check not in known and (asked or BY_ID[check].network is Network.NO):
            yield _idle(issue.file, line, f"ignore: {check} is not found here (any more)")
    for check in config.ignore:
        if not _ignorable(check):
            yield _idle("mailer.toml", 0, _refused(check))


def _ignorable(check: str) -> bool:
    return check in BY_ID and BY_ID[check].ignorable


def _refused(check: str) -> str:
    return f"ignore: {check} " + ("cannot be ignored" if check in BY_ID else "is no check")


def _idle(file: str, line: int, message: str) -> Finding:
    step = "take the entry out"
    return Finding(id="W192", message=message, file=file, line=line, next_step=step)


def as_finding(error: CheckError, *, file: str = "") -> Finding:
    """What stopped an issue or a template from being read or rendered, as one finding among others.

    `file` is named where the error knows no line.
    """
    message = ": ".join(filter(None, (error.message, error.detail)))
    found = Finding(id=error.code, message=" ".join(message.split()), next_step=error.next)
    return at(error.where.split("\n")[0], found, otherwise=file)


def at(where: str, found: Finding, *, otherwise: str) -> Finding:
    """A finding at `file:line`, or in another file if this is none."""
    file, _, line = where.rpartition(":")
    if not (file and line.isdecimal()):
        return replace(found, file=otherwise)
    return replace(found, file=file, line=int(line))
