"""What must hold for any picture, any file name and any text beside it."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes

from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.model import Rendering
from tests.samples.messages import DATE, body, image, recipient, rendering, template

# What a header may hold at all (M-11).
NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029"),
    min_size=1,
    max_size=150,
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=60)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(NAMES, st.binary(max_size=300)), min_size=1, max_size=3), TEXTS)
def test_any_image_is_read_back_as_it_was(pictures: list[tuple[str, bytes]], html: str) -> None:
    """M-1, M-2, M-3, M-12, M-20, M-22: the standard library reads what was written."""
    images = tuple(
        image(number, name=name, data=data) for number, (name, data) in enumerate(pictures)
    )
    issue = replace(rendering(html=(html, "\n")), images=images)
    message = template(issue).compose(recipient(), date=DATE)
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\r\n\.|[^\x01-\x7f]", message.content)
    parts = [part for part in message_from_bytes(message.content).walk() if part["Content-ID"]]
    # The standard library takes blanks off a name; they are on the wire.
    wanted = [(name.strip(), data) for name, data in pictures]
    assert wanted == [(part.get_filename(), part.get_payload(decode=True)) for part in parts]
    assert f"{html}\n" == body(message, "html")
    again = template(Rendering.load(issue.dump()))
    assert message == again.compose(recipient(), date=DATE, values=message.values)
