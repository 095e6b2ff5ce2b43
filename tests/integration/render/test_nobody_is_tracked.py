"""Opens are not tracked and clicks not counted (X-14): what is loaded and linked names nobody."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailer.compose.mime import MessageTemplate
from mailer.config import build_config
from mailer.config.settings import read_settings
from mailer.config.sources import Outside
from mailer.config.toml import read_document
from mailer.content.issue import read_issue
from mailer.render import render_issue
from mailer.render.library import shipped
from tests.samples import messages
from tests.samples.pages import ROOT

if TYPE_CHECKING:
    from mailer.model import Message

SAMPLE = shipped("issues") / "2026-11-24-welcome.md"
ADDRESSES = re.compile(r"""(?:href|src|background|srcset)\s*=\s*"([^"]*)"|url\(([^)]*)\)""")
WAY_OUT = re.compile(r"https?://[^/]+/u/[\w.-]+")


def welcome(**reader: object) -> Message:
    """The sample issue as one reader gets it."""
    document = read_document(shipped("mailer.toml"))
    assert document is not None
    config = build_config(ROOT, read_settings(document, Outside(environ={}, dotenv={})))
    rendering = render_issue(
        read_issue(SAMPLE, root=ROOT),
        newsletter=config.newsletter,
        list_=config.lists["weekly"],
        root=ROOT,
        planned=datetime(2026, 11, 24, tzinfo=UTC),
    ).rendering
    template = MessageTemplate(rendering, messages.revision(), messages.KEYRING)
    return template.compose(messages.recipient(**reader), date=messages.DATE)


def loaded_and_linked(message: Message) -> list[str]:
    """Every address of the HTML part, in order."""
    html = messages.body(message, "html")
    return [first or second for first, second in ADDRESSES.findall(html)]


def test_two_readers_get_the_same_images_and_links() -> None:
    """X-14: but for the way out, which is each reader's own."""
    ann = loaded_and_linked(welcome(seq=1, subscriber=1, email="ann@example.net", name="Ann"))
    ben = loaded_and_linked(welcome(seq=2, subscriber=2, email="ben@example.org", name="Ben"))
    differing = [pair for pair in zip(ann, ben, strict=True) if pair[0] != pair[1]]
    assert 1 == len(differing)
    assert all(WAY_OUT.fullmatch(address) for address in differing[0])
    assert len(ann) > 5


def test_a_link_of_the_issue_arrives_as_it_was_written() -> None:
    """X-14: no link leads over us."""
    assert "https://www.rfc-editor.org/rfc/rfc8058" in loaded_and_linked(welcome())
