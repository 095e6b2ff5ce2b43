"""What is wrong with an issue before it is rendered: its list, its times, where answers go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailer.config.parse import mailbox
from mailer.errors import CheckError, UsageError
from mailer.ledger import overview
from mailer.model import Finding, moment
from mailer.when import parse_wall

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailer.config import ListConfig
    from mailer.content.head import Head
    from mailer.ledger import Ledger
    from mailer.model import Issue


def choose_list(
    issue: Issue | Head, lists: Mapping[str, ListConfig], named: str | None
) -> ListConfig:
    """The list that an issue goes to: as named, as its front matter says, or the only one.

    Raises:
        CheckError: E105, not configured, or several and none named.
    """
    slug = named or issue.list or (next(iter(lists)) if len(lists) == 1 else "")
    if slug in lists:
        return lists[slug]
    known = ", ".join(lists) or "none is configured"
    raise CheckError(
        "E105",
        f"There is no list {slug}" if slug else "Several lists are configured and none is named",
        where=issue.file,
        detail=f"Lists: {known}",
        next_step="--list NAME, or list: NAME in the front matter",
    )


def line_of(issue: Issue, *names: str) -> int:
    """The line of the first of these keys that the front matter has; 0 if it has none."""
    tables = ("mailer.", "", "extra.", "params.")
    found = (issue.lines.get(table + name, 0) for name in names for table in tables)
    return next(filter(None, found), 0)


def check_times(issue: Issue, *, zone: str) -> tuple[Finding, ...]:
    """E104: a `send_at` that is not understood, or that clocks skip."""
    if not issue.send_at:
        return ()
    try:
        parse_wall(issue.send_at, zone=zone)
    except UsageError as error:
        found = Finding(
            id="E104",
            message=error.message,
            file=issue.file,
            line=line_of(issue, "send_at"),
            next_step=error.next,
        )
        return (found,)
    return ()


def check_reply_to(issue: Issue) -> tuple[Finding, ...]:
    """E117: a `reply_to` that is no mailbox can stand in no header (M-7, M-11)."""
    if not issue.reply_to:
        return ()
    try:
        mailbox(issue.reply_to)
    except ValueError as error:
        found = Finding(
            id="E117",
            message=f"reply_to {error}",
            file=issue.file,
            line=line_of(issue, "reply_to"),
            next_step='reply_to: "Ann <ann@example.org>"',
        )
        return (found,)
    return ()


def check_mailed(issue: Issue, ledger: Ledger | None, *, list_slug: str) -> tuple[Finding, ...]:
    """I107: this issue was mailed to this list, or is on its way."""
    if ledger is None:
        return ()
    with ledger.read() as connection:
        before = overview.of_issue(connection, issue_slug=issue.id, list_slug=list_slug)
    if before is None:
        return ()
    since = f"{moment(before.finished_at or before.due_at):%Y-%m-%d %H:%M} UTC"
    found = Finding(
        id="I107",
        message=f"already mailed to {list_slug} as {before.name} ({before.state}, {since})",
        file=issue.file,
        next_step=f"mailer status {before.name}",
    )
    return (found,)
