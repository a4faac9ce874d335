"""What one shopper, or one visit, took of late, line by line: the past that models are asked with."""

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.interactions import Past

MAX_LINES = 500
"""The latest lines of a shopper or a visit that are kept; a line is one product of one event."""

LINE = np.dtype([("event", "<i8"), ("time", "<f8"), ("item", "<i4"), ("bought", "?")])
"""The event's number in the log, when it was (Unix seconds), the product's number, whether it was bought.

Clicks, looks and places in the cart are lines too; lists shown, refunds and what was taken out of the cart
are none.
"""

Trail = NDArray[np.void]
"""Lines of LINE, oldest first."""


def nothing() -> Trail:
    """A trail without a line."""
    return np.zeros(0, LINE)


def lines(event: int, time: float, items: list[int], bought: bool) -> Trail:
    """The lines of one event."""
    found = np.zeros(len(items), LINE)
    found["event"], found["time"], found["bought"] = event, time, bought
    found["item"] = items
    return found


def extend(trail: Trail, more: Trail) -> Trail:
    """Both as one, in order of time and then of the log, cut to the latest.

    It does not matter in which portions lines are added, so that a trail rebuilt from the log is the same.
    """
    both = np.concatenate([trail, more])
    order = np.lexsort((both["event"], both["time"]))
    return both[order][-MAX_LINES:]


def join(trail: Trail, visit: Trail) -> Trail:
    """A shopper's trail and what else was done in the visit, each event once: it may begin signed out."""
    return extend(trail, visit[~np.isin(visit["event"], trail["event"])])


def past(trail: Trail, rows: NDArray[np.int64], bought: bool = False) -> Past:
    """The trail as a Past whose items are `rows[item]`, each event a basket; only orders when `bought`.

    Of looks at one product in a row, and the purchase they may end in, only the last stands.
    """
    # An item of a batch that is committed but not yet in memory is left for the next answer.
    trail = trail[trail["item"] < len(rows)]
    if bought:
        trail = trail[trail["bought"]]
    else:
        again = np.append(trail["item"][:-1] == trail["item"][1:], np.zeros(min(len(trail), 1), bool))
        trail = trail[trail["bought"] | ~again]
    baskets = np.cumsum(np.diff(trail["event"], prepend=trail["event"][:1]) != 0, dtype=np.int32)
    return Past(rows[trail["item"]].astype(np.int32), baskets, trail["time"].astype(np.float64))
