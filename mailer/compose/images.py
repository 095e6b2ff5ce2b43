"""An embedded image as a part of the message: header and octets, written once per revision."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from mailer.compose.headers import refuse_forbidden
from mailer.compose.transfer import base64_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.model import EmbeddedImage

_LINE: Final = 76  # octets without CRLF (M-2)
_CONTENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}@[A-Za-z0-9._-]{1,255}").fullmatch
_MEDIA_TYPE = re.compile(r"image/[a-z0-9.+-]{1,40}").fullmatch
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]{1,50}").fullmatch
_ATTRIBUTE_CHARS: Final = "!#$&+-.^_`|~"  # RFC 2231 §7; letters and digits are safe anyway


def part(image: EmbeddedImage) -> bytes:
    """The header block of an image, a blank line, and its octets in base64 (M-20).

    Raises:
        ConfigError: E430, a control character in the file's name.
    """
    assert _CONTENT_ID(image.content_id), image.content_id
    assert _MEDIA_TYPE(image.media_type), image.media_type
    name = ";\r\n".join(f" {parameter}" for parameter in file_name(image.name))
    head = (
        f"Content-Type: {image.media_type}\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-ID: <{image.content_id}>\r\n"
        f"Content-Disposition: inline;\r\n{name}\r\n"
        "\r\n"
    )
    return head.encode("ascii") + base64_lines(image.data)


def file_name(name: str) -> list[str]:
    """The `filename` parameter, in pieces if it is long; never an encoded-word (M-12).

    Raises:
        ConfigError: E430, a control character (M-11).
    """
    refuse_forbidden(f"The file name {name!r}", name)
    if _PLAIN_NAME(name):
        return [f'filename="{name}"']
    pieces = list(_pieces(name))
    if len(pieces) == 1:
        return [f"filename*=utf-8''{pieces[0]}"]
    charset = "utf-8''"
    return [
        f"filename*{number}*={'' if number else charset}{piece}"
        for number, piece in enumerate(pieces)
    ]


def _pieces(name: str) -> Iterator[str]:
    """The name percent-encoded, cut between characters so that each piece decodes on its own."""
    room = _LINE - len(" filename*999*=utf-8'';")
    piece = ""
    for character in name:
        encoded = quote(character, safe=_ATTRIBUTE_CHARS)
        if len(piece) + len(encoded) > room:
            yield piece
            piece = ""
        piece += encoded
    yield piece
