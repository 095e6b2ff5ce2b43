"""What is wrong with an issue before it is rendered: its list, its times, its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailer.errors import CheckError, UsageError
from mailer.model import Finding
from mailer.when import parse_wall

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailer.config import ListConfig
    from mailer.model import Issue


def choose_list(issue: Issue, lists: Mapping[str, ListConfig], named: str | None) -> ListConfig:
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


def check_times(issue: Issue, *, zone: str) -> tuple[Finding, ...]:
    """E104: a `send_at` that is not understood, or that clocks skip."""
    if not issue.send_at:
        return ()
    try:
        parse_wall(issue.send_at, zone=zone)
    except UsageError as error:
        found = Finding(id="E104", message=error.message, file=issue.file, next_step=error.next)
        return (found,)
    return ()
