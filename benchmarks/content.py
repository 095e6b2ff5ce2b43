"""The message of all benchmarks: an issue in the built-in theme, 40 KB on the wire, five places."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from mailer.config import ListConfig, Newsletter
from mailer.content.issue import read_issue
from mailer.model import Mailbox, Rendering, Slot, Template
from mailer.render import render_issue

SENDER = Mailbox(name="The Weekly", address="weekly@example.org")
NEWSLETTER = Newsletter(
    name="The Weekly",
    sender=SENDER,
    reply_to=None,
    url="https://news.example.org",
    site="https://example.org",
    address="1 Example Street, Exampleton",
)
LIST = ListConfig(slug="weekly", title="The Weekly", sender=SENDER, language="en", timezone="UTC")
PLANNED = datetime(2026, 11, 24, tzinfo=UTC)
NAME = 'subscriber.name or "reader"'
SECTIONS = 14
SECTION = """
## What the harbour reports, part {number}

Greetings from the harbour: a paragraph of *plain* and **naïve** text of the usual length, with
[a link to the rest](https://example.org/reports/{number}?from=letter&part=text) and `some code`.

- The first of three points, with [its own link](https://example.org/points/{number}/first)
- The second one, which is a little longer than the first and so goes on to a second line
- The third

> Whoever quotes the harbour master does so at their own risk.
"""


def rendering() -> Rendering:
    """Greeting and way out in both parts, and the name once more at the end."""
    sections = "".join(SECTION.format(number=number) for number in range(SECTIONS))
    return render(f"Dear {{{{ {NAME} }}}},\n{sections}\nGoodbye, {{{{ {NAME} }}}}.\n")


def render(body: str) -> Rendering:
    """An issue with this body in the built-in theme."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "issues").mkdir()
        file = root / "issues" / "2026-11-24-harbour.md"
        file.write_text(f"---\ntitle: News from the harbour\n---\n\n{body}")
        return render_issue(
            read_issue(file, root=root),
            newsletter=NEWSLETTER,
            list_=LIST,
            root=root,
            planned=PLANNED,
        ).rendering


def parts(made: Rendering) -> dict[str, str]:
    """The same for a peer that fills in `{name}` and `{url}` itself."""
    subject, html, text = (_joined(one) for one in (made.subject, made.html, made.text))
    return {"subject": subject, "html": html, "text": text}


def _joined(template: Template) -> str:
    return "".join(_shown(piece) for piece in template)


def _shown(piece: str | Slot) -> str:
    if isinstance(piece, str):
        return piece
    return "{name}" if piece.expression == NAME else "{url}"
