"""`aisle evaluate pricing`: how many products have a price, and how well the latest observed price tells
the next one; with --shop completejourney, how well the demand model forecasts that shop's weeks.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from services.kit.log import CATALOG, EVENTS, Log
from services.kit.nats_log import NatsLog
from services.kit.progress import Metric, Progress
from services.pricing import demand_report
from services.pricing.adapters.observations import read
from services.pricing.analysis import by_segment
from services.pricing.config import Config
from services.pricing.domain.limits import DAY, MICROS
from services.pricing.domain.product import Observed, Product

WEEK: Final = 7 * DAY
RESAMPLES: Final = 1_000


class Seen(NamedTuple):
    """A price that an order paid, in micros."""

    time: int
    sequence: int
    price: int


class History(NamedTuple):
    """What the log holds: the catalogue as it is, and each product's observed prices in one currency."""

    products: Mapping[str, Product]
    observed: Mapping[str, Sequence[Seen]]
    currency: str


async def evaluate(
    config: Config,
    *,
    progress: Progress,
    weeks: int = 4,
    shop: str = "",
    segments: str = "",
    log: Log | None = None,
) -> dict[str, Any]:
    """Figures over the last weeks of the log, with 95% intervals over products.

    "priced" is the share of the catalogue that has a basis. The "latest_observed_..." figures compare, for
    each week and product sold in it, the latest price before the week with the first one in it: "mae" in
    units of the currency, "wape" as a share of what was paid. With `shop` "completejourney" the demand model
    is measured instead, on that package's tables. With `segments` elasticities are told by segment, for a
    person to read: "segment" for the one that events name, with `shop` a trait of its households. Raises
    LookupError when the log has no prices, ValueError for another shop or trait.
    """
    if shop:
        if shop != "completejourney":
            raise ValueError(f"no shop {shop!r}; there is completejourney")
        return by_segment.of_households(segments) if segments else demand_report.report(progress)
    log = log or NatsLog(config.nats_url)
    await log.start()
    try:
        if segments:
            return await by_segment.of_events(log, segments, progress)
        history = await _read(log, progress)
    finally:
        await log.close()
    return report(history, weeks)


async def _read(log: Log, progress: Progress) -> History:
    products: dict[str, Product] = {}
    observed: dict[str, dict[str, list[Seen]]] = defaultdict(lambda: defaultdict(list))
    for stream in (CATALOG, EVENTS):
        end, reached = await log.end(stream), 0
        if not end:
            continue
        async for records in log.read(stream, 0):
            for word in read(records)[0]:
                if isinstance(word.fact, Observed):
                    seen = Seen(word.at, word.fact.sequence, word.fact.money.micros)
                    observed[word.fact.money.currency][word.product_id].append(seen)
                else:
                    products[word.product_id] = word.fact
            reached = records[-1].sequence
            progress(f"reading {stream}", min(reached, end), end)
            if reached >= end:
                break
    lines = Counter({code: sum(map(len, found.values())) for code, found in observed.items()})
    if not lines:
        raise LookupError("the log has no orders with prices: import events first")
    currency = lines.most_common(1)[0][0]
    return History(products, {name: sorted(seen) for name, seen in observed[currency].items()}, currency)


def report(history: History, weeks: int) -> dict[str, Any]:
    """The figures of a history. Raises ValueError for a number of weeks that is none."""
    if weeks < 1:
        raise ValueError("weeks must be at least 1")
    listed = {name: product for name, product in history.products.items() if not product.deleted}
    priced = sum(1 for name, product in listed.items() if product.price or name in history.observed)
    end = max(seen[-1].time for seen in history.observed.values()) + 1
    errors = [totals for seen in history.observed.values() if (totals := _errors(seen, end, weeks))[2]]
    metrics: dict[str, Metric] = {
        "priced": Metric(value=priced / len(listed) if listed else 0.0, low=None, high=None)
    }
    if errors:
        metrics |= _measured(np.array(errors, dtype=np.float64))
    return {
        "metrics": metrics,
        "currency": history.currency,
        "products": len(listed),
        "compared": sum(count for _, _, count in errors),
        "weeks": weeks,
    }


def _errors(seen: Sequence[Seen], end: int, weeks: int) -> tuple[int, int, int]:
    """Over the weeks a product was sold in: summed absolute error, summed price, number of weeks."""
    error = paid = count = 0
    latest = first_of = None
    for one in seen:
        week = (end - one.time - 1) // WEEK  # 0 is the last
        if week < weeks and latest is not None and week != first_of:
            error, paid, count = error + abs(one.price - latest), paid + one.price, count + 1
        latest, first_of = one.price, week
    return error, paid, count


def _measured(errors: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, Metric]:
    """Mean and weighted error; intervals by drawing products, each with all its weeks, again and again."""
    draw = np.random.default_rng(0)
    samples = np.stack(
        [errors[draw.integers(0, len(errors), len(errors))].sum(axis=0) for _ in range(RESAMPLES)]
    )
    error, paid, count = errors.sum(axis=0)
    return {
        "latest_observed_mae": _metric(error / count / MICROS, samples[:, 0] / samples[:, 2] / MICROS),
        "latest_observed_wape": _metric(error / paid, samples[:, 0] / samples[:, 1]),
    }


def _metric(value: float, samples: np.ndarray[Any, np.dtype[np.float64]]) -> Metric:
    low, high = np.percentile(samples, [2.5, 97.5])
    return Metric(value=float(value), low=float(low), high=float(high))
