"""When a mailing is asked about, and how: interface §2.3 row by row, decisions 15."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from mailer.cli import confirm as confirming
from mailer.cli.confirm import Answer, Question, confirm, demand, require_expected
from mailer.cli.context import App
from mailer.errors import SafetyError

if TYPE_CHECKING:
    from collections.abc import Iterator

YES, NUMBER = Answer.YES, Answer.NUMBER


def question(recipients: int, *, last: int | None = 100, warnings: int = 0) -> Question:
    return Question(recipients=recipients, last=last, warnings=warnings)


@pytest.mark.parametrize(
    ("asked", "answer", "expect", "reasons"),
    [
        (question(10), YES, False, 0),
        (question(11), YES, False, 0),
        (question(999, last=999), YES, False, 0),
        (question(1_000, last=1_000), NUMBER, True, 0),
        (question(150), YES, False, 0),  # exactly 1.5 times the last
        (question(151), NUMBER, True, 1),
        (question(50, last=10), YES, False, 0),  # grown, but not over 50
        (question(51, last=10), NUMBER, True, 1),
        (question(10, last=None), YES, False, 0),
        (question(11, last=None), NUMBER, False, 1),  # the first mailing to this list
        (question(1_000, last=None), NUMBER, True, 1),
        (question(100, warnings=1), NUMBER, False, 1),
        (question(10, warnings=2), YES, False, 1),
        (question(5_000, last=1_000, warnings=3), NUMBER, True, 2),
        (question(60, last=0), NUMBER, True, 1),
    ],
)
def test_each_row_of_the_table(
    asked: Question, answer: Answer, *, expect: bool, reasons: int
) -> None:
    wanted = demand(asked)
    assert (answer, expect, reasons) == (wanted.answer, wanted.expect, len(wanted.reasons))
    assert all(wanted.reasons)


@pytest.mark.parametrize(
    ("people", "expect", "fits"),
    [
        (1_000, 1_000, True),
        (1_010, 1_000, True),
        (1_011, 1_000, False),
        (990, 1_000, True),
        (989, 1_000, False),
        (8, 8, True),
        (8, 9, False),
        (8, 0, False),
        (8, -8, False),
        (8, None, True),
    ],
)
def test_expect_allows_one_percent_either_way(
    people: int, expect: int | None, *, fits: bool
) -> None:
    if fits:
        require_expected(people, expect)
    else:
        with pytest.raises(SafetyError, match="E705"):
            require_expected(people, expect)


# --- without a terminal, and with one ------------------------------------------------------------


def app(*, no_input: bool = True) -> App:
    return App(
        folder=None,
        config_file=None,
        as_json=False,
        quiet=False,
        verbose=0,
        no_input=no_input,
    )


@pytest.mark.parametrize(
    ("asked", "yes", "expect"),
    [
        (question(8), True, None),
        (question(100, last=None), True, None),  # as its size demands
        (question(100, warnings=5), True, None),
        (question(1_000, last=1_000), True, 1_000),
        (question(1_000, last=1_000), True, 995),
        (question(151), True, 151),
    ],
)
def test_flags_confirm_without_a_person(asked: Question, *, yes: bool, expect: int | None) -> None:
    confirm(app(), asked, yes=yes, expect=expect)


@pytest.mark.parametrize(
    ("asked", "yes", "expect", "code", "step"),
    [
        (question(8), False, None, "E701", "add --yes"),
        (question(8), False, 8, "E701", "add --yes"),
        (question(1_000, last=1_000), True, None, "E701", "add --yes --expect 1000"),
        (question(1_000, last=1_000), False, 1_000, "E701", "add --yes --expect 1000"),
        (question(151), True, None, "E701", "add --yes --expect 151"),
        (question(8), True, 9, "E705", "mailer send --dry-run shows who"),
    ],
)
def test_what_the_flags_leave_open_is_refused_without_a_person(
    asked: Question, *, yes: bool, expect: int | None, code: str, step: str
) -> None:
    with pytest.raises(SafetyError, match=code) as refused:
        confirm(app(), asked, yes=yes, expect=expect)
    assert (7, step) == (refused.value.exit, refused.value.next)


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Somebody at a terminal who will type these answers."""
    answers: list[str] = []
    monkeypatch.setattr(App, "asks", property(lambda _: True))
    monkeypatch.setattr(click.termui, "visible_prompt_func", lambda _: answers.pop(0))
    yield answers
    assert answers == [], "every answer was asked for"


@pytest.mark.parametrize(
    ("asked", "typed"),
    [
        (question(8), "y"),
        (question(1_000, last=1_000), "1000"),
        (question(1_000, last=1_000), " 1,000 "),
        (question(11, last=None), "11"),
        (question(100, warnings=1), "100"),
    ],
)
def test_a_person_confirms(person: list[str], asked: Question, typed: str) -> None:
    person.append(typed)
    confirm(app(no_input=False), asked, yes=False, expect=None)


@pytest.mark.parametrize(
    ("asked", "typed"),
    [
        (question(8), ""),  # never a default yes
        (question(8), "n"),
        (question(1_000, last=1_000), "y"),
        (question(1_000, last=1_000), "yes"),
        (question(1_000, last=1_000), ""),
        (question(1_000, last=1_000), "100"),
        (question(1_000, last=1_000), "10000"),
    ],
)
def test_anything_else_sends_nothing(person: list[str], asked: Question, typed: str) -> None:
    person.append(typed)
    with pytest.raises(SafetyError, match="E702 Not confirmed; nothing was sent"):
        confirm(app(no_input=False), asked, yes=False, expect=None)


def test_yes_without_the_number_does_not_turn_into_a_question(person: list[str]) -> None:
    """`--yes` skips questions, never errors: a script on a terminal must not hang."""
    assert person == []
    with pytest.raises(SafetyError, match="E701"):
        confirm(app(no_input=False), question(1_000, last=1_000), yes=True, expect=None)


def test_the_reasons_stand_above_the_question(
    person: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    person.append("151")
    confirm(app(no_input=False), question(151, warnings=2), yes=False, expect=None)
    shown = capsys.readouterr().err
    assert "▲ the last mailing to this list went to 100\n▲ 2 warnings, see above\n" in shown
    assert confirming.MANY == 1_000
