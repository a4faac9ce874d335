"""The tables as they were before migrations were numbered."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None


def upgrade() -> None:
    """Creates all of them."""
    op.create_table("positions", _key("stream"), _number("sequence"), sqlite_with_rowid=False)
    op.create_table("counters", _key("name"), _number("value"), sqlite_with_rowid=False)
    op.create_table(
        "products",
        _key("product_id"),
        sa.Column("currency", sa.String(3)),
        sa.Column("price", sa.BigInteger),
        sa.Column("cost_currency", sa.String(3)),
        sa.Column("cost", sa.BigInteger),
        sa.Column("categories", sa.Text, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "observed",
        _key("product_id"),
        sa.Column("currency", sa.String(3), nullable=False),
        *map(_number, ("price", "time", "sequence")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "policies",
        *map(_key, ("market", "kind", "scope")),
        _number("min_margin"),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("floor", sa.BigInteger),
        sa.Column("ceiling", sa.BigInteger),
        sa.Column("endings", sa.Text, nullable=False),
        *map(_number, ("max_daily_step", "update_time")),
        sqlite_with_rowid=False,
    )
    _ledger_and_prices()
    for name, value in (("schema", 1), ("revision", 0), ("policies", 0)):
        op.execute(sa.text("INSERT INTO counters VALUES (:name, :value)").bindparams(name=name, value=value))


def _ledger_and_prices() -> None:
    op.create_table(
        "ledger",
        *map(_key, ("market", "product_id")),
        sa.Column("number", sa.BigInteger, primary_key=True),
        _number("time"),
        sa.Column("currency", sa.String(3), nullable=False),
        _number("price"),
        sa.Column("previous", sa.BigInteger),
        *(sa.Column(name, sa.SmallInteger, nullable=False) for name in ("basis", "rule")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "prices",
        *map(_key, ("market", "product_id")),
        sa.Column("listed", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.SmallInteger, nullable=False) for name in ("basis", "rule")),
        sa.Column("currency", sa.String(3), nullable=False),
        *map(_number, ("price", "base", "number", "time")),
        *(sa.Column(name, sa.BigInteger) for name in ("lowest", "reduced", "day_ago", "due")),
        _number("revision"),
        sqlite_with_rowid=False,
    )
    op.create_index("prices_revision", "prices", ["revision"])
    held = sa.text("due IS NOT NULL")
    op.create_index("prices_due", "prices", ["due"], sqlite_where=held, postgresql_where=held)


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)
