"""Chooses whom the demo's pages are shown to: a household that shops often, though not the most often."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

REGULARITY = 0.95  # the quantile of households by number of baskets
CART_LINES = 3


@dataclass(frozen=True)
class Chosen:
    """A household, what it bought most often, and some of its last basket."""

    household: str
    favourite: str
    last_basket: tuple[str, ...]


def choose(lines: pa.Table) -> Chosen:
    """The same household for the same lines."""
    baskets = lines.group_by("household_id", use_threads=False).aggregate([("basket_id", "count_distinct")])
    ranked = baskets.sort_by([("basket_id_count_distinct", "ascending"), ("household_id", "ascending")])
    household = ranked["household_id"][int((ranked.num_rows - 1) * REGULARITY)].as_py()
    own = lines.filter(pc.equal(lines["household_id"], household))
    products, times = np.unique(own["product_id"].to_numpy(), return_counts=True)
    last = own.filter(pc.equal(own["basket_id"], own["basket_id"][own.num_rows - 1]))
    basket = list(dict.fromkeys(str(product) for product in last["product_id"].to_pylist()))
    return Chosen(str(household), str(products[int(times.argmax())]), tuple(basket[:CART_LINES]))
