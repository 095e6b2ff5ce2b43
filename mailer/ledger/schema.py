"""The tables of the ledger, for SQLite and PostgreSQL alike (SQLAlchemy Core).

Columns that belong to a unique promise become NULL when the promise is lifted: `delivery.issue` and
`mailing.live_issue` are NULL once cancelled, so that "once per issue" binds only what was not.
All `*_at` columns are instants (microseconds UTC).

Where an index leaves rows out, it does on PostgreSQL, too, as the migrations say: to repeat it here
would load what SQLAlchemy knows of PostgreSQL, 3 MB, into every process.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

# SQLite makes only a column declared INTEGER an alias of its row id.
_Id = BigInteger().with_variant(Integer, "sqlite")

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    # salt (hex); instance: the machine that may send; journal: the number of the last line that the
    # journal must have; behind: how far it went when a newer journal was found beside it; restored:
    # the same, once that was mended, for other machines' journals; `changes` counts departures and
    # commands, so that a dispatcher sees by one cheap read that it must look again.
    Column("value", Text, nullable=False),
)

owed = Table(
    "owed",
    metadata,
    # Lines of the journal that were committed and may not be in its file yet.
    Column("n", _Id, primary_key=True, autoincrement=False),  # the number of the last one
    Column("lines", Text, nullable=False),
)

list_ = Table(
    "list",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("list_id", Text, nullable=False),  # stored at first use and kept (decisions 19)
    Column("feedback_sender", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

subscriber = Table(
    "subscriber",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("email", Text),  # as given; NULL once forgotten
    Column("address", Text),  # normalised (B-22); NULL once forgotten
    # Decisions 3. That it is unique makes the address so, at the price of one random index.
    Column("address_key", LargeBinary, nullable=False, unique=True),
    Column("name", Text, nullable=False, server_default=""),
    Column("attributes", Text, nullable=False, server_default="{}"),  # a JSON object
    Column("language", Text, nullable=False, server_default=""),
    Column("timezone", Text, nullable=False, server_default=""),
    Column("paused_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
)

subscription = Table(
    "subscription",
    metadata,
    Column("list", ForeignKey("list.id"), primary_key=True),
    Column("subscriber", ForeignKey("subscriber.id"), primary_key=True),
    Column("state", Text, nullable=False),
    # Consent evidence (decisions 11).
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("operator", Text, nullable=False, server_default=""),
    Column("text_id", Text, nullable=False, server_default=""),
    Column("ip", Text, nullable=False, server_default=""),
    Column("import_batch", Integer),
    Column("created_at", BigInteger, nullable=False),
    Column("confirmed_at", BigInteger),
    Column("left_at", BigInteger),
    Index("subscription_subscriber", "subscriber"),
    sqlite_with_rowid=False,
)

suppression = Table(
    "suppression",
    metadata,
    Column("address_key", LargeBinary, primary_key=True),
    Column("address", Text),  # clear until erased (decisions 3)
    Column("class", Text, nullable=False, key="bounce_class"),
    Column("evidence", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

import_file = Table(
    "import_file",
    metadata,
    Column("id", _Id, primary_key=True),  # the import batch: i7
    Column("file", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("list", ForeignKey("list.id"), nullable=False),
    Column("operator", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

issue = Table(
    "issue",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
)

rendering = Table(
    "rendering",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("language", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("parts", Text, nullable=False),  # Rendering.dump()
    Column("source_digest", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

mailing = Table(
    "mailing",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("issue", ForeignKey("issue.id"), nullable=False),
    Column("live_issue", BigInteger),  # = issue, NULL once cancelled
    Column("list", ForeignKey("list.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("revision", Integer, nullable=False),
    # The schedule (decisions 18): wall text and zone as written, and the instant they mean.
    Column("wall", Text, nullable=False, server_default=""),
    Column("zone", Text, nullable=False, server_default=""),
    Column("due_at", BigInteger, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    # Counters are kept, not counted; queued is what is left of `recipients`.
    Column("recipients", Integer, nullable=False),
    Column("sending", Integer, nullable=False, server_default="0"),
    Column("accepted", Integer, nullable=False, server_default="0"),
    Column("rejected", Integer, nullable=False, server_default="0"),
    Column("in_doubt", Integer, nullable=False, server_default="0"),
    Column("cancelled", Integer, nullable=False, server_default="0"),
    Column("resent", Integer, nullable=False, server_default="0"),
    Column("ever_in_doubt", Integer, nullable=False, server_default="0"),
    Column("reconciled", Integer, nullable=False, server_default="0"),  # out of doubt by a log
    Column("hard", Integer, nullable=False, server_default="0"),  # rejected: no such address (S-33)
    Column("overruled", Integer, nullable=False, server_default="0"),  # 1: resumed after the guard
    # A canary: so many deliveries first, then a person or so many microseconds decide.
    Column("canary", Integer, nullable=False, server_default="0"),
    Column("canary_wait", BigInteger),
    Column("resume_at", BigInteger),  # a paused mailing goes on by itself then
    # A correction goes to those who got this revision of that mailing only.
    Column("corrects", BigInteger),
    Column("corrects_revision", Integer),
    UniqueConstraint("list", "live_issue", name="one_mailing_per_issue_and_list"),
)

revision = Table(
    "revision",
    metadata,
    Column("mailing", ForeignKey("mailing.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("variant", Text, primary_key=True),
    Column("digest", ForeignKey("rendering.digest"), nullable=False),
    Column("headers", Text, nullable=False),  # model.Revision as JSON
    Column("key_id", Integer, nullable=False),
    Column("commit", Text, nullable=False, server_default=""),
    Column("created_at", BigInteger, nullable=False),
    Column("recipients", Integer, nullable=False, server_default="0"),  # kept, not counted
)

holder = Table(
    "holder",
    metadata,
    # A process that delivers or did. Whether it lives, its lock says (decisions 4).
    Column("id", _Id, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),  # it took leave, or was found dead and recovered
)

relay = Table(
    "relay",
    metadata,
    Column("name", Text, primary_key=True),
    # Shared by all processes (S-32): the moment from which the rate lets the next message go.
    Column("free_at", BigInteger, nullable=False, server_default="0"),
    Column("rate", Text),  # an operator's word that overrules the configured rate, such as "5/s"
    Column("down_since", BigInteger),
    Column("trouble", Text, nullable=False, server_default=""),
    Column("changed_at", BigInteger),
)

quota_use = Table(
    "quota_use",
    metadata,
    Column("relay", Text, primary_key=True),
    Column("slot", BigInteger, primary_key=True),  # which 24th of the quota's time, since 1970
    Column("used", Integer, nullable=False, server_default="0"),
)

throttle = Table(
    "throttle",
    metadata,
    # A recipient domain that asked for less (S-32), for all mailings and processes.
    Column("domain", Text, primary_key=True),
    Column("gap", BigInteger, nullable=False, server_default="0"),  # microseconds between messages
    Column("free_at", BigInteger, nullable=False, server_default="0"),  # nothing before
    Column("reply", Text, nullable=False, server_default=""),  # what it said
    Column("changed_at", BigInteger, nullable=False),
)

hold = Table(
    "hold",
    metadata,
    # Decisions 16: a domain that a mailing must leave alone; its deliveries stay queued.
    Column("mailing", ForeignKey("mailing.id"), primary_key=True),
    Column("domain", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

batch = Table(
    "batch",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("mailing", ForeignKey("mailing.id"), nullable=False),
    # A first batch is a range of seq; a retry batch has no range, its rows name it.
    Column("first", Integer),
    Column("last", Integer),
    Column("due_at", BigInteger, nullable=False),
    Column("holder", BigInteger),
    Column("lease_until", BigInteger),
    Column("done", Integer, nullable=False, server_default="0"),
    Index("batch_open", "mailing", "done", "due_at"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("mailing", ForeignKey("mailing.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("subscriber", ForeignKey("subscriber.id"), nullable=False),
    Column("email", Text),  # as given; NULL once forgotten
    Column("address_key", LargeBinary, nullable=False),
    Column("issue", BigInteger),  # NULL once cancelled
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("resends", Integer, nullable=False, server_default="0"),
    Column("batch", BigInteger),  # the retry batch; NULL while in its first batch or waiting
    Column("due_at", BigInteger),  # waiting until then, in no batch
    Column("revision", Integer),  # taken at the first begin, kept (decisions 8)
    Column("date", BigInteger),  # Date of the message, from the first begin on (M-5)
    Column("values", Text),  # slot values of the first begin, JSON array (decisions 2)
    Column("reply", Text),  # the relay's last words, or why there are none
    Column("bounce_class", Text),
    Column("changed_at", BigInteger),
    Column("variant", Text, nullable=False, server_default=""),  # chosen at the freeze, kept
    Column("holder", BigInteger),  # who began it last: in doubt if that one died while `sending`
    Column("relay", Text),  # the relay that it was begun at last
    Column("aged_from", BigInteger),  # queued again by an operator: its age counts from then (S-31)
    UniqueConstraint("mailing", "subscriber", name="one_delivery_per_mailing_and_subscriber"),
    # Leads with the address, so that it also serves `trace`.
    UniqueConstraint("address_key", "issue", name="one_delivery_per_issue_and_address"),
    sqlite_with_rowid=False,
)
Index(
    "delivery_due",
    delivery.c.mailing,
    delivery.c.due_at,
    sqlite_where=delivery.c.due_at.is_not(None),
)
Index(
    "delivery_batch",
    delivery.c.batch,
    sqlite_where=delivery.c.batch.is_not(None),
)

doubt = Table(
    "doubt",
    metadata,
    # What the relay's log may decide (S-42), until it has or the delivery moved on.
    Column("mailing", ForeignKey("mailing.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("began_at", BigInteger, nullable=False),  # when its content was let go
    Column("at", BigInteger, nullable=False),  # delivery.changed_at since then
)

received = Table(
    "received",
    metadata,
    # Who has an issue although no delivery says so: only the journal of a restored ledger knew.
    Column("address_key", LargeBinary, primary_key=True),
    Column("issue", ForeignKey("issue.id"), primary_key=True),
    sqlite_with_rowid=False,
)

event = Table(
    "event",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("mailing", BigInteger),
    Column("seq", Integer),
    Column("subscriber", BigInteger),
    Column("address_key", LargeBinary),
    Column("detail", Text, nullable=False, server_default="{}"),  # a JSON object
    # Says that this happened once: a second report of the same failure is not stored (B-9).
    Column("once", Text, unique=True),
    Index("event_subscriber", "subscriber"),
)
# The address of a subscriber's event is found by the subscriber: an index of random keys over all
# events would make a large import write every page of it with every batch.
Index(
    "event_address",
    event.c.address_key,
    sqlite_where=event.c.subscriber.is_(None),
)
Index(
    "event_mailing",
    event.c.mailing,
    event.c.kind,
    sqlite_where=event.c.mailing.is_not(None),
)
