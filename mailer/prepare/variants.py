"""The files of one issue: which is for everybody, and for whom each of the others is.

::

    winter.md      language: the list's            the base: everybody else
    winter.de.md                                   language=de
    winter-pro.md  id: winter, for: {plan: pro}    plan=pro

What there is once per mailing is the base's affair: its list, its time, whether it may go out. A
variant that says otherwise, or is a draft still, is not ready to be mailed with it (E129).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mailer.content.identity import for_everybody
from mailer.errors import CheckError
from mailer.ledger.variants import LANGUAGE, label, name_of
from mailer.model import Finding, Release

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailer.config import ListConfig, Newsletter
    from mailer.model import Issue


def family(
    issue: Issue, siblings: Sequence[Issue], *, chosen: ListConfig, newsletter: Newsletter
) -> dict[str, Issue]:
    """The variants of an issue by their names; the base comes first, under "".

    An issue that is for everybody is the base itself; else it is found among the siblings.

    Raises:
        CheckError: E106, two are for the same people; E129, none is for everybody.
    """
    language = chosen.language or newsletter.language
    base = for_everybody(siblings, language) if issue.audience else issue
    if base is None:
        raise CheckError(
            "E129",
            f"{issue.id} is for {label(name_of(issue.audience))}, and no file for everybody else",
            where=issue.file,
            next_step=f"write one with id: {issue.id}, or take for: out",
        )
    language = base.language or language
    found = {"": base}
    for other in (issue, *siblings):
        if other is base:
            continue
        conditions = _conditions(other, language, newsletter)
        name = name_of(conditions)
        if name in found:
            raise CheckError(
                "E106",
                f"Two files of {issue.id} are for the same people: {label(name)}",
                where=f"{found[name].file}\n{other.file}",
                next_step="another language: or for: in one of them, or another id: …",
            )
        found[name] = replace(other, language=conditions.get(LANGUAGE, language))
    return found


def _conditions(issue: Issue, base_language: str, newsletter: Newsletter) -> dict[str, str]:
    """For whom a variant is; the base's own language is no condition."""
    conditions = dict(issue.audience)
    language = conditions.pop(LANGUAGE, "") or issue.language
    if not language and not conditions:
        language = newsletter.language
    if language and language.lower() != base_language.lower():
        conditions[LANGUAGE] = language
    return conditions


def check_family(found: dict[str, Issue], *, chosen: ListConfig) -> Iterator[Finding]:
    """E129 for each variant that disagrees with the base about what there is once."""
    base, *others = found.values()
    for other in others:
        told = {
            "list": (other.list, chosen.slug),
            "send_at": (other.send_at, base.send_at),
        }
        odd = [key for key, (says, goes) in told.items() if says and says != goes]
        reasons = [f"another {key}" for key in odd]
        if other.release is Release.DRAFT and base.release is not Release.DRAFT:
            reasons.append("a draft")
        if reasons:
            yield Finding(
                id="E129",
                message=f"The variant cannot go out with {base.file}: {', '.join(reasons)}",
                file=other.file,
                line=other.lines.get(odd[0], 0) if odd else 0,
                next_step=f"say it as {base.file} does, or begin the file's name with _",
            )
