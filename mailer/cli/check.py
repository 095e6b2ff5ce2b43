"""`mailer check`: what is wrong with issues, before anybody gets them."""

from __future__ import annotations

import difflib
import shutil
import textwrap
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import findings as shown
from mailer.cli.context import App, Verb
from mailer.errors import CheckError, UsageError
from mailer.model import Level

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailer.check.catalogue import Check
    from mailer.ledger import Ledger
    from mailer.prepare.checking import Examined

PERSONAL = ("E140", "E102")
"""What can be wrong with the mail of a single person."""

_KILO = 1000


@click.command(cls=Verb)
@click.argument("issues", nargs=-1, metavar="[ISSUE]...")
@click.option("--list", "list_name", metavar="L", help="The list that they would go to.")
@click.option("--offline", is_flag=True, help="Ask no other machine: do not follow links.")
@click.option("--changed-since", metavar="REF", help="Only issues that differ from this commit.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    help="For people, for programs, or as annotations of a pull request.",
)
@click.option("--who", metavar="CODE", help="Name the people whose mail would be broken.")
@click.option("--explain", metavar="CODE", help="Say what a check finds, why, and what to do.")
@click.pass_obj
def check(
    app: App,
    issues: tuple[str, ...],
    list_name: str | None,
    *,
    offline: bool,
    changed_since: str | None,
    form: str,
    who: str | None,
    explain: str | None,
) -> int:
    """Say what is wrong with issues: with all of them, if none is named.

    Exits 3 if an error is left; warnings do not fail. Nothing is sent, nothing is changed.

    \b
    mailer check winter
    mailer check --offline
    mailer check --changed-since origin/main --format github
    mailer check --explain W124
    """
    from mailer.ledger.looking import looking
    from mailer.prepare import checking
    from mailer.when import now

    app.as_json = app.as_json or form == "json"
    if explain:
        return _explain(app, explain)
    config = checking.without_secret(app.config)
    paths = _paths(app, issues, changed_since, list_name)
    with looking(config.database_url) as ledger:
        found = checking.examine(
            config,
            paths,
            ledger=ledger,
            list_name=list_name,
            now=now(),
            offline=offline or who is not None,
        )
        if who:
            return _who(app, found, ledger, who.upper())
    if form == "github":
        _annotate(app, found)
    else:
        app.emit("mailer.check/1", _data(found), "\n".join(_text(found)))
    return CheckError.exit if _count(found, Level.ERROR) else 0


def _paths(
    app: App, issues: tuple[str, ...], changed_since: str | None, list_name: str | None
) -> list[Path]:
    """The files that are meant."""
    from mailer.content.shelf import issue_files
    from mailer.prepare.finding import file_of
    from mailer.prepare.git import changed_issues

    root = app.config.root
    if changed_since:
        if issues:
            raise UsageError(
                "E005",
                "--changed-since chooses the issues itself",
                detail=f"It was given with {', '.join(issues)}.",
                next_step="leave one of them out",
            )
        return changed_issues(app.config, changed_since)
    return [file_of(app.config, name, list_name) for name in issues] or issue_files(root)


# --- findings ------------------------------------------------------------------------------------


def _text(found: list[Examined]) -> Iterator[str]:
    """The findings of each file, and one line about all."""
    for one in found:
        if one.findings or len(found) == 1:
            yield f" {one.file}"
            yield from shown.blocks(one.findings, file=one.file)
    yield _summary(found)


def _summary(found: list[Examined]) -> str:
    errors, warnings = _count(found, Level.ERROR), _count(found, Level.WARNING)
    parts = [f"{len(found)} issues"] if len(found) != 1 else []
    parts += [_number(errors, "error"), _number(warnings, "warning")]
    if len(found) == 1 and found[0].prepared is not None:
        limit = found[0].prepared.limits.size_max
        parts.append(f"{_octets(found[0]) / _KILO:.0f} KB of {limit / _KILO:g} KB")
    links = sum(one.links for one in found)
    asked = [one.fine for one in found if one.fine is not None]
    parts.append(f"{_number(links, 'link')}, " + (f"{sum(asked)} ok" if asked else "not followed"))
    return f" {' · '.join(parts)}"


def _octets(one: Examined) -> int:
    if one.prepared is None:
        return 0
    sizes = one.prepared.sizes
    return max(sizes.html_decoded, sizes.html_encoded)


def _count(found: list[Examined], level: Level) -> int:
    return sum(finding.level is level for one in found for finding in one.findings)


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _data(found: list[Examined]) -> dict[str, Any]:
    return {
        "errors": _count(found, Level.ERROR),
        "warnings": _count(found, Level.WARNING),
        "findings": [shown.as_data(finding) for one in found for finding in one.findings],
        "issues": [
            {
                "issue": one.prepared.issue.id if one.prepared else None,
                "file": one.file,
                "size": _octets(one),
                "links": one.links,
                "links_ok": one.fine,
            }
            for one in found
        ],
    }


def _annotate(app: App, found: list[Examined]) -> None:
    """Annotations on stdout, where GitHub reads them; the summary for people on stderr."""
    from mailer.prepare.git import prefix_of

    prefix = prefix_of(app.config.root)
    for one in found:
        for finding in one.findings:
            click.echo(shown.annotation(finding, prefix=prefix))
    app.say(_summary(found).strip())


# --- who, and why --------------------------------------------------------------------------------


def _who(app: App, found: list[Examined], ledger: Ledger | None, code: str) -> int:
    """Name the people whose own mail could not be made."""
    from mailer.prepare.checking import concerned
    from mailer.when import now

    if code not in PERSONAL:
        raise UsageError(
            "E001",
            f"{code} is not about single people",
            next_step=f"--who {' or --who '.join(PERSONAL)}",
        )
    people = [
        {"issue": one.prepared.issue.id, "address": address, "about": about}
        for one in found
        if one.prepared is not None
        for address, about in concerned(one.prepared, ledger, code=code, now=now())
    ]
    text = "\n".join(f"{one['address']}  {one['about']}  ({one['issue']})" for one in people)
    app.emit("mailer.check-who/1", {"code": code, "people": people}, text or "nobody")
    return CheckError.exit if people else 0


def _explain(app: App, code: str) -> int:
    """Print one row of the catalogue."""
    from mailer.check.catalogue import BY_ID

    row = BY_ID.get(code.upper())
    if row is None:
        near = difflib.get_close_matches(code.upper(), BY_ID, n=1)
        raise UsageError(
            "E001",
            f"There is no check {code}",
            next_step=f"did you mean {near[0]}?" if near else "docs/checks.md has all of them",
        )
    data = {
        "id": row.id,
        "finds": row.finds,
        "why": row.why,
        "next": row.step,
        "network": row.network,
        "ignorable": row.ignorable,
    }
    app.emit("mailer.check-explain/1", data, "\n".join(_explained(row)))
    return 0


def _explained(row: Check) -> Iterator[str]:
    level = {"E": "stops a mailing", "W": "asks a question first", "I": "informs"}[row.id[0]]
    ignored = f'can be ignored: ignore: {{{row.id}: "why"}}' if row.ignorable else ""
    asks = {"no": "", "yes": "asks other machines", "partly": "asks other machines, in part"}
    notes = " · ".join(filter(None, (level, asks[row.network], ignored)))
    yield f"{row.id}  {notes}"
    width = min(shutil.get_terminal_size().columns, 100)
    for name, text in (("finds", row.finds), ("why", row.why), ("next", row.step)):
        yield textwrap.fill(text, width, initial_indent=f"  {name:<6} ", subsequent_indent=" " * 9)
