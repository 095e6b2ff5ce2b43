"""People as they are asked for, what the ledger knows of them, and what becomes of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text

from mailer.model import Instant, SubscriptionState

CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
"""What no value may hold that can reach a header (M-11)."""

# Made once: `json.dumps` with arguments makes an encoder per call.
dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

# Its columns behind `n` are those of Entry.
arriving = Table(
    "arriving",
    MetaData(),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("email", Text),
    Column("address", Text),
    Column("address_key", LargeBinary),
    Column("name", Text),
    Column("language", Text),
    Column("attributes", Text),
    Column("state", Text),
    prefixes=["TEMPORARY"],
)


class Verdict(StrEnum):
    """What became of one line of a file, or of one person who was added by hand."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    INVALID = "invalid"
    DUPLICATE = "duplicate"

    @property
    def skipped(self) -> bool:
        """Whether nothing was done, for a reason."""
        return self not in (Verdict.ADDED, Verdict.UPDATED, Verdict.UNCHANGED)

    @property
    def label(self) -> str:
        """As reports show it: `skipped: suppressed` (B-21)."""
        return f"skipped: {self}" if self.skipped else str(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Why these people may be mailed (decisions 11).

    Attributes:
        source: where they come from: "import", "add", "form".
        reason: the operator's words.
        batch: the import; None without one.
    """

    source: str
    operator: str
    at: Instant
    reason: str = ""
    batch: int | None = None

    @property
    def actor(self) -> str:
        """Who did it, for events."""
        return self.operator or self.source


class Entry(NamedTuple):
    """One person as asked for; a tuple, because an import makes a million of them.

    `key` is the ledger's `normalised_key` of `normalised`; `attributes` is a JSON object.
    """

    given: str
    normalised: str
    key: bytes
    name: str = ""
    language: str = ""
    attributes: str = "{}"
    state: str = SubscriptionState.CONFIRMED


class Known(NamedTuple):
    """What the ledger knows of an entry's person; `state` is None if not on the list."""

    n: int
    suppressed: bytes | None
    id: int | None
    address: str | None
    name: str
    language: str
    attributes: str
    state: str | None


class Move(NamedTuple):
    """What happens to one entry; `details` are name, language and attributes if they change."""

    entry: Entry
    verdict: Verdict
    known: Known | None = None
    details: tuple[str, str, str] | None = None
