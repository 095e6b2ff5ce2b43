"""The files of one issue: how issues are ordered, and which of its variants is for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from mailer.content.identity import for_everybody

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailer.config import Config
    from mailer.content.head import Head
    from mailer.model import Issue

Either = TypeVar("Either", "Issue", "Head")


def order(issue: Issue) -> tuple[str, str]:
    """From old to new."""
    return str(issue.date or ""), issue.id


def bases(config: Config, issues: Iterable[Either]) -> list[Either]:
    """Each issue once: of several variants, the one for everybody.

    All of them where that is not clear: saying so is left to whoever prepares one.
    """
    families: dict[str, list[Either]] = {}
    for issue in issues:
        families.setdefault(issue.id, []).append(issue)
    found: list[Either] = []
    for family in families.values():
        language = language_of(config, next((one.list for one in family if one.list), None))
        base = family[0] if len(family) == 1 else for_everybody(family, language)
        found += [base] if base is not None else family
    return found


def lead(
    config: Config, issue: Issue, others: Sequence[Issue], *, list_name: str | None = None
) -> Issue:
    """The variant for everybody of an issue and its other variants; itself if it is not clear."""
    language = language_of(config, list_name or issue.list)
    return for_everybody([issue, *others], language) or issue


def language_of(config: Config, list_name: str | None) -> str:
    """The language of the list that an issue goes to, as far as it can be told."""
    lists = config.lists
    slug = list_name or (next(iter(lists)) if len(lists) == 1 else "")
    return (lists[slug].language if slug in lists else "") or config.newsletter.language
