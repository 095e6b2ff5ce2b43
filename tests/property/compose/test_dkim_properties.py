"""A signature that is spliced is the one over the whole message, whatever is in it."""

from __future__ import annotations

import hashlib
from base64 import b64encode

from dkim.canonicalization import Relaxed
from hypothesis import assume, given, settings

from mailer.model import Place, Slot
from tests.property.compose.test_message_properties import LINE, SENDABLE
from tests.samples.messages import recipient, rendering
from tests.samples.signing import DATE, signatures, tags, template, valid

NAME = Slot(expression="subscriber.name", place=Place.TEXT)
IN_HTML = Slot(expression="subscriber.name", place=Place.HTML)


@settings(deadline=None, max_examples=60)
@given(subject=LINE, name=LINE, text=SENDABLE, html=SENDABLE)
def test_any_message_verifies(subject: str, name: str, text: str, html: str) -> None:
    """D-3, RFC 6376 §3.4: dkimpy canonicalises the whole message, we piece by piece."""
    assume(subject.strip() and name)
    issue = rendering(
        subject=(subject, NAME),
        html=(html, IN_HTML, html, IN_HTML, "\n"),
        text=(text, NAME, text, "\n"),
    )
    made = template(issue)
    content = made.compose(recipient(name=name), date=DATE).content
    (field,) = signatures(content)
    whole = Relaxed.canonicalize_body(content.partition(b"\r\n\r\n")[2])
    assert b64encode(hashlib.sha256(whole).digest()).decode() == tags(field)["bh"]
    assert [True] == valid(content)
