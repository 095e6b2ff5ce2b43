"""A mail that came back, as a flat walk over its parts; any bytes are accepted, and bounded (B-6).

Strangers write what is read here. So nothing recurses and nothing raises: damaged header lines are
skipped, a part without its end ends with its parent, and what lies beyond the limits is not seen.
Text is kept as Latin-1, one character per octet, until somebody wants to read it.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, a2b_qp
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

OCTETS_MAX: Final = 1_000_000
DEPTH_MAX: Final = 50
PARTS_MAX: Final = 500
_FIELDS_MAX = 1_000
_VALUE_MAX = 10_000
_BOUNDARY_MAX = 200  # 70 by RFC 2046; some exceed that

_BLANKS = " \t"  # str.strip() alone would also take octets of UTF-8 characters for blanks
_FIELD = re.compile(r"([!-9;-~]+)[ \t]*:(.*)").fullmatch
_TYPE = re.compile(r"([^\s;/]+/[^\s;]+)", re.ASCII).match
_PARAMETER = re.compile(r';\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))', re.ASCII)
# Messages within the message; of the last three only the header block (RFC 6522 §3, RFC 6533 §6).
_MESSAGES = frozenset(
    {
        "message/rfc822",
        "message/global",
        "text/rfc822-headers",
        "message/rfc822-headers",
        "message/global-headers",
    }
)


class Headers:
    """Header fields in their order: names without case, values unfolded."""

    def __init__(self, block: str) -> None:
        fields: list[tuple[str, list[str]]] = []
        for line in block.split("\n"):
            if line[:1] in (" ", "\t"):
                if fields:
                    fields[-1][1].append(line.strip(_BLANKS))
                continue
            match = _FIELD(line)
            if match:  # else a "From " line of a mailbox file, or damage
                if len(fields) == _FIELDS_MAX:
                    break
                fields.append((match[1].lower(), [match[2]]))
        self._fields = [
            (name, " ".join(lines).strip(_BLANKS)[:_VALUE_MAX]) for name, lines in fields
        ]

    def __contains__(self, name: str) -> bool:
        return any(found == name.lower() for found, _ in self._fields)

    def all(self, name: str) -> list[str]:
        """Every value of a field, in order."""
        return [value for found, value in self._fields if found == name.lower()]

    def get(self, name: str) -> str:
        """The first value of a field; empty if it is absent."""
        return next(iter(self.all(name)), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a mail.

    Attributes:
        headers: its own header fields.
        type: media type in lower case.
        body: as it came, transfer encoding and all.
        inside: in how many messages within the message it is.
        begins_message: whether `headers` are those of a message: the whole or one within it.
    """

    headers: Headers
    type: str
    body: str
    inside: int
    begins_message: bool

    def text(self) -> str:
        """The body without its transfer encoding; as it came, if that is broken."""
        encoding = self.headers.get("Content-Transfer-Encoding").lower()
        raw = self.body.encode("latin-1")
        if encoding.startswith("base64"):
            try:
                return _lines(a2b_base64(raw))
            except Base64Error:
                return self.body
        return _lines(a2b_qp(raw)) if encoding.startswith("quoted-printable") else self.body


@dataclass(frozen=True, slots=True)
class _Ahead:
    text: str
    depth: int
    inside: int
    begins_message: bool


def walk(raw: bytes) -> Iterator[Part]:
    """The whole mail first, then its parts in reading order; at least one, at most `PARTS_MAX`."""
    return islice(_walk(_lines(raw[:OCTETS_MAX])), PARTS_MAX)


def _walk(mail: str) -> Iterator[Part]:
    ahead = [_Ahead(mail, 0, 0, begins_message=True)]
    while ahead:
        now = ahead.pop()
        block, _, body = f"\n{now.text}".partition("\n\n")
        headers = Headers(block)
        kind = headers.get("Content-Type")
        match = _TYPE(kind)
        part = Part(
            headers=headers,
            type=match[1].lower() if match else "text/plain",
            body=body,
            inside=now.inside,
            begins_message=now.begins_message,
        )
        yield part
        if now.depth == DEPTH_MAX:
            continue
        if part.type in _MESSAGES:
            ahead.append(_Ahead(part.text(), now.depth + 1, now.inside + 1, begins_message=True))
        elif part.type.startswith("multipart/"):
            children = list(islice(_split(body, _boundary(kind)), PARTS_MAX))
            ahead += [
                _Ahead(child, now.depth + 1, now.inside, begins_message=False)
                for child in reversed(children)
            ]


def _boundary(content_type: str) -> str:
    for name, quoted, bare in _PARAMETER.findall(content_type):
        if name.lower() == "boundary":
            return str(re.sub(r"\\(.)", r"\1", quoted) or bare)
    return ""


def _split(body: str, boundary: str) -> Iterator[str]:
    """What stands between delimiter lines; the last part may lack its closing one."""
    if not 0 < len(boundary) <= _BOUNDARY_MAX:
        return
    delimiter = re.compile(rf"^--{re.escape(boundary)}(--)?[ \t]*(?:\n|\Z)", re.MULTILINE)
    start = -1
    for match in delimiter.finditer(body):
        if start >= 0:
            yield body[start : match.start()]
        if match[1]:
            return
        start = match.end()
    if start >= 0:
        yield body[start:]


def _lines(raw: bytes) -> str:
    """Octets as text whose lines end in LF, whether it was CRLF, LF or CR."""
    return raw.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
