"""One line of the journal, written and read; pure.

::

    {"journal":1,"ledger":"…","salt":"…"}                                      the first line
    {"n":7,"kind":"accepted","address_key":"…","mailing":42,"issue":"winter","list":"weekly","time":…}
    {"n":8,"kind":"unsubscribed","address_key":"…","list":"weekly","time":…}
    {"n":9,"kind":"suppressed","address_key":"…","class":"hard:address","time":…}

`n` counts what the journal must know, over all processes; `time` is microseconds UTC. Whatever is
no such line is passed over: half a line that a crash left, or garbage.
"""

from __future__ import annotations

import hashlib
import json
import re
from enum import StrEnum
from typing import NamedTuple

from mailer.model import Instant

VERSION = 1


class Kind(StrEnum):
    """What a line says of an address."""

    ACCEPTED = "accepted"
    IN_DOUBT = "in doubt"
    UNSUBSCRIBED = "unsubscribed"
    RESUBSCRIBED = "resubscribed"  # takes an `unsubscribed` back
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"  # takes a `suppressed` back
    FORGOTTEN = "forgotten"
    MARK = "mark"  # of nobody: how far the counter was when older lines were added late


class Line(NamedTuple):
    """One thing that happened.

    Attributes:
        key: the keyed hash of the address (decisions 3).
        mailing: the number of the mailing; another one in a ledger that begins anew.
        issue: the id of the issue that was delivered.
        list: the list that it went to, or that somebody left.
    """

    n: int
    kind: Kind
    key: bytes
    at: Instant
    mailing: int | None = None
    issue: str = ""
    list: str = ""
    bounce_class: str = ""


def header(salt: bytes) -> str:
    """The first line: whose journal it is, and the salt, should the database be lost altogether."""
    names = {"journal": VERSION, "ledger": identity(salt), "salt": salt.hex()}
    return json.dumps(names, separators=(",", ":")) + "\n"


def identity(salt: bytes) -> str:
    """What tells this ledger from every other."""
    return hashlib.sha256(salt).hexdigest()[:16]


def read_header(line: bytes) -> bytes | None:
    """The salt that a first line names; None if it is none of ours."""
    try:
        found = json.loads(line)
        salt = bytes.fromhex(found["salt"])
    except (ValueError, TypeError, KeyError):  # no JSON, no object, no salt
        return None
    return (
        salt if found.get("journal") == VERSION and found.get("ledger") == identity(salt) else None
    )


def about(
    *, mailing: int | None = None, issue: str = "", list_: str = "", bounce_class: str = ""
) -> str:
    """The fields between the address and the time, the same for many lines."""
    fields = {"mailing": mailing, "issue": issue, "list": list_, "class": bounce_class}
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    return "".join(f',"{name}":{json.dumps(value)}' for name, value in given.items())


def write(n: int, kind: str, key: bytes, fields: str, at: int) -> str:
    """A line; `fields` comes from `about`. Called for every delivery: 1 µs."""
    return f'{{"n":{n},"kind":"{kind}","address_key":"{key.hex()}"{fields},"time":{at}}}\n'


_TEXT = rb'"((?:[^"\\\x00-\x1f]|\\[^\x00-\x1f])*)"'
_LINE = re.compile(
    rb'\{"n":([0-9]{1,18}),"kind":"([a-z ]{1,20})","address_key":"((?:[0-9a-f]{32})?)"'
    rb'(?:,"mailing":([0-9]{1,18}))?(?:,"issue":' + _TEXT + rb')?(?:,"list":' + _TEXT + rb")?"
    rb'(?:,"class":' + _TEXT + rb')?,"time":(-?[0-9]{1,18})\}\n'
).fullmatch
_KINDS = {kind.value.encode(): kind for kind in Kind}


def number(raw: bytes) -> int:
    """The number that a line begins with, if it is one; 0 if not. A tenth of the cost of `read`."""
    if not raw.startswith(b'{"n":'):
        return 0
    digits = raw[5 : raw.find(b",", 5, 24)]
    return int(digits) if digits.isdigit() else 0


def read(raw: bytes) -> Line | None:
    """What a line says, its end included; None for anything that `write` did not write."""
    found = _LINE(raw)
    if found is None or found[2] not in _KINDS:
        return None
    n, kind, key, mailing, issue, list_, bounce_class, at = found.groups()
    try:
        return Line(
            n=int(n),
            kind=_KINDS[kind],
            key=bytes.fromhex(key.decode()),
            at=Instant(int(at)),
            mailing=None if mailing is None else int(mailing),
            issue=_text(issue),
            list=_text(list_),
            bounce_class=_text(bounce_class),
        )
    except ValueError:  # an escape or octets that are no text
        return None


def _text(raw: bytes | None) -> str:
    if raw is None:
        return ""
    text: str = json.loads(b'"%b"' % raw) if b"\\" in raw else raw.decode()
    return text
