"""What is wrong with a template, seen on an issue that has every block."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from mailer import contrast
from mailer.check import clients, legible, structure
from mailer.check.engine import as_finding, at
from mailer.check.mail import check_ways_out
from mailer.check.proof import Proof
from mailer.config import ListConfig, ThemeConfig
from mailer.config.look import TOKENS
from mailer.content.issue import read_issue
from mailer.errors import CheckError
from mailer.model import Finding
from mailer.render import render_issue
from mailer.render.library import shipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mailer.config import Config

_DAY: Final = datetime(2026, 11, 24, tzinfo=UTC)
_CHECKS: Final = (legible.check_legible, structure.check_styles, clients.check_clients)


def usual_findings(config: Config) -> frozenset[Finding]:
    """What the untouched default template has, too: it says nothing about another."""
    untouched = replace(config, theme=ThemeConfig())
    # No newsletter has templates among the built-in ones.
    return frozenset(_seen(_proof("default", untouched, root=shipped("templates"))))


def check_template(
    name: str, config: Config, *, file: str, usual: frozenset[Finding]
) -> Iterator[Finding]:
    """Render the showcase with a template and look at the mail.

    Args:
        name: the template as an issue names it.
        config: whose templates and colours are used.
        file: what is named where the place is not known better.
        usual: `usual_findings` of the same configuration, which are left out.

    Yields:
        E201 to E206 as they are raised; E190, W153, W160, W162 and W170 of the finished mail.
    """
    try:
        proof = _proof(name, config, root=config.root)
    except CheckError as error:
        yield as_finding(error, file=error.where or file)
        return
    for one in check_ways_out(proof.rendering, proof.issue, config.newsletter.address):
        yield replace(one, file=file)
    known = [f"{text} on {ground}" for text, ground in _pairs(config)]
    for one in _seen(proof):
        if one not in usual and not any(pair in one.message for pair in known):
            yield replace(one, file=file)


def check_colours(config: Config) -> Iterator[Finding]:
    """W160: the colours of `[theme]` that are hard to read upon another."""
    for scheme, colours in (("light", config.theme.light), ("dark", config.theme.dark)):
        for text, grounds in groupby(_hard_to_read(colours), key=itemgetter(0)):
            upon = [ground for _, ground in grounds]
            ratios = (f"{one} {contrast.ratio(colours[text], colours[one]):.1f}:1" for one in upon)
            found = Finding(
                id="W160",
                message=f"[theme.{scheme}] {text} {colours[text]} is hard to read upon "
                f"{', '.join(ratios)}; {contrast.ENOUGH:g}:1 is the least",
                next_step="make one of the two darker or lighter",
            )
            origins = (config.origins.get(f"theme.{scheme}.{one}", "") for one in (text, *upon))
            origin = next(filter(None, origins), "")
            yield at(origin, found, otherwise=origin)


def _pairs(config: Config) -> Iterator[tuple[str, str]]:
    """The colours of which the configuration's own finding speaks."""
    for colours in (config.theme.light, config.theme.dark):
        for text, ground in _hard_to_read(colours):
            yield colours[text], colours[ground]


def _hard_to_read(colours: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for token in TOKENS:
        for ground in token.upon:
            if contrast.ratio(colours[token.name], colours[ground]) < contrast.ENOUGH:
                yield token.name, ground


def _proof(name: str, config: Config, *, root: Path) -> Proof:
    issue = replace(read_issue(shipped("templates") / "showcase.md", root=root), template=name)
    result = render_issue(
        issue,
        newsletter=config.newsletter,
        list_=_readers(config),
        root=root,
        planned=_DAY,
        theme=config.theme,
        limits=config.check,
    )
    return Proof(
        issue=issue,
        newsletter=config.newsletter,
        config=config.check,
        rendering=result.rendering,
        content=result.content,
        planned=_DAY,
        root=root,
        compose=lambda: b"",
    )


def _readers(config: Config) -> ListConfig:
    """The first list; the look of a mail does not depend on whose it is."""
    newsletter = config.newsletter
    usual = ListConfig(
        slug="readers",
        title=newsletter.name,
        sender=newsletter.sender,
        language=newsletter.language,
        timezone=newsletter.timezone,
    )
    return next(iter(config.lists.values()), usual)


def _seen(proof: Proof) -> Iterator[Finding]:
    """What the finished mail shows; lines of the showcase say nothing about a template."""
    for check in _CHECKS:
        for one in check(proof):
            yield replace(one, file="", line=0, column=0)
