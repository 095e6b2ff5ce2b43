"""Which variant of an issue somebody gets: the one definition, as an expression of SQL.

A variant is named by whom it speaks to, and the name says it all, so that it need not be stored
beside it: "" is the base, which is for everybody else; "language=de" is for who reads German;
"language=de&plan=pro" for those of them whose attribute `plan` shows as "pro" in a mail.

The most specific one whose conditions all hold is taken::

    more conditions before fewer, and of equally many
    one with a language before one without: who cannot read it has nothing of the rest
    a longer tag before a shorter: pt-BR before pt
    the name that comes first, so that the choice is always the same

A tag holds for itself and for what is below it: "de" for de and de-AT. Only where nothing fits so,
the first subtag decides, unless it is the base's own: pt-PT gets pt-BR rather than an English base.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import and_, case, func, literal, not_, or_

from mailer.ledger.dialect import shows
from mailer.ledger.schema import subscriber

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import ColumnElement, Connection

LANGUAGE = "language"
"""The condition that is no attribute."""


def name_of(conditions: Mapping[str, str]) -> str:
    """The name of the variant for these conditions; the base has none."""
    return urlencode(sorted(conditions.items()))


def conditions_of(name: str) -> dict[str, str]:
    """The inverse of `name_of`."""
    return dict(parse_qsl(name, keep_blank_values=True, strict_parsing=bool(name)))


def label(name: str) -> str:
    """A variant as people read it: "base", or "language=de city=Zürich"."""
    return " ".join(f"{key}={value}" for key, value in conditions_of(name).items()) or "base"


def chosen(
    connection: Connection, names: Iterable[str], *, base_language: str
) -> ColumnElement[str]:
    """The name of a subscriber's variant among these; a constant if there is only the base.

    Args:
        connection: says whose SQL it is.
        names: of all variants that there are.
        base_language: the tag of the base's language.
    """
    rules = sorted(_rules(names, base_language.lower()))
    if not rules:
        return literal("")
    return case(*((_holds(connection, rule), rule.name) for rule in rules), else_="")


class _Rule(NamedTuple):
    """When a variant is taken; sorts as the module's table says."""

    by_first_subtag: bool
    fewer_conditions: int
    without_language: bool
    shorter_tag: int
    name: str
    tag: str
    unless: str


def _rules(names: Iterable[str], base: str) -> Iterator[_Rule]:
    for name in names:
        conditions = conditions_of(name)
        tag = conditions.get(LANGUAGE, "").lower()
        first = tag.partition("-")[0]
        unless = base if base.startswith(f"{tag}-") else ""
        order = (-len(conditions), not tag, -tag.count("-"), name)
        if conditions:
            yield _Rule(False, *order, tag, unless)
        if tag != first and first != base.partition("-")[0]:
            yield _Rule(True, *order, first, "")


def _holds(connection: Connection, rule: _Rule) -> ColumnElement[bool]:
    parts = [
        shows(connection, subscriber.c.attributes, key, value)
        for key, value in conditions_of(rule.name).items()
        if key != LANGUAGE
    ]
    if rule.tag:
        parts.append(_reads(rule.tag))
    if rule.unless:
        parts.append(not_(_reads(rule.unless)))
    return and_(*parts)


def _reads(tag: str) -> ColumnElement[bool]:
    language = func.lower(subscriber.c.language)
    return or_(language == tag, language.startswith(f"{tag}-", autoescape=True))
