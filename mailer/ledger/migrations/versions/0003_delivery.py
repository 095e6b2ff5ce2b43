"""Holders, several relays with one pace, held and throttled domains, canaries, corrections."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "holder",
        sa.Column("id", ID, nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "relay",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("free_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rate", sa.Text(), nullable=True),
        sa.Column("down_since", sa.BigInteger(), nullable=True),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "quota_use",
        sa.Column("relay", sa.Text(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("relay", "slot"),
    )
    op.create_table(
        "throttle",
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("gap", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("free_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reply", sa.Text(), server_default="", nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("domain"),
    )
    op.create_table(
        "hold",
        sa.Column("mailing", ID, nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["mailing"], ["mailing.id"]),
        sa.PrimaryKeyConstraint("mailing", "domain"),
    )
    op.create_table(
        "doubt",
        sa.Column("mailing", ID, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["mailing"], ["mailing.id"]),
        sa.PrimaryKeyConstraint("mailing", "seq"),
    )
    op.create_table(
        "owed",
        sa.Column("n", ID, autoincrement=False, nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("n"),
    )
    op.create_table(
        "received",
        sa.Column("address_key", sa.LargeBinary(), nullable=False),
        sa.Column("issue", ID, nullable=False),
        sa.ForeignKeyConstraint(["issue"], ["issue.id"]),
        sa.PrimaryKeyConstraint("address_key", "issue"),
        sqlite_with_rowid=False,
    )
    for name in ("canary", "hard", "overruled", "reconciled"):
        column = sa.Column(name, sa.Integer(), server_default="0", nullable=False)
        op.add_column("mailing", column)
    op.add_column("mailing", sa.Column("canary_wait", sa.BigInteger(), nullable=True))
    op.add_column("mailing", sa.Column("resume_at", sa.BigInteger(), nullable=True))
    op.add_column("mailing", sa.Column("corrects", sa.BigInteger(), nullable=True))
    op.add_column("mailing", sa.Column("corrects_revision", sa.Integer(), nullable=True))
    op.add_column("delivery", sa.Column("holder", sa.BigInteger(), nullable=True))
    op.add_column("delivery", sa.Column("relay", sa.Text(), nullable=True))
    op.add_column("delivery", sa.Column("aged_from", sa.BigInteger(), nullable=True))
    _make_subscriber(addresses_unique=False)
    if op.get_bind().dialect.name == "postgresql":
        # Each row changes twice: with room on its page no index is touched, which doubles the rate.
        op.execute("ALTER TABLE delivery SET (fillfactor = 50)")
    # Whoever holds a lease while the ledger is migrated is gone.
    op.drop_column("batch", "holder")
    op.add_column("batch", sa.Column("holder", sa.BigInteger(), nullable=True))
    op.execute("UPDATE batch SET lease_until = NULL")


def downgrade() -> None:
    _make_subscriber(addresses_unique=True)
    op.drop_column("batch", "holder")
    op.add_column("batch", sa.Column("holder", sa.Text(), nullable=True))
    op.drop_column("delivery", "aged_from")
    op.drop_column("delivery", "relay")
    op.drop_column("delivery", "holder")
    columns = ("corrects_revision", "corrects", "resume_at", "canary_wait")
    for name in (*columns, "reconciled", "overruled", "hard", "canary"):
        op.drop_column("mailing", name)
    for name in ("received", "owed", "doubt", "hold", "throttle", "quota_use", "relay", "holder"):
        op.drop_table(name)


def _make_subscriber(*, addresses_unique: bool) -> None:
    """With or without the unique index of addresses; that of their keyed hashes says the same.

    In a large import that index was half of what was written: SQLite makes the table anew for it.
    """
    constraint = sa.UniqueConstraint("address", name="subscriber_address_key")
    if op.get_bind().dialect.name == "postgresql":
        if addresses_unique:
            op.create_unique_constraint(constraint.name, "subscriber", ["address"])
        else:
            op.drop_constraint(constraint.name, "subscriber")
        return
    op.create_table(
        "subscriber_anew",
        sa.Column("id", ID, nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("address_key", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("attributes", sa.Text(), server_default="{}", nullable=False),
        sa.Column("language", sa.Text(), server_default="", nullable=False),
        sa.Column("timezone", sa.Text(), server_default="", nullable=False),
        sa.Column("paused_until", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("address_key"),
        *([constraint] if addresses_unique else []),
    )
    op.execute("INSERT INTO subscriber_anew SELECT * FROM subscriber")
    op.drop_table("subscriber")
    op.rename_table("subscriber_anew", "subscriber")
