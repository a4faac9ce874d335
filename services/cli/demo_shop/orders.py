"""Makes ORDER_COMPLETED events of the households' baskets, oldest first, with the prices paid."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.cli.demo_shop.products import CURRENCY

MAX_LINES = 1_000  # of one event, as events.proto says; no household's basket has more

MONEY = pa.struct([("currency_code", pa.string()), ("amount_micros", pa.int64())])
DETAIL = pa.struct([("product_id", pa.string()), ("quantity", pa.int32()), ("price", MONEY)])
SCHEMA = pa.schema(
    [
        ("message_id", pa.string()),
        ("type", pa.string()),
        ("event_time", pa.timestamp("us", tz="UTC")),
        ("user_id", pa.string()),
        ("order_id", pa.string()),
        ("product_details", pa.list_(DETAIL)),
    ]
)


def batches(lines: pa.Table, rows: int = 5_000) -> Iterator[pa.RecordBatch]:
    """Events in SCHEMA from lines sorted by time and basket."""
    lines = _one_line_a_product(lines)
    baskets = lines["basket_id"].to_numpy()
    starts = np.flatnonzero(np.r_[True, baskets[1:] != baskets[:-1]])
    details = _details(lines)
    offsets = np.r_[starts, len(baskets)].astype(np.int32)
    heads = lines.take(pa.array(starts))
    basket = pc.cast(heads["basket_id"], pa.string())
    table = pa.table(
        [
            pc.binary_join_element_wise("order", basket, "-"),
            pa.repeat("ORDER_COMPLETED", len(starts)),
            pc.assume_timezone(pc.cast(heads["time"], pa.timestamp("us"), safe=False), "UTC"),
            pc.cast(heads["household_id"], pa.string()),
            basket,
            pa.ListArray.from_arrays(pa.array(offsets), details),
        ],
        schema=SCHEMA,
    )
    return iter(table.combine_chunks().to_batches(max_chunksize=rows))


def _one_line_a_product(lines: pa.Table) -> pa.Table:
    """Joins a product's lines in one basket: pieces add up, the price is their mean."""
    lines = lines.append_column("money", pc.multiply(lines["paid"], pc.cast(lines["quantity"], pa.float64())))
    joined = lines.group_by(["time", "basket_id", "product_id", "household_id"], use_threads=False).aggregate(
        [("quantity", "sum"), ("money", "sum")]
    )
    paid = pc.divide(joined["money_sum"], pc.cast(joined["quantity_sum"], pa.float64()))
    return joined.append_column("paid", paid).sort_by([("time", "ascending"), ("basket_id", "ascending")])


def _details(lines: pa.Table) -> pa.StructArray:
    cents = pc.max_element_wise(pc.round(pc.multiply(lines["paid"], 100.0)), 1.0)
    price = pa.StructArray.from_arrays(
        [
            pa.repeat(CURRENCY, lines.num_rows),
            pc.cast(pc.multiply(cents, 10_000.0), pa.int64()).combine_chunks(),
        ],
        fields=list(MONEY),
    )
    return pa.StructArray.from_arrays(
        [
            pc.cast(lines["product_id"], pa.string()).combine_chunks(),
            pc.cast(lines["quantity_sum"], pa.int32()).combine_chunks(),
            price,
        ],
        fields=list(DETAIL),
    )
