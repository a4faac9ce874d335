"""The tables of pricing, as migrations/ leaves them: amounts in micros, shares in millionths, times in us.

products, observed     what the log says: rebuilt from it, one row a product
policies, stops,
competitor_prices,
proposals, decisions,
experiments,
assignments, arms,
availability,
ledger, acts           records of account: nothing else holds them
prices                 each product's state in each market, the ledger's last word
positions, counters    how far the log is taken in, and how often prices and policies changed

Ledger (prices) and acts (what people did) are hash chains: `sequence` counts their rows over all products,
`hash` covers every other column and the hash of the row before.
"""

from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, MetaData, SmallInteger, String, Table, Text

REVISION: Final = "revision"
POLICY_REVISION: Final = "policies"

metadata = MetaData()


def _table(name: str, *columns: Column[Any] | Index) -> Table:
    return Table(name, metadata, *columns, sqlite_with_rowid=False)


def _key(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True)


positions = _table("positions", _key("stream"), Column("sequence", BigInteger, nullable=False))

counters = _table("counters", _key("name"), Column("value", BigInteger, nullable=False))

products = _table(
    "products",
    _key("product_id"),
    Column("currency", String(3)),
    Column("price", BigInteger),
    Column("cost_currency", String(3)),
    Column("cost", BigInteger),
    Column("categories", Text, nullable=False),  # a JSON list
    Column("deleted", Boolean, nullable=False),
    Column("brand", Text, nullable=False),
    Column("size", Text, nullable=False),
    Column("primary_id", Text, nullable=False),
    Column("stock", BigInteger),
    Column("available", Boolean, nullable=False),
)

availability = _table(  # when a product began and ceased to be for sale
    "availability",
    _key("product_id"),
    Column("time", BigInteger, primary_key=True),
    Column("sale", Boolean, nullable=False),
)

observed = _table(
    "observed",
    _key("product_id"),
    Column("currency", String(3), nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)

policies = _table(
    "policies",
    _key("market"),
    _key("kind"),
    _key("scope"),
    Column("min_margin", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("floor", BigInteger),
    Column("ceiling", BigInteger),
    Column("endings", Text, nullable=False),  # a JSON list
    Column("max_daily_step", BigInteger, nullable=False),
    Column("update_time", BigInteger, nullable=False),
    Column("mode", SmallInteger, nullable=False),
    Column("competitor", Text, nullable=False),  # a JSON object, or "" for none
    Column("optimiser", Text, nullable=False),  # a JSON object, or "" for none
)

competitor_prices = _table(
    "competitor_prices",
    _key("market"),
    _key("product_id"),
    _key("competitor"),
    Column("currency", String(3), nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
)

stops = _table(
    "stops",
    _key("market"),
    _key("kind"),
    _key("scope"),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
)

proposals = Table(
    "proposals",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("market", Text, nullable=False),
    Column("product_id", Text, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("old", BigInteger, nullable=False),
    Column("new", BigInteger, nullable=False),
    Column("rule", BigInteger, nullable=False),
    Column("status", BigInteger, nullable=False),
    Column("proposer", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("inputs", Text, nullable=False),  # a JSON list
    Column("evidence", Text, nullable=False),  # a JSON object
    Column("decided_by", Text, nullable=False),
    Column("decided", BigInteger),
    Column("note", Text, nullable=False),
    Column("starts", BigInteger),
    Index("proposals_request", "market", "request_id"),
    Index("proposals_status", "status"),
)

decisions = _table(
    "decisions",
    _key("market"),
    _key("product_id"),
    Column("proposal", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("approver", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("elasticity", Double),
    Column("elasticity_error", Double),
    Column("propensity", Double),
)

experiments = Table(
    "experiments",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("market", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("timing", Text, nullable=False),  # a JSON list
    Column("seed", BigInteger, nullable=False),
    Column("products", Text, nullable=False),  # a JSON list of lists
    Column("proposer", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("approver", Text, nullable=False),
    Column("began", BigInteger),
    Column("ended", BigInteger),
    Column("position", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    Index("experiments_request", "market", "request_id"),
)

assignments = Table(  # what chance gave each unit of an experiment, and when its price was set
    "assignments",
    metadata,
    Column("experiment", BigInteger, primary_key=True, autoincrement=False),
    Column("unit", BigInteger, primary_key=True, autoincrement=False),
    Column("arm", SmallInteger, nullable=False),
    Column("propensity", Double, nullable=False),
    Column("begun", BigInteger, nullable=False),
)

arms = _table(  # what experiments say of products now; a product is in one at most
    "arms",
    _key("market"),
    _key("product_id"),
    Column("experiment", BigInteger, nullable=False),
    Column("arm", SmallInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("price", BigInteger),
    Column("propensity", Double, nullable=False),
    Column("approver", Text, nullable=False),
)

acts = Table(
    "acts",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("time", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("market", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", Text, nullable=False),  # a JSON object
    Column("hash", String(64), nullable=False),
    Index("acts_subject", "subject"),
)

ledger = _table(
    "ledger",
    _key("market"),
    _key("product_id"),
    Column("number", BigInteger, primary_key=True),
    Column("time", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("previous", BigInteger),
    Column("basis", SmallInteger, nullable=False),
    Column("rule", SmallInteger, nullable=False),
    Column("audit", Text, nullable=False),  # a JSON object
    Column("sequence", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ledger_sequence", "sequence", unique=True),
)

prices = _table(
    "prices",
    _key("market"),
    _key("product_id"),
    Column("listed", Boolean, nullable=False),
    Column("basis", SmallInteger, nullable=False),
    Column("rule", SmallInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("list_price", BigInteger),
    Column("number", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("lowest", BigInteger),
    Column("reduced", BigInteger),
    Column("day_ago", BigInteger),
    Column("due", BigInteger),
    Column("revision", BigInteger, nullable=False),
    Index("prices_revision", "revision"),
)
Index(
    "prices_due",
    prices.c.due,
    sqlite_where=prices.c.due.isnot(None),
    postgresql_where=prices.c.due.isnot(None),
)
