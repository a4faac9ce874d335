"""Acts are found by what they were done to."""

from alembic import op

revision, down_revision = "0006", "0005"


def upgrade() -> None:
    """An index."""
    op.create_index("acts_subject", "acts", ["subject"])
