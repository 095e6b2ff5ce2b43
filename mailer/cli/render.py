"""`mailer render`: an issue as files to look at."""

from __future__ import annotations

from pathlib import Path

import click

from mailer.cli.context import App, Verb


@click.command(cls=Verb)
@click.argument("issue")
@click.option("--out", type=click.Path(path_type=Path), help="Where to; default out/ID.")
@click.option("--list", "list_name", metavar="L", help="The list it would go to.")
@click.pass_obj
def render(app: App, issue: str, out: Path | None, list_name: str | None) -> int:
    """Write an issue as ID.html, ID.txt and ID.eml, as a test copy would be.

    \b
    mailer render winter
    mailer render winter --out /tmp/look
    """
    from mailer import prepare
    from mailer.cli.panel import MARKS
    from mailer.cli.send import existing_ledger
    from mailer.when import now

    ledger = existing_ledger(app)
    prepared = prepare.prepare(
        app.config,
        prepare.pick_issue(app.config, ledger, issue),
        ledger=ledger,
        list_name=list_name,
        when=None,
        now=now(),
        test=False,
    )
    message = prepare.sample(prepared, now=now())
    folder = out or app.config.root / "out" / prepared.issue.id
    files = prepare.write_parts(folder, prepared.issue.id, message)
    for one in prepared.findings:
        app.say(f"{one.file}:{one.line} {MARKS[one.level]} {one.id} {one.message}")
    app.emit(
        "mailer.render/1",
        {"issue": prepared.issue.id, "files": [str(file) for file in files]},
        "\n".join(str(file) for file in files),
    )
    return 3 if prepared.errors else 0
