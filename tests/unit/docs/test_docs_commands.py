"""The page of commands has what the command line has: verbs, options, examples, exit codes."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import click
import pytest

from mailer import errors
from mailer.cli import VERBS, cli
from mailer.cli.context import App
from tests.samples import pages

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = pages.read("docs/commands.md")
SECTIONS = pages.sections(PAGE)
SHARED = pages.rows(SECTIONS["Options of every verb"])


def verbs(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every verb below a command with the words that call it."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from verbs(found, f"{path} {name}")


TREE = dict(verbs(cli, "mailer"))


def flags(command: click.Command) -> set[str]:
    """Every spelling of every option of a command itself."""
    options = [one for one in command.params if isinstance(one, click.Option)]
    return {flag for option in options for flag in (*option.opts, *option.secondary_opts)}


def documented(rows: list[list[str]]) -> set[str]:
    """The options that a table's first column names."""
    return {flag for row in rows for flag in re.findall(r"(?<![\w-])--?[\w-]+", row[0])}


def test_every_verb_has_a_section_and_every_section_a_verb() -> None:
    assert set(TREE) == {title for title in SECTIONS if title.startswith("mailer ")}


@pytest.mark.parametrize("path", TREE)
def test_a_section_names_every_option_and_no_other(path: str) -> None:
    assert flags(TREE[path]) - documented(SHARED) == documented(pages.rows(SECTIONS[path]))


@pytest.mark.parametrize("path", TREE)
def test_a_section_has_an_example(path: str) -> None:
    calls = pages.commands(SECTIONS[path])
    assert any(call == path or call.startswith(f"{path} ") for call in calls), calls


def test_the_shared_options_are_those_of_the_root() -> None:
    assert flags(cli) | {"-h", "--help"} == documented(SHARED)


def test_the_table_of_contents_leads_to_every_verb_or_its_noun() -> None:
    contents = PAGE.partition("## ")[0]
    assert [] == [verb for verb in VERBS if f"[{verb}](#mailer-{verb}" not in contents]


APP = App(
    folder=None,
    config_file=None,
    as_json=False,
    quiet=False,
    verbose=0,
    no_input=False,
)
EXAMPLES = [
    pytest.param(call, id=f"{page.name}: {call}")
    for page in pages.pages()
    for call in pages.commands(page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("call", EXAMPLES)
def test_every_example_is_a_command_line_that_parses(call: str) -> None:
    """Nothing runs: the words are only given their meaning."""
    command: click.Command = cli
    words = shlex.split(call)[1:]
    # Click keeps the first help option that it makes: -h must be one of its names.
    context = click.Context(cli, obj=APP, **cli.context_settings)
    while isinstance(command, click.Group):
        _, words, _ = command.make_parser(context).parse_args(words)
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command, context = found, click.Context(found, parent=context)
    assert [] == command.parse_args(context, words)


def test_exit_codes_are_those_of_the_errors() -> None:
    listed = {
        int(code)
        for row in pages.rows(SECTIONS["Exit codes"])
        for code in re.findall(r"\d+", row[0])
    }
    classes: list[type[errors.MailerError]] = [errors.MailerError]
    classes += errors.MailerError.__subclasses__()
    others = {0, errors.FAILED_DELIVERIES, errors.TRY_AGAIN_LATER, 130, 143}
    assert {one.exit for one in classes} | others == listed
