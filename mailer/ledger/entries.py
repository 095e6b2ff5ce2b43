"""People as they are asked for, what the ledger knows of them, and what becomes of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text

from mailer.model import Instant, SubscriptionState

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
"""What no value may hold that can reach a header (M-11)."""

# Made once: `json.dumps` with arguments makes an encoder per call.
dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

# `refill` fills it: place and number, the key, then the texts of Packed.
arriving = Table(
    "arriving",
    MetaData(),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("person", BigInteger),  # who is new gets this number; who is known, keeps another
    Column("address_key", LargeBinary),
    Column("email", Text),
    Column("address", Text),  # NULL if it is the same
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
    """One person as asked for.

    `key` is the ledger's `normalised_key` of `normalised`; `attributes` is a JSON object.
    """

    given: str
    normalised: str
    key: bytes
    name: str = ""
    language: str = ""
    attributes: str = "{}"
    state: str = SubscriptionState.CONFIRMED


Texts = tuple[str, str | None, str, str, str, str]
"""An entry without its key, and without the normalised address if that is the address as given."""


class Packed(NamedTuple):
    """Entries as one statement takes hundreds of them, in a tenth of the memory.

    Attributes:
        size: how many.
        keys: their keys, one behind the other.
        texts: a JSON array of the Texts of each.
    """

    size: int
    keys: bytes
    texts: str


def pack(entries: Sequence[Entry]) -> Packed:
    """Entries as `joining` takes them."""
    texts: list[Texts] = [
        (
            entry.given,
            None if entry.normalised == entry.given else entry.normalised,
            *(entry.name, entry.language, entry.attributes, entry.state),
        )
        for entry in entries
    ]
    return Packed(len(entries), b"".join([entry.key for entry in entries]), dump(texts))


class Known(NamedTuple):
    """What somebody is asked for as, and what the ledger knew before.

    `id` is None for an address that is only suppressed, `on_list` for who is not on the list.
    """

    n: int
    key: bytes
    asked_name: str
    asked_language: str
    asked_attributes: str
    asked_state: str
    suppressed: bool
    id: int | None
    forgotten: bool
    name: str
    language: str
    attributes: str
    on_list: str | None


class Move(NamedTuple):
    """What happens to somebody who was known.

    Attributes:
        n: the place of the entry.
        details: name, language and attributes if they change.
        to: the state that a subscription moves to, if it does.
    """

    n: int
    key: bytes
    id: int | None
    verdict: Verdict
    details: tuple[str, str, str] | None = None
    to: str | None = None
