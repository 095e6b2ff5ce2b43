"""`mailer render`: an issue as files to look at."""

from __future__ import annotations

from pathlib import Path

import click

from mailer.cli.context import App, Verb
from mailer.errors import CheckError


@click.command(cls=Verb)
@click.argument("issue")
@click.option("--out", type=click.Path(path_type=Path), help="Where to; default out/ID.")
@click.option("--list", "list_name", metavar="L", help="The list it would go to.")
@click.option("--as", "address", metavar="ADDRESS", help="As this subscriber gets it.")
@click.option(
    "--screenshot",
    is_flag=True,
    help="Also ID-600.png and ID-375.png, light and dark, by a Chromium that reaches no network.",
)
@click.pass_obj
def render(
    app: App,
    issue: str,
    out: Path | None,
    list_name: str | None,
    address: str | None,
    *,
    screenshot: bool,
) -> int:
    """Write an issue as ID.html, ID.txt and ID.eml, as nobody in particular would get it.

    \b
    mailer render winter
    mailer render winter --as ann@example.org
    mailer render winter --screenshot --out /tmp/look
    """
    from mailer import prepare
    from mailer.cli import findings
    from mailer.cli.people import understood
    from mailer.content.web import Web
    from mailer.ledger.looking import looking
    from mailer.when import now

    browser = prepare.find_browser() if screenshot else ""
    with looking(app.config.database_url) as ledger:
        prepared = prepare.prepare(
            app.config,
            prepare.pick_issue(app.config, ledger, issue, list_name=list_name, now=now()),
            ledger=ledger,
            list_name=list_name,
            when=None,
            now=now(),
        )
        if address is None:
            message = prepare.sample(prepared, now=now())
        else:
            with understood(address):
                message = prepare.copy_for(prepared, ledger, address, now=now())
    folder = out or app.config.root / "out" / prepared.issue.id
    files = prepare.write_parts(folder, prepared.issue.id, message)
    if browser:
        web = Web.of(prepared.issue, app.config.newsletter, root=app.config.root)
        files += prepare.write_pictures(
            folder, prepared.issue.id, message, browser=browser, web=web
        )
    for line in findings.blocks((*prepared.errors, *prepared.warnings), file=prepared.issue.file):
        app.say(line)
    data = {
        "issue": prepared.issue.id,
        "files": [str(file) for file in files],
        "findings": [findings.as_data(one) for one in prepared.findings],
    }
    app.emit("mailer.render/1", data, "\n".join(str(file) for file in files))
    return CheckError.exit if prepared.errors else 0
