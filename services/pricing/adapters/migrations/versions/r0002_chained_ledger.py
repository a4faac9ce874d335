"""The ledger becomes a hash chain with what each price was made from; older ones are chained by time."""

import sqlalchemy as sa
from alembic import op

from services.pricing.domain import chain

revision, down_revision = "0002", "0001"

CHUNK = 2_000


def upgrade() -> None:
    """Copies the ledger into a chained one, and keeps programs that would write unchained entries out."""
    op.rename_table("ledger", "ledger_unchained")
    chained = op.create_table(
        "ledger",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("market", "product_id")),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("price", sa.BigInteger, nullable=False),
        sa.Column("previous", sa.BigInteger),
        *(sa.Column(name, sa.SmallInteger, nullable=False) for name in ("basis", "rule")),
        sa.Column("audit", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sqlite_with_rowid=False,
    )
    link, connection = chain.START, op.get_bind()
    old = sa.text("SELECT * FROM ledger_unchained ORDER BY time, market, product_id, number")
    for rows in connection.execute(old).mappings().partitions(CHUNK):
        made = []
        for row in rows:
            content = {**row, "audit": "", "sequence": link.sequence + 1}
            link = chain.after(link, content)
            made.append({**content, "hash": link.hash})
        connection.execute(sa.insert(chained), made)
    op.drop_table("ledger_unchained")
    op.create_index("ledger_sequence", "ledger", ["sequence"], unique=True)
    op.execute("UPDATE counters SET value = 2 WHERE name = 'schema'")
