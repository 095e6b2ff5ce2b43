"""The verbs: parse, call, print. One module per group; a verb's module is imported when it runs."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import click

from mailer import __version__
from mailer.cli.context import App, Noun, report_error
from mailer.errors import LedgerError, MailerError, UsageError

# verb -> (module, attribute, one line of help): help needs no import of the verb itself.
VERBS: dict[str, tuple[str, str, str]] = {
    "init": ("mailer.cli.project", "init", "Make a newsletter folder."),
    "new": ("mailer.cli.project", "new", "Begin an issue."),
    "check": ("mailer.cli.check", "check", "Say what is wrong with issues."),
    "render": ("mailer.cli.render", "render", "Write an issue as .html, .txt and .eml."),
    "template": ("mailer.cli.template", "template", "What mails look like."),
    "send": ("mailer.cli.send", "send", "Mail an issue to a list, or show what would happen."),
    "status": ("mailer.cli.status", "status", "What was sent, what is left, what needs you."),
    "watch": ("mailer.cli.watching", "watch", "How a mailing goes on, live."),
    "trace": ("mailer.cli.trace", "trace", "One person's whole story."),
    "retry": ("mailer.cli.control", "retry", "Queue failed or doubtful deliveries again."),
    "pause": ("mailer.cli.control", "pause", "Stop a mailing for now."),
    "resume": ("mailer.cli.control", "resume", "Let a paused mailing go on."),
    "correct": ("mailer.cli.correcting", "correct", "Mail a correction to who got an error."),
    "cancel": ("mailer.cli.control", "cancel", "End a mailing for good."),
    "subscribers": ("mailer.cli.subscribers", "subscribers", "Who receives mail."),
    "suppressions": ("mailer.cli.subscribers", "suppressions", "Who must never be mailed."),
    "bounces": ("mailer.cli.bounces", "bounces", "What came back."),
    "relays": ("mailer.cli.relays", "relays", "Where mail is handed to, and how fast."),
    "serve": ("mailer.cli.services", "serve", "The public pages: unsubscribing."),
    "run": ("mailer.cli.services", "run", "The daemon: delivers what is due."),
    "catch": ("mailer.cli.services", "catch", "A development SMTP server that keeps all mail."),
    "dkim": ("mailer.cli.dkim", "dkim", "Keys that sign mail, and their DNS records."),
    "config": ("mailer.cli.project", "config", "What is configured, and where it comes from."),
    "restore": ("mailer.cli.restore", "restore", "After a backup was put back."),
    "db": ("mailer.cli.database", "db", "The ledger's database."),
}


class LazyGroup(Noun):
    """A group that knows its verbs' names and help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Verbs in the order of a mailing's life."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one verb."""
        del ctx
        if cmd_name not in VERBS:
            return None
        module, attribute, _ = VERBS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs from the table alone."""
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, text) for verb, (_, _, text) in VERBS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-C", "folder", type=click.Path(path_type=Path), help="Work in this folder.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Use this file.")
@click.option("--json", "as_json", is_flag=True, help="Print data as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print only trouble.")
@click.option("-v", "--verbose", count=True, help="Say more; -vv shows tracebacks.")
@click.option("--no-input", is_flag=True, help="Never ask; a needed question exits 7.")
@click.version_option(__version__, prog_name="mailer")
@click.pass_context
def cli(ctx: click.Context, /, **options: Any) -> None:  # noqa: ANN401  click's options, typed in App
    """Send Markdown issues as newsletters.

    \b
    mailer init news                  a newsletter folder
    mailer send --dry-run             the complete truth, no mail
    mailer send winter --to me@example.org
    mailer send winter
    mailer status
    """
    ctx.obj = app = App(**options)
    ctx.call_on_close(app.close)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit; an error is printed in the shape of interface §2.7."""
    argv = sys.argv[1:] if arguments is None else arguments
    try:
        code = cli.main(argv, prog_name="mailer", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except click.ClickException as error:
        code = _failed(_usage(error), argv)
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:
        # The reader left (`mailer status | head`); what remains in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:  # noqa: BLE001  the last resort: people get a sentence, never a traceback
        code = _failed(error, argv)
    sys.exit(code if isinstance(code, int) else 0)


def _failed(error: Exception, argv: list[str]) -> int:
    """Report an error, its traceback too at -vv, and return the exit code."""
    if _verbosity(argv) > 1:
        traceback.print_exception(error)
    if not isinstance(error, MailerError):
        error = _ledger_trouble(error) or MailerError(
            "E000",
            f"Something unexpected happened: {type(error).__name__}",
            detail=str(error),
            next_step="mailer -vv … shows where",
        )
    return report_error(error, as_json="--json" in argv)


def _ledger_trouble(error: Exception) -> MailerError | None:
    """What the database said, such as that it is locked or that the disk is full."""
    said = getattr(error, "orig", None)  # of SQLAlchemy's errors, whose import would cost 100 ms
    if said is None:
        return None
    return LedgerError(
        "E612",
        "The database cannot be used at the moment; nothing was changed",
        detail=str(said),
        next_step="the same command again; mailer db check says whether it is damaged",
    )


def _usage(error: click.ClickException) -> UsageError:
    """What click says about a command line, in our shape."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "mailer"
    return UsageError("E001", error.format_message().rstrip("."), next_step=f"{path} --help")


def _verbosity(argv: list[str]) -> int:
    return sum(
        argument.count("v") if argument.startswith("-v") else argument == "--verbose"
        for argument in argv
    )
