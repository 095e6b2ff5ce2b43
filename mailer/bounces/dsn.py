"""RFC 3464: octets that came back become bounces, or None; never raises, whatever the octets.

A report names addresses, and so can anybody. Which delivery it is about is read only from tokens
that we signed (B-2): the address it was sent to, then the envelope id, then the Message-ID of the
returned mail. A report without one is evidence for people, and marks nobody.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final

from mailer.bounces.classify import classify
from mailer.bounces.parts import PARTS_MAX, Headers, Part, walk
from mailer.model import Bounce, MailingId

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mailer.compose.links import Keyring

EVIDENCE_OCTETS: Final = 2048  # B-23
_RECIPIENTS_MAX = PARTS_MAX
_DIAGNOSTIC_MAX = 1024
_ADDRESS_MAX = 320

_STATUS_PARTS = ("message/delivery-status", "message/global-delivery-status")
_ADDRESSED_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "To")  # V-3
_VERP = re.compile(r"(?<![\w.+-])b-([a-z2-7]{31})@", re.IGNORECASE | re.ASCII)
_TOKEN = re.compile(r"<?\s*([a-z2-7]{31})\s*(?:@[^<>]*)?>?", re.IGNORECASE | re.ASCII).fullmatch
_ACTIONS = {
    "failed": "failed",
    "failure": "failed",
    "error": "failed",  # OpenSMTPD
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "relayed",
    "expanded": "expanded",
}
_ACTION_OF_CLASS = {"2": "delivered", "4": "delayed"}  # where the Action is missing or unknown
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])").search
_CODE = re.compile(r"(?:\A|said: ?)([245]\d\d)(?![\d.])", re.ASCII).search
_PREFIX = re.compile(r"\A[\w-]+[ \t]*;[ \t]*", re.ASCII)
_COMMENT = re.compile(r"[ \t]*\([^()]*\)\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_IN_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def parse(raw: bytes, *, envelope_recipient: str, keyring: Keyring) -> list[Bounce] | None:
    """The bounces that a mail reports, one per recipient; None if it is no delivery report.

    Args:
        raw: the mail, of any size; what is over 1 MB is not read.
        envelope_recipient: the address that it was delivered to; empty if that is not known.
        keyring: what tokens are verified with.
    """
    parts = list(walk(raw))
    top = parts[0].headers
    reports = _reports(parts)
    if not reports or _is_ours(top, keyring):
        return None
    delivery = _by_verp(envelope_recipient, top, keyring)
    if delivery is None and top.get("Return-Path").strip(" <>"):
        return None  # B-8: bounces come from the empty sender; others need our token
    delivery = delivery or _by_envelope_id(reports, keyring) or _by_message_id(parts, keyring)
    evidence = _clean(raw[:EVIDENCE_OCTETS].decode("latin-1"), EVIDENCE_OCTETS, _CONTROL_IN_LINES)
    entries = (entry for report in reports for entry in _recipients(report))
    bounces = [_bounce(entry, delivery, evidence) for entry in islice(entries, _RECIPIENTS_MAX)]
    return bounces or None


def _reports(parts: Sequence[Part]) -> list[Part]:
    """The delivery-status parts, wherever they stand (B-3).

    An automatic reply that quotes a whole report is no report itself (B-7).
    """
    found = [part for part in parts if part.type in _STATUS_PARTS]
    own = [part for part in found if part.inside == 0]
    return own or ([] if _is_automatic_reply(parts[0].headers) else found)


def _is_automatic_reply(top: Headers) -> bool:
    return "auto-replied" in top.get("Auto-Submitted").lower() or "X-Autoreply" in top


def _is_ours(top: Headers, keyring: Keyring) -> bool:
    """Our own mail, looped back (B-7)."""
    return "List-Id" in top or _verified(top.get("Message-ID"), keyring) is not None


# --- whose delivery (B-2) ------------------------------------------------------------------------


def _by_verp(recipient: str, top: Headers, keyring: Keyring) -> tuple[MailingId, int] | None:
    named = [recipient, *(value for name in _ADDRESSED_TO for value in top.all(name))]
    for address in named:
        for token in _VERP.findall(address):
            delivery = keyring.read_delivery_token("verp", token)
            if delivery:
                return delivery
    return None


def _by_envelope_id(reports: Iterable[Part], keyring: Keyring) -> tuple[MailingId, int] | None:
    for report in reports:
        for block in _blocks(report):
            match = _TOKEN(block.get("Original-Envelope-Id"))
            delivery = match and keyring.read_delivery_token("envid", match[1])
            if delivery:
                return delivery
    return None


def _by_message_id(parts: Iterable[Part], keyring: Keyring) -> tuple[MailingId, int] | None:
    returned = (part.headers for part in parts if part.begins_message and part.inside)
    for headers in returned:
        delivery = _verified(headers.get("Message-ID"), keyring)
        if delivery:
            return delivery
    return None


def _verified(message_id: str, keyring: Keyring) -> tuple[MailingId, int] | None:
    match = _TOKEN(message_id)
    return keyring.read_delivery_token("message-id", match[1]) if match else None


# --- what happened (B-3) -------------------------------------------------------------------------


def _blocks(report: Part) -> Iterator[Headers]:
    """The groups of fields: first one about the message, then one for each recipient."""
    groups = re.split(r"\n[ \t]*(?=\n)", report.text(), maxsplit=2 * _RECIPIENTS_MAX)
    return (Headers(group) for group in groups)


def _recipients(report: Part) -> Iterator[Headers]:
    return (
        block
        for block in _blocks(report)
        if any(name in block for name in ("Final-Recipient", "Original-Recipient", "Action"))
    )


def _bounce(entry: Headers, delivery: tuple[MailingId, int] | None, evidence: str) -> Bounce:
    diagnostic = _clean(_PREFIX.sub("", entry.get("Diagnostic-Code")), _DIAGNOSTIC_MAX, _CONTROL)
    found = _STATUS(entry.get("Status")) or _STATUS(diagnostic)
    status = found[1] if found else ""
    action = _action(entry.get("Action"), status)
    code = _CODE(diagnostic)
    mailing, seq = delivery or (None, None)
    return Bounce(
        action=action,
        status=status,
        diagnostic=diagnostic,
        recipient=_address(entry),
        evidence=evidence,
        bounce_class=(
            classify(code=int(code[1]) if code else None, status=status, text=diagnostic)
            if action == "failed"
            else None
        ),
        mailing=mailing,
        seq=seq,
    )


def _action(given: str, status: str) -> str:
    word = _COMMENT.sub("", given).lower()
    return _ACTIONS.get(word) or _ACTION_OF_CLASS.get(status[:1], "failed")


def _address(entry: Headers) -> str:
    """The address as we gave it, else as the last server had it."""
    given = entry.get("Original-Recipient") or entry.get("Final-Recipient")
    bare = _COMMENT.sub("", _PREFIX.sub("", given)).strip(" <>")
    return _clean(bare, _ADDRESS_MAX, _CONTROL)


def _clean(text: str, most: int, unwanted: re.Pattern[str]) -> str:
    """Octets as readable text of at most so many characters, control characters escaped."""
    readable = text.encode("latin-1").decode("utf-8", "replace")
    return unwanted.sub(lambda found: f"\\x{ord(found[0]):02x}", readable)[:most]
