"""Modes of policies, proposals and what was decided on them, stops, and the chained record of acts."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"

RULES = 2


def upgrade() -> None:
    """Older policies go on as rules; a price's list price takes the place of what its rules began from."""
    op.add_column("policies", sa.Column("mode", sa.SmallInteger, nullable=False, server_default=str(RULES)))
    op.create_table(
        "proposals",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        *_texts("market", "product_id"),
        sa.Column("currency", sa.String(3), nullable=False),
        *_numbers("old", "new", "rule", "status"),
        *_texts("proposer", "request_id"),
        *_numbers("created", "expires"),
        *_texts("inputs", "evidence", "decided_by"),
        sa.Column("decided", sa.BigInteger),
        *_texts("note"),
    )
    op.create_index("proposals_request", "proposals", ["market", "request_id"])
    op.create_table(
        "decisions",
        *_keys("market", "product_id"),
        *_numbers("proposal"),
        sa.Column("currency", sa.String(3), nullable=False),
        *_numbers("price"),
        *_texts("approver", "model"),
        *(sa.Column(name, sa.Double) for name in ("elasticity", "elasticity_error", "propensity")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stops",
        *_keys("market", "kind", "scope"),
        *_texts("actor", "reason"),
        *_numbers("time"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "acts",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        *_numbers("time"),
        *_texts("actor", "act", "market", "subject", "details"),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    _list_prices()


def _list_prices() -> None:
    """SQLite cannot change a column, so the table is made anew."""
    for index in ("prices_revision", "prices_due"):
        op.drop_index(index, "prices")
    op.rename_table("prices", "prices_before")
    op.create_table(
        "prices",
        *_keys("market", "product_id"),
        sa.Column("listed", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.SmallInteger, nullable=False) for name in ("basis", "rule")),
        sa.Column("currency", sa.String(3), nullable=False),
        *_numbers("price"),
        sa.Column("list_price", sa.BigInteger),
        *_numbers("number", "time"),
        *(sa.Column(name, sa.BigInteger) for name in ("lowest", "reduced", "day_ago", "due")),
        *_numbers("revision"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO prices SELECT market, product_id, listed, basis, rule, currency, price, "
        "CASE WHEN basis = 1 THEN base END, number, time, lowest, reduced, day_ago, due, revision "
        "FROM prices_before"
    )
    op.drop_table("prices_before")
    op.create_index("prices_revision", "prices", ["revision"])
    held = sa.text("due IS NOT NULL")
    op.create_index("prices_due", "prices", ["due"], sqlite_where=held, postgresql_where=held)


def _keys(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, primary_key=True) for name in names]


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]
