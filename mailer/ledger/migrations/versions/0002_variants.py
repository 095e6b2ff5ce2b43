"""Which variant of an issue a delivery gets, and how many got each."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("variant", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "revision", sa.Column("recipients", sa.Integer(), server_default="0", nullable=False)
    )
    op.execute(
        "UPDATE revision SET recipients ="
        " (SELECT recipients FROM mailing WHERE mailing.id = revision.mailing)"
    )


def downgrade() -> None:
    op.drop_column("revision", "recipients")
    op.drop_column("delivery", "variant")
