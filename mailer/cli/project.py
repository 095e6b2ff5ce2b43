"""`mailer init`, `new` and `config`: the folder, its issues, its configuration."""

from __future__ import annotations

import json
import os
import re
import sys
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from mailer.cli.context import App, Noun, Verb
from mailer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mailer.cli.scaffold import Made
    from mailer.config import Setting

_CATCHER = "smtp://127.0.0.1:1025"
_QUESTIONS = {
    "name": "What is the newsletter called?",
    "sender": "Who sends it? Name <address>",
    "relay": "Which relay takes the mail? The default is `mailer catch`",
    "url": "Where will `mailer serve` be reached?",
    "address": "What is your postal address? It stands in every mail",
}


@click.command(cls=Verb)
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--name", help="What the newsletter is called.")
@click.option("--from", "sender", metavar="MAILBOX", help='"Name <address>", who sends.')
@click.option("--relay", metavar="URL", help="The SMTP server, without a password.")
@click.option("--url", help="Where `mailer serve` will be reached.")
@click.option("--address", help="Your postal address.")
@click.pass_obj
def init(app: App, /, folder: Path, **given: str | None) -> None:
    """Make a newsletter folder; never overwrites a file.

    \b
    mailer init news
    mailer init news --name "The Weekly" --from "The Weekly <weekly@example.org>" --no-input
    """
    from mailer.cli import scaffold

    folder = (app.folder or Path()) / folder
    if folder.exists() and not folder.is_dir():
        raise UsageError("E003", "That is a file", where=str(folder), next_step="mailer init DIR")
    has_one = (folder / "mailer.toml").exists()
    answers = _answers(app, given, asks=app.asks and not has_one)
    domain = answers["sender"].rpartition("@")[2].rstrip("> ")
    toml = scaffold.filled(answers, bounces=f"bounces@{domain}")
    scaffold.understood(toml, folder)
    made = scaffold.make(folder, toml)
    steps = _next_steps(made, answers["relay"])
    data = {"folder": str(made.folder), "wrote": made.wrote, "kept": made.kept, "next": steps}
    app.emit("mailer.init/1", data, _report(made, answers["relay"], steps))


def _answers(app: App, given: Mapping[str, str | None], *, asks: bool) -> dict[str, str]:
    from mailer.cli import scaffold
    from mailer.config.keys import KEYS

    keys = {key.name: key for key in KEYS}
    table = scaffold.sample().table["newsletter"]
    defaults = {"name": table["name"], "relay": _CATCHER, "url": table["url"]}
    defaults["address"] = table["address"]
    mailbox = table["from"].rpartition(" ")[2]
    answers: dict[str, str] = {}
    for answer, question in _QUESTIONS.items():
        default = defaults.get(answer) or _mailbox(answers["name"], mailbox)
        wanted = [keys[name.replace("weekly", "*")] for name in scaffold.ANSWERS[answer]]
        flag = "--from" if answer == "sender" else f"--{answer}"
        checked = _checker([key.parse for key in wanted], flag)
        if (value := given.get(answer)) is not None:
            answers[answer] = checked(value)
        elif asks and not app.quiet:
            answers[answer] = click.prompt(question, default, value_proc=checked, err=True)
        else:
            answers[answer] = default
    return answers


def _checker(parsers: Sequence[Callable[[str], object]], flag: str) -> Callable[[str], str]:
    def checked(text: str) -> str:
        try:
            for parse in parsers:
                parse(text)
        except ValueError as error:
            raise click.BadParameter(f"it {error}", param_hint=flag) from error
        return text

    return checked


def _mailbox(name: str, address: str) -> str:
    if re.search(r'[<>"\\]', name):
        name = json.dumps(name, ensure_ascii=False)
    return f"{name} {address}"


def _next_steps(made: Made, relay: str) -> list[str]:
    """The commands that follow, none that does not exist (decisions 23)."""
    issues = [Path(name).stem for name in made.wrote if re.fullmatch(r"issues/[^/]+\.md", name)]
    steps = [] if made.folder.resolve() == Path.cwd() else [f"cd {made.folder}"]
    steps += ["mailer catch"] if relay == _CATCHER else []
    steps += ["mailer subscribers import"]
    if issues:
        issue = re.sub(r"^\d{4}-\d{2}-\d{2}-", "", issues[-1])
        steps += [f"mailer send {issue} --dry-run", f"mailer send {issue}", "mailer status"]
    return steps


def _report(made: Made, relay: str, steps: list[str]) -> str:
    notes = {"mailer catch": "    in a second terminal: an inbox for everything that is sent"}
    lines = [f"✔ {made.folder} is a newsletter"]
    lines += [f"  wrote  {name}" for name in made.wrote]
    lines += [f"  kept   {name}, which was there" for name in made.kept]
    lines += ["  made   a git repository"] if made.git else []
    if "@" in relay:
        lines += ["  set    MAILER_RELAY_PASSWORD in .env, if the relay asks for one"]
    lines += ["Next:", *(f"  {step}{notes.get(step, '')}" for step in steps)]
    return "\n".join(lines)


@click.command(cls=Verb)
@click.argument("title")
@click.pass_obj
def new(app: App, title: str) -> None:
    """Begin an issue: a file with front matter, opened in $EDITOR on a terminal.

    \b
    mailer new "Winter opening hours"
    """
    from mailer.config.parse import line

    try:
        title = line(title)
    except ValueError as error:
        raise UsageError("E004", f"The title {error}", next_step='mailer new "…"') from error
    today = datetime.now(UTC).astimezone(ZoneInfo(app.config.newsletter.timezone)).date()
    path = app.config.root / "issues" / f"{today}-{_slug(title)}.md"
    path.parent.mkdir(exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            # A JSON string is a YAML string.
            quoted = json.dumps(title, ensure_ascii=False)
            file.write(f"---\ntitle: {quoted}\ndate: {today}\nstatus: draft\n---\n\n")
    except FileExistsError:
        app.say(f"▲ kept: {path.name} was there already")
    app.emit("mailer.new/1", {"file": str(path)}, str(path))
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if editor and app.asks and sys.stdout.isatty():
        click.edit(filename=str(path), editor=editor)


def _slug(title: str) -> str:
    """The title as part of an id: [a-z0-9-]; "issue" for one without Latin letters."""
    plain = unicodedata.normalize("NFKD", title.replace("ß", "ss")).encode("ascii", "ignore")
    return re.sub(r"[^a-z0-9]+", "-", plain.decode().lower()).strip("-")[:60].strip("-") or "issue"


@click.group(cls=Noun)
def config() -> None:
    """What is configured, and where it comes from."""


@config.command()
@click.option("--origin", is_flag=True, help="Also where each value comes from.")
@click.pass_obj
def show(app: App, *, origin: bool) -> None:
    """Every key with its value; secrets are masked.

    \b
    mailer config show --origin
    """
    from mailer.config import build_config, load_settings

    root, settings = load_settings(app.folder, app.config_file)
    build_config(root, settings)
    data = {
        "root": str(root),
        "settings": [
            {"key": setting.name, "value": setting.shown(), "origin": setting.origin}
            for setting in settings
        ],
    }
    app.emit("mailer.config/1", data, "\n".join(_rows(settings, origin=origin)))


def _rows(settings: tuple[Setting, ...], *, origin: bool) -> list[str]:
    names = max(len(setting.name) for setting in settings)
    values = max(len(setting.shown()) for setting in settings)
    if not origin:
        return [f"{setting.name:<{names}}  {setting.shown()}".rstrip() for setting in settings]
    width = min(values, 50)
    return [
        f"{setting.name:<{names}}  {setting.shown():<{width}}  {setting.origin}"
        for setting in settings
    ]
