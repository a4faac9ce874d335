"""The demo shop's sales by traits of its households, as its own tables tell them."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.pricing.adapters.completejourney import by_week, sales, table
from services.pricing.domain.demand.level import Floats

TRAITS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "age": {"19-34": ("19-24", "25-34"), "35-54": ("35-44", "45-54"), "55+": ("55-64", "65+")},
    "income": {
        "under_35K": ("Under 15K", "15-24K", "25-34K"),
        "35-74K": ("35-49K", "50-74K"),
        "75K+": ("75-99K", "100-124K", "125-149K", "150-174K", "175-199K", "200-249K", "250K+"),
    },
    "household_size": {"1": ("1",), "2": ("2",), "3+": ("3", "4", "5+")},
}
"""By trait, segments and the values that they are of; households that tell nothing are in none."""


def units(products: int, before: int, trait: str) -> dict[str, Floats]:
    """Pieces of each segment (N, W), products and weeks as completejourney.read has them.

    Raises ValueError for a trait that there is none of, ModuleNotFoundError without the package.
    """
    if trait not in TRAITS:
        raise ValueError(f"no trait {trait!r}; there are {', '.join(TRAITS)}")
    lines, chosen, _ = sales(products, before)
    told = table("demographics", ["household_id", trait])
    found = {}
    for name, values in TRAITS[trait].items():
        among = pc.is_in(pc.cast(told[trait], pa.string()), value_set=pa.array(values))
        homes = told.filter(among)["household_id"].combine_chunks()
        theirs = lines.filter(pc.is_in(lines["household_id"], value_set=homes))
        found[name] = by_week(theirs, chosen, theirs["quantity"].to_numpy().astype(np.float64))
    return found
