"""Competitors' prices, what a policy says of them and of optimising, and more of the catalogue's words."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0004", "0003"


def upgrade() -> None:
    """The catalogue is read once more, for brand, size, stock and variants."""
    for name in ("competitor", "optimiser"):
        op.add_column("policies", sa.Column(name, sa.Text, nullable=False, server_default=""))
    for name in ("brand", "size", "primary_id"):
        op.add_column("products", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.add_column("products", sa.Column("stock", sa.BigInteger))
    op.create_table(
        "competitor_prices",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("market", "product_id", "competitor")),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("price", sa.BigInteger, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.execute("DELETE FROM positions WHERE stream = 'CATALOG'")
