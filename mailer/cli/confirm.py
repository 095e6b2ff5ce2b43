"""When a mailing is asked about, and how: the table of interface §2.3."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import click

from mailer.errors import SafetyError

if TYPE_CHECKING:
    from mailer.cli.context import App

FEW = 10
MANY = 1_000
GROWTH = 1.5
GROWTH_FROM = 50
TOLERANCE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a confirmation is about; `last` is the size of the last mailing to that list."""

    recipients: int
    last: int | None
    warnings: int


class Answer(Enum):
    """What a person must do: say yes, or type the number of recipients."""

    YES = "yes"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked at a terminal, what a script must pass, and the lines that say why."""

    answer: Answer
    expect: bool
    reasons: tuple[str, ...]


def demand(question: Question) -> Demand:
    """Decide what a mailing demands; decisions 15 and the table of interface §2.3."""
    people, last = question.recipients, question.last
    many = people >= MANY
    grown = last is not None and people > GROWTH * last and people > GROWTH_FROM
    first = last is None and people > FEW
    reasons = [
        text
        for holds, text in (
            (grown, f"the last mailing to this list went to {last or 0:,}"),
            (first, "this is the first mailing to this list"),
            (question.warnings > 0, f"{question.warnings} warnings, see above"),
        )
        if holds
    ]
    typed = many or grown or first or (question.warnings > 0 and people > FEW)
    answer = Answer.NUMBER if typed else Answer.YES
    return Demand(answer, many or grown, tuple(reasons))


def confirm(app: App, question: Question, *, yes: bool, expect: int | None) -> None:
    """Go on only if a person or the flags say so.

    Raises:
        SafetyError: E701 nobody to ask, E702 not confirmed, E705 not the expected number.
    """
    people = question.recipients
    require_expected(people, expect)
    wanted = demand(question)
    if yes and (expect is not None or not wanted.expect):
        return
    if yes or not app.asks:
        flags = f"--yes --expect {people}" if wanted.expect else "--yes"
        raise SafetyError(
            "E701",
            f"Sending to {people:,} needs a confirmation",
            detail="\n".join(wanted.reasons),
            next_step=f"add {flags}",
        )
    for reason in wanted.reasons:
        app.say(f"▲ {reason}")
    if not _asked(wanted.answer, people):
        raise SafetyError("E702", "Not confirmed; nothing was sent")


def require_expected(people: int, expect: int | None) -> None:
    """`--expect` allows 1 % either way.

    Raises:
        SafetyError: E705.
    """
    if expect is not None and abs(people - expect) > TOLERANCE * expect:
        raise SafetyError(
            "E705",
            f"{people:,} would get it, {expect:,} were expected",
            next_step="mailer send --dry-run shows who",
        )


def _asked(answer: Answer, people: int) -> bool:
    if answer is Answer.YES:
        noun = "person" if people == 1 else "people"
        return click.confirm(f"Send to {people} {noun}?", default=False, err=True)
    typed: str = click.prompt(f"Type {people} to send", default="", show_default=False, err=True)
    return typed.replace(",", "").strip() == str(people)
