"""When products began and ceased to be for sale: the log keeps the last word of the catalogue alone."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0008", "0007"


def upgrade() -> None:
    """A new table; the catalogue is read once more, for what is not for sale now."""
    op.add_column("products", sa.Column("available", sa.Boolean, nullable=False, server_default=sa.true()))
    op.create_table(
        "availability",
        sa.Column("product_id", sa.Text, primary_key=True),
        sa.Column("time", sa.BigInteger, primary_key=True),
        sa.Column("sale", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.execute("DELETE FROM positions WHERE stream = 'CATALOG'")
