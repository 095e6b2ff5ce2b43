"""What every verb shares: where it runs, how it prints, how it asks."""

from __future__ import annotations

import difflib
import json
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailer.errors import MailerError, SafetyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailer.config import Config
    from mailer.ledger import Ledger


@dataclass
class App:
    """The global options, and what follows from them."""

    folder: Path | None
    config_file: Path | None
    as_json: bool
    quiet: bool
    verbose: int
    no_input: bool

    @cached_property
    def config(self) -> Config:
        """The configuration of the folder; read when a verb first asks."""
        from mailer.config import load_config

        return load_config(self.folder, self.config_file)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, opened when a verb first asks; created if it is the embedded one."""
        from mailer.ledger import open_ledger

        return open_ledger(self.config.database_url, journal=self.config.journal)

    def close(self) -> None:
        """Close what a verb has opened."""
        if "ledger" in vars(self):
            self.ledger.close()

    @property
    def asks(self) -> bool:
        """Whether there is a person to ask."""
        return sys.stdin.isatty() and not self.no_input

    def say(self, text: str) -> None:
        """Talk: to stderr, not when quiet."""
        if not self.quiet:
            click.echo(text, err=True)

    def emit(self, schema: str, data: Mapping[str, Any], text: str) -> None:
        """Print data on stdout: one JSON object with its schema, or the text for people."""
        if self.as_json:
            click.echo(json.dumps({"schema": schema, **data}, ensure_ascii=False, default=str))
        elif text:
            click.echo(text)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask and go on only at a yes; without a person, `--yes` is needed (interface §2.3)."""
        if yes:
            return
        if not self.asks:
            raise SafetyError(
                "E701",
                "This needs a confirmation and there is nobody to ask",
                detail=question,
                next_step="add --yes",
            )
        if not click.confirm(question, default=False, err=True):
            raise SafetyError("E702", "Not confirmed; nothing was done")


def report_error(error: MailerError, *, as_json: bool) -> int:
    """Print an error in the shape of interface §2.7 and return its exit code."""
    if as_json:
        body = {
            "schema": "mailer.error/1",
            "code": error.code,
            "message": error.message,
            "where": error.where,
            "detail": error.detail,
            "next": error.next,
            "exit": error.exit,
        }
        click.echo(json.dumps(body, ensure_ascii=False))
    else:
        lines = [f"✖ {error.code} {error.message}"]
        # `mailer.toml:7  [relay] url: …` has said where already.
        if not error.message.startswith(f"{error.where}  "):
            lines += [f"  {line}" for line in error.where.splitlines()]
        lines += [f"  {line}" for line in error.detail.splitlines()]
        lines += [f"  → {error.next}"] if error.next else []
        click.echo("\n".join(lines), err=True)
    return error.exit


def _remember(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(ctx: click.Context, _: click.Parameter, value: Any) -> None:  # noqa: ANN401
        if value:
            setattr(ctx.find_object(App), name, value)

    return callback


class Verb(click.Command):
    """A command that also takes the global options people type last: `mailer status --json`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  click's own signature
        super().__init__(*args, **kwargs)
        for flags, name, text in (
            (["--json"], "as_json", "Print data as JSON."),
            (["-q", "--quiet"], "quiet", "Print only trouble."),
            (["--no-input"], "no_input", "Never ask; a needed question exits 7."),
        ):
            self.params.append(
                click.Option(
                    flags, is_flag=True, expose_value=False, callback=_remember(name), help=text
                )
            )


class Noun(click.Group):
    """A group of verbs about one noun, such as `mailer subscribers import`."""

    command_class = Verb

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest a verb where one is misspelt."""
        verb = args[0]
        if verb.startswith("-") or self.get_command(ctx, verb):
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(verb, self.list_commands(ctx), n=1)
        raise UsageError(
            "E001",
            f"{ctx.command_path} has no verb {verb}",
            next_step=f"did you mean {near[0]}?" if near else f"{ctx.command_path} --help",
        )
