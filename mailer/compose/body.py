"""The MIME body: both texts and what stands between and around them, as pieces to be joined."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailer.compose import images, transfer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailer.compose.transfer import Part
    from mailer.model import EmbeddedImage, Revision

FIXED: Final = 2
"""So many of the first pieces are the same for everybody."""

_BOUNDARY_LETTERS = 24
_DIGITS_TO_LETTERS: Final = str.maketrans("0123456789", "ghijklmnop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What follows the blank line behind the header (M-20).

    Attributes:
        opening, between, end: what stands before the text part, before the HTML part and behind it.
    """

    opening: bytes
    text: Part
    between: bytes
    html: Part
    end: bytes

    def pieces(self, filled: Sequence[str]) -> list[bytes]:
        """The body for one recipient's escaped values, to be joined."""
        out = [self.opening]
        self.text.extend(out, filled)
        out.append(self.between)
        self.html.extend(out, filled)
        out.append(self.end)
        return out

    def parts(self, body: bytes) -> tuple[bytes, bytes]:
        """The text and the HTML part of a body that was joined from such pieces."""
        front, _, html = body.removesuffix(self.end).partition(self.between)
        return front.removeprefix(self.opening), html

    def relaxed(self) -> Body:
        """The same in the form that DKIM signs (RFC 6376 §3.4.4)."""
        return Body(
            opening=transfer.relax(self.opening),
            text=self.text.relaxed(),
            between=transfer.relax(self.between),
            html=self.html.relaxed(),
            end=transfer.relax(self.end),
        )


def body_of(revision: Revision, text: Part, html: Part, pictures: Sequence[EmbeddedImage]) -> Body:
    """Two parts as alternatives; the second with its pictures (M-20), if it has any."""
    outer = boundary(revision)
    between, end = _part(outer, "html", html), _closed(outer)
    if pictures:
        inner = boundary(revision, "related")
        related = f'Content-Type: multipart/related; type="text/html";\r\n boundary="{inner}"'
        opened, follow = f"{_opened(outer)}{related}\r\n", _opened(inner).encode("ascii")
        between = opened.encode("ascii") + _part(inner, "html", html)
        end = b"".join(follow + images.part(one) for one in pictures) + _closed(inner) + end
    opening = _part(outer, "plain", text).removeprefix(b"\r\n")
    return Body(opening=opening, text=text, between=between, html=html, end=end)


def boundary(revision: Revision, level: str = "") -> str:
    """Letters from the issue and its digest (M-22): the same on a retry, no run of digits.

    "=_" occurs in neither encoding, so no line of a part can be a boundary.
    """
    seed = f"{revision.issue}\n{revision.digest}{level}"
    digest = hashlib.sha256(seed.encode()).hexdigest()
    return "=_" + digest[:_BOUNDARY_LETTERS].translate(_DIGITS_TO_LETTERS)


def _opened(mark: str) -> str:
    return f"\r\n--{mark}\r\n"


def _closed(mark: str) -> bytes:
    return f"\r\n--{mark}--\r\n".encode("ascii")


def _part(mark: str, subtype: str, part: Part) -> bytes:
    """From the boundary to the blank line before the octets of a text."""
    return (
        f"{_opened(mark)}"
        f"Content-Type: text/{subtype}; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: {part.encoding}\r\n\r\n"
    ).encode("ascii")
