"""The header block: written by few plain rules, and read back before it is believed.

The standard library writes `Subject: =?utf-8?q?x=0D=0ABcc=3A…?=` as a real Bcc line and lets a NUL
pass (M-11), so nothing here is left to it. Values are refused rather than repaired. `read` is no
general parser: it knows only the forms that this module writes, and takes nothing else.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, a2b_qp, b2a_base64
from typing import TYPE_CHECKING, Final

from mailer.errors import CheckError, ConfigError
from mailer.model import Mailbox, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mailer.model import Instant

LINE_OCTETS: Final = 998  # without CRLF (M-2)
BLOCK_OCTETS: Final = 16 * 1024  # M-15
_LINE = 78  # what lines aim at (M-2)
_ENCODED_LINE = 76  # a line that holds an encoded-word (M-9)
_WORD = 75  # an encoded-word with its =?utf-8?q? and ?= (M-9)
_WORD_FRAME = len("=?utf-8?q??=")

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]").search
# Words and spaces that may be folded at any space and come back as they were.
_FOLDABLE = re.compile(r"[!-~]{1,60}(?: {1,3}[!-~]{1,60})*").fullmatch
_ATOMS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
).fullmatch
_PRINTABLE = re.compile(r"[ -~]*").fullmatch
_LONGEST_PHRASE = 60  # as atoms or quoted-string; a longer one goes into encoded-words that fold
_Q_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def refuse_forbidden(field: str, value: str) -> None:
    """Refuse what could end a header line or hide in one: C0, DEL, NEL, LS, PS, surrogates (M-11).

    `field` names the value in the message: `Subject`, `[newsletter] from` …

    Raises:
        CheckError: E102, for `Subject`.
        ConfigError: E430, for everything else, which is configured.
    """
    found = _FORBIDDEN(value)
    if found is None:
        return
    what = f"character {found.start() + 1} is U+{ord(found[0]):04X}"
    if field == "Subject":
        raise CheckError(
            "E102",
            "The subject holds a control character",
            detail=f"{what}; a header is one line of text",
            next_step="remove it from the subject, or from the value that stands in it",
        )
    raise ConfigError(
        "E430",
        f"{field} holds a control character",
        where=field,
        detail=f"{what}; a header is one line of text",
        next_step="remove it",
    )


def date(at: Instant) -> str:
    """An instant as RFC 5322 writes it, always UTC and English whatever the locale (M-5)."""
    when = moment(at)
    day = f"{_DAYS[when.weekday()]}, {when.day:02} {_MONTHS[when.month - 1]} {when.year:04}"
    return f"{day} {when.hour:02}:{when.minute:02}:{when.second:02} +0000"


def block(fields: Mapping[str, str]) -> str:
    """The header block of written values."""
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items())


def unstructured(field: str, text: str) -> str:
    """A Subject on folded lines: plain if it is ASCII, else in encoded-words (M-9).

    ASCII that looks like an encoded-word is encoded, so that it arrives as it was written.
    """
    if not _FOLDABLE(text) or "=?" in text:
        return _encoded_words(field, text) if text else ""
    lines: list[str] = []
    line = f"{field}: "
    for word in re.findall(r" *[^ ]+", text):
        if len(line) + len(word) > _LINE:
            lines.append(line)
            line = ""
        line += word
    return "\r\n".join([*lines, line])[len(field) + 2 :]


def mailbox(field: str, box: Mailbox) -> str:
    """One mailbox: name as atoms, quoted-string or encoded-words, then the bare address (M-7)."""
    if not box.name:
        return box.address
    named = plain_phrase(box.name) or _encoded_words(field, box.name)
    last_line = f"{field}: {named}".rpartition("\n")[2]
    fold = "\r\n" if len(last_line) + len(box.address) + len(" <>") > _LINE else ""
    return f"{named}{fold} <{box.address}>"


def plain_phrase(text: str) -> str:
    """A short ASCII name as atoms or quoted-string; empty if it needs encoded-words.

    Never an encoded-word inside quotes (M-7): what looks like one is not plain.
    """
    if len(text) > _LONGEST_PHRASE or "=?" in text or not _PRINTABLE(text):
        return ""
    if _ATOMS(text):
        return text
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


def _encoded_words(field: str, text: str) -> str:
    """The whole text in encoded-words, B or Q, whichever is shorter; one per line (M-9)."""
    first = _ENCODED_LINE - len(field) - len(": ") - _WORD_FRAME
    rest = _WORD - _WORD_FRAME
    as_q = [_q(chunk) for chunk in _chunks(text, lambda char: len(_q(char)), first, rest)]
    as_b = [
        b2a_base64(chunk.encode(), newline=False).decode("ascii")
        for chunk in _chunks(text, lambda char: len(char.encode()), first // 4 * 3, rest // 4 * 3)
    ]
    words = [f"=?utf-8?q?{word}?=" for word in as_q], [f"=?utf-8?b?{word}?=" for word in as_b]
    return min(("\r\n ".join(each) for each in words), key=len)


def _q(text: str) -> str:
    return "".join(
        char if char in _Q_SAFE else "_" if char == " " else _escape(char) for char in text
    )


def _escape(char: str) -> str:
    return "".join(f"={octet:02X}" for octet in char.encode())


def _chunks(text: str, size: Callable[[str], int], first: int, rest: int) -> Iterator[str]:
    """Pieces of whole characters, of at most `first` and then `rest` in the measure of `size`."""
    start, used, room = 0, 0, first
    for at, char in enumerate(text):
        more = size(char)
        if used + more > room:
            yield text[start:at]
            start, used, room = at, 0, rest
        used += more
    yield text[start:]


# --- reading back --------------------------------------------------------------------------------

_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]*): (.+)", re.DOTALL).fullmatch
_BARE = re.compile(r"(?<!\r)\n|\r(?!\n)|[^\x01-\x7e]")
_ENCODED = re.compile(r"=\?utf-8\?([bq])\?([!->@-~]+)\?=").fullmatch
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"').fullmatch
_NAMED = re.compile(r"(.+) <([^<>\s]+)>").fullmatch


def read(raw: bytes) -> list[tuple[str, str | Mailbox]]:
    """Names and decoded values of a header block as this module writes it, in order.

    Raises:
        ValueError: anything else: a bare CR or LF, a line over 998 octets, a name twice (M-4), a
            control character, an encoded-word where none belongs or that does not decode alone.
    """
    text = raw.decode("ascii")
    lines = text.split("\r\n")
    if len(raw) > BLOCK_OCTETS or max(map(len, lines)) > LINE_OCTETS or _BARE.search(text):
        raise ValueError("the header block is too large or holds a bare line end")
    fields: list[tuple[str, str | Mailbox]] = []
    for field in re.split(r"\r\n(?! )", text.removesuffix("\r\n")):
        match = _FIELD(field)
        if match is None:
            raise ValueError(f"not a header field: {field!r}")
        name, value = match[1], match[2].replace("\r\n", "")
        fields.append((name, _READERS.get(name, _plain)(value)))
    if len({name.lower() for name, _ in fields}) < len(fields):
        raise ValueError("a header field occurs twice")
    return fields


def _plain(value: str) -> str:
    if "=?" in value:
        raise ValueError(f"an encoded-word in a structured field: {value!r}")  # M-10
    return value


def _text(value: str) -> str:
    return _words(value) if value.startswith("=?") else _plain(value)


def _mailbox(value: str) -> Mailbox:
    match = _NAMED(value)
    if match is None:
        return Mailbox(name="", address=_plain(value))
    named, address = match.groups()
    if named.startswith("=?"):
        return Mailbox(name=_words(named), address=address)
    quoted = _QUOTED(named)
    if quoted:
        return Mailbox(name=re.sub(r"\\(.)", r"\1", quoted[1]), address=address)
    if not _ATOMS(named):
        raise ValueError(f"not a display name: {named!r}")
    return Mailbox(name=_plain(named), address=address)


def _words(value: str) -> str:
    """Encoded-words, one space between them; each decodes on its own (M-9)."""
    texts: list[str] = []
    for word in value.split(" "):
        match = _ENCODED(word)
        if match is None or len(word) > _WORD:
            raise ValueError(f"not an encoded-word: {word!r}")
        raw = match[2].encode("ascii")
        texts.append((a2b_base64(raw) if match[1] == "b" else a2b_qp(raw, header=True)).decode())
    return "".join(texts)


_READERS: Final[dict[str, Callable[[str], str | Mailbox]]] = {
    "From": _mailbox,
    "Reply-To": _mailbox,
    "Subject": _text,
}
