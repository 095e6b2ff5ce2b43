"""How large the HTML part of a mail becomes, asked before there is a message (M-28)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailer.compose import transfer
from mailer.compose.links import UNSUBSCRIBE_TOKEN_OCTETS, unsubscribe_url
from mailer.compose.places import Places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailer.model import Rendering

GROWTH: Final = 1.38
"""No part grows by more: four for three in base64, and a line end after 76."""


def html_octets(rendering: Rendering, *, url: str, fields: Mapping[str, str]) -> int:
    """The larger of the decoded and the encoded HTML part, with links of real length.

    A subscriber's own values count as empty, as in `MessageTemplate.sizes`.

    Args:
        rendering: whose HTML part.
        url: where unsubscribe links start.
        fields: what is known of the list.

    Raises:
        CheckError: E109 or E140, what cannot be mailed.
        MissingValueError: the list has no such field.
    """
    places = Places(rendering, fields)
    part = transfer.choose(*places.html)
    wire = list[bytes]()
    part.extend(wire, places.sample(unsubscribe_url(url, "a" * UNSUBSCRIBE_TOKEN_OCTETS)))
    encoded = b"".join(wire)
    return max(len(encoded), len(transfer.decode(part.encoding, encoded)))
