"""Whatever words an issue and its front matter have, both parts of the rendering have them."""

from __future__ import annotations

import hashlib
import html as html_module
import re
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.config import ListConfig, Newsletter
from mailer.model import Byline, Issue, Mailbox, Release, Slot, Template
from mailer.render import render_issue

SENDER = Mailbox(name="N", address="n@example.org")
READERS = ListConfig(slug="l", title="Title", sender=SENDER, language="en", timezone="UTC")
PLANNED = datetime(2026, 11, 24, tzinfo=UTC)
NOWHERE = Path("/nonexistent")

words = st.text(st.characters(codec="utf-8", categories=["L", "Nd"]), min_size=1, max_size=10)
slots = st.sampled_from(['{{ subscriber.name or "reader" }}', "{{ list.title }}"])
paragraphs = st.lists(st.one_of(words, words, slots), min_size=1, max_size=15).map(" ".join)
bodies = st.lists(paragraphs, min_size=1, max_size=5).map("\n\n".join)
values = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20)


def _shown(template: Template) -> str:
    return "".join(
        piece if isinstance(piece, str) else f"{{{{ {piece.expression} }}}}" for piece in template
    )


def _squeezed(text: str) -> str:
    return "".join(text.split())


@settings(deadline=None, max_examples=30)
@given(body=bodies, subject=words, author=values, address=values)
def test_no_word_is_lost_and_no_slot_either(
    body: str, subject: str, author: str, address: str
) -> None:
    """M-26; X-4: values with any signs pass the compiler and come out as they were."""
    newsletter = Newsletter(
        name="N",
        sender=SENDER,
        reply_to=None,
        url="https://news.example.org",
        site="https://example.org",
        address=address,
    )
    issue = Issue(
        id="x",
        file="issues/x.md",
        digest=hashlib.sha256(body.encode()).hexdigest(),
        body=body,
        body_line=1,
        subject=subject,
        preheader="",
        heading="",
        date=None,
        byline=Byline(author=author),
        language="",
        list="",
        template="default",
        reply_to="",
        release=Release.BY_HAND,
        send_at="",
        feed=True,
    )
    rendering = render_issue(
        issue, newsletter=newsletter, list_=READERS, root=NOWHERE, planned=PLANNED
    ).rendering
    html = html_module.unescape(re.sub(r"<[^>]*>", " ", _shown(rendering.html)))
    text = _shown(rendering.text)
    for part in map(_squeezed, (html, text)):  # CJK wraps within words
        for words_in_order in (*body.split("\n\n"), subject, author, address):
            assert _squeezed(words_in_order) in part
    expected = body.count("{{")
    for template in (rendering.html, rendering.text):
        found = [piece for piece in template if isinstance(piece, Slot)]
        assert expected == len([slot for slot in found if slot.expression != "unsubscribe_url"])
