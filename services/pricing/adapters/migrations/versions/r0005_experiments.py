"""Experiments with prices, what chance gave their units, and which arm each product is in now."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0005", "0004"


def upgrade() -> None:
    """Three new tables."""
    op.create_table(
        "experiments",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        *_texts("market", "request_id"),
        *(sa.Column(name, sa.SmallInteger, nullable=False) for name in ("status", "kind")),
        *_texts("timing"),
        *_numbers("seed"),
        *_texts("products", "proposer"),
        *_numbers("created"),
        *_texts("approver"),
        *(sa.Column(name, sa.BigInteger) for name in ("began", "ended")),
        *_numbers("position"),
        *_texts("note"),
    )
    op.create_index("experiments_request", "experiments", ["market", "request_id"])
    op.create_table(
        "assignments",
        *(
            sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)
            for name in ("experiment", "unit")
        ),
        sa.Column("arm", sa.SmallInteger, nullable=False),
        sa.Column("propensity", sa.Double, nullable=False),
        *_numbers("begun"),
    )
    op.create_table(
        "arms",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("market", "product_id")),
        *_numbers("experiment"),
        sa.Column("arm", sa.SmallInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("price", sa.BigInteger),
        sa.Column("propensity", sa.Double, nullable=False),
        *_texts("approver"),
        sqlite_with_rowid=False,
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]
