"""A proposal may say from when on its price is to hold."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0007", "0006"


def upgrade() -> None:
    """Those before hold at once."""
    op.add_column("proposals", sa.Column("starts", sa.BigInteger))
    op.create_index("proposals_status", "proposals", ["status"])
