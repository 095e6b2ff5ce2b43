"""`mailer trace`: one person's whole story."""

from __future__ import annotations

from typing import Any

import click

from mailer.cli.context import App, Verb
from mailer.ledger.variants import label


@click.command(cls=Verb)
@click.argument("address")
@click.pass_obj
def trace(app: App, address: str) -> None:
    """One person's whole story: subscriptions, every delivery, and why not.

    \b
    mailer trace ann@example.org
    """
    from mailer.cli import people
    from mailer.ledger import overview, roster
    from mailer.ledger.holds import HELD
    from mailer.ledger.looking import looking

    with people.understood(address), looking(app.config.database_url) as ledger:
        story = None if ledger is None else roster.show(ledger, address)
        if story is None or ledger is None:
            raise people.unknown(address)
        with ledger.read() as connection:
            found = list(overview.deliveries_of(connection, ledger.address_key(address)))
    deliveries = [
        {
            "mailing": f"m{row.mailing}",
            "issue": row.issue_slug,
            "state": row.state,
            "attempts": row.attempts,
            "revision": row.revision,
            "variant": label(row.variant) if row.variant else "",
            "reply": row.reply,
            "class": row.bounce_class,
            "due_at": None if row.due_at == HELD else people.iso(row.due_at),
            "held": row.due_at == HELD,
            # S-31: who was put off for as long as a delivery may be is rejected by a 4yz.
            "expired": row.state == "rejected" and (row.reply or "").startswith("4"),
            "changed_at": people.iso(row.changed_at),
        }
        for row in found
    ]
    data = {**people.story_data(story), "deliveries": deliveries}
    lines = [people.story_text(address, story), *map(_delivery_text, deliveries)]
    app.emit("mailer.trace/1", data, "\n".join(lines))


def _delivery_text(one: dict[str, Any]) -> str:
    words = f' "{one["reply"]}"' if one["reply"] else ""
    attempts = f" · attempt {one['attempts']} · r{one['revision']}" if one["attempts"] else ""
    variant = f" · {one['variant']}" if one["variant"] else ""
    due = f" · next try {one['due_at']}" if one["due_at"] else ""
    due = " · held: its domain waits for a person" if one["held"] else due
    expired = " as expired" if one["expired"] else ""
    when = f"{one['changed_at']} " if one["changed_at"] else ""
    return (
        f"  {one['mailing']} {one['issue']}  {when}{one['state']}{expired}{words}{variant}"
        f"{attempts}{due}"
    )
