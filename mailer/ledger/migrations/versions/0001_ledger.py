"""The ledger's first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("mailing", sa.BigInteger(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("subscriber", sa.BigInteger(), nullable=True),
        sa.Column("address_key", sa.LargeBinary(), nullable=True),
        sa.Column("detail", sa.Text(), server_default="{}", nullable=False),
        sa.Column("once", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("once"),
    )
    op.create_index("event_subscriber", "event", ["subscriber"], unique=False)
    op.create_index(
        "event_address",
        "event",
        ["address_key"],
        unique=False,
        sqlite_where=sa.text("subscriber IS NULL"),
        postgresql_where=sa.text("subscriber IS NULL"),
    )
    op.create_index(
        "event_mailing",
        "event",
        ["mailing", "kind"],
        unique=False,
        sqlite_where=sa.text("mailing IS NOT NULL"),
        postgresql_where=sa.text("mailing IS NOT NULL"),
    )
    op.create_table(
        "issue",
        sa.Column("id", ID, nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_table(
        "list",
        sa.Column("id", ID, nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("list_id", sa.Text(), nullable=False),
        sa.Column("feedback_sender", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "rendering",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("source_digest", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "subscriber",
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
        sa.UniqueConstraint("address"),
        sa.UniqueConstraint("address_key"),
    )
    op.create_table(
        "suppression",
        sa.Column("address_key", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("address_key"),
    )
    op.create_table(
        "import_file",
        sa.Column("id", ID, nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("list", ID, nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list"],
            ["list.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "mailing",
        sa.Column("id", ID, nullable=False),
        sa.Column("issue", ID, nullable=False),
        sa.Column("live_issue", sa.BigInteger(), nullable=True),
        sa.Column("list", ID, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("wall", sa.Text(), server_default="", nullable=False),
        sa.Column("zone", sa.Text(), server_default="", nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.Column("sending", sa.Integer(), server_default="0", nullable=False),
        sa.Column("accepted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rejected", sa.Integer(), server_default="0", nullable=False),
        sa.Column("in_doubt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cancelled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("resent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ever_in_doubt", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["issue"],
            ["issue.id"],
        ),
        sa.ForeignKeyConstraint(
            ["list"],
            ["list.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("list", "live_issue", name="one_mailing_per_issue_and_list"),
    )
    op.create_table(
        "subscription",
        sa.Column("list", ID, nullable=False),
        sa.Column("subscriber", ID, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("operator", sa.Text(), server_default="", nullable=False),
        sa.Column("text_id", sa.Text(), server_default="", nullable=False),
        sa.Column("ip", sa.Text(), server_default="", nullable=False),
        sa.Column("import_batch", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["list"],
            ["list.id"],
        ),
        sa.ForeignKeyConstraint(
            ["subscriber"],
            ["subscriber.id"],
        ),
        sa.PrimaryKeyConstraint("list", "subscriber"),
        sqlite_with_rowid=False,
    )
    op.create_index("subscription_subscriber", "subscription", ["subscriber"], unique=False)
    op.create_table(
        "batch",
        sa.Column("id", ID, nullable=False),
        sa.Column("mailing", ID, nullable=False),
        sa.Column("first", sa.Integer(), nullable=True),
        sa.Column("last", sa.Integer(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["mailing"],
            ["mailing.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("batch_open", "batch", ["mailing", "done", "due_at"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("mailing", ID, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subscriber", ID, nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("address_key", sa.LargeBinary(), nullable=False),
        sa.Column("issue", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("resends", sa.Integer(), server_default="0", nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("date", sa.BigInteger(), nullable=True),
        sa.Column("values", sa.Text(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("bounce_class", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["mailing"],
            ["mailing.id"],
        ),
        sa.ForeignKeyConstraint(
            ["subscriber"],
            ["subscriber.id"],
        ),
        sa.PrimaryKeyConstraint("mailing", "seq"),
        sa.UniqueConstraint("address_key", "issue", name="one_delivery_per_issue_and_address"),
        sa.UniqueConstraint(
            "mailing", "subscriber", name="one_delivery_per_mailing_and_subscriber"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "delivery_batch",
        "delivery",
        ["batch"],
        unique=False,
        sqlite_where=sa.text("batch IS NOT NULL"),
        postgresql_where=sa.text("batch IS NOT NULL"),
    )
    op.create_index(
        "delivery_due",
        "delivery",
        ["mailing", "due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "revision",
        sa.Column("mailing", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("commit", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["digest"],
            ["rendering.digest"],
        ),
        sa.ForeignKeyConstraint(
            ["mailing"],
            ["mailing.id"],
        ),
        sa.PrimaryKeyConstraint("mailing", "number", "variant"),
    )


def downgrade() -> None:
    op.drop_table("revision")
    op.drop_index(
        "delivery_due",
        table_name="delivery",
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.drop_index(
        "delivery_batch",
        table_name="delivery",
        sqlite_where=sa.text("batch IS NOT NULL"),
        postgresql_where=sa.text("batch IS NOT NULL"),
    )
    op.drop_table("delivery")
    op.drop_index("batch_open", table_name="batch")
    op.drop_table("batch")
    op.drop_index("subscription_subscriber", table_name="subscription")
    op.drop_table("subscription")
    op.drop_table("mailing")
    op.drop_table("import_file")
    op.drop_table("suppression")
    op.drop_table("subscriber")
    op.drop_table("rendering")
    op.drop_table("meta")
    op.drop_table("list")
    op.drop_table("issue")
    op.drop_index("event_mailing", table_name="event")
    op.drop_index("event_address", table_name="event")
    op.drop_index("event_subscriber", table_name="event")
    op.drop_table("event")
