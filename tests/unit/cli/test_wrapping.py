"""How long lines are broken on a terminal (interface §2.1)."""

from __future__ import annotations

from mailer.cli.wrapping import folded, wrapped

LINE = (
    " needs you   m42: 13,695 wait for the relay (E310 The relay cannot be used at the moment; "
    "everything stays queued (connect: connection refused)): mailer run or mailer send --due"
)


def test_a_long_line_is_broken_at_words_and_indented() -> None:
    assert (
        " needs you   m42: 13,695 wait for the relay (E310 The relay cannot be used at the\n"
        "             moment; everything stays queued (connect: connection refused)):\n"
        "             mailer run or mailer send --due"
    ) == folded(LINE, 81, 13)


def test_nothing_is_lost_and_no_word_is_broken() -> None:
    long = f"→ mailer trace {'x' * 90}@example.org --json"
    for width in (1, 40, 80):
        assert long.split() == folded(long, width, 2).split()


def test_what_is_no_terminal_gets_the_whole_line() -> None:
    assert LINE == wrapped(LINE, 13)
