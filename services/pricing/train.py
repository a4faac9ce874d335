"""`aisle train pricing`: learns from the log's orders what sells at which price."""

from pathlib import Path
from typing import Final

import numpy as np
from aisle.catalog.v1 import product_pb2
from aisle.events.v1 import event_pb2
from google.protobuf.message import DecodeError
from sqlalchemy.exc import SQLAlchemyError

from services.kit.log import CATALOG, Log, Record
from services.kit.models import ModelStore
from services.kit.nats_log import NatsLog
from services.kit.progress import Metric, Progress, TrainReport
from services.pricing.adapters import demand_files, promotion_table, shelves, whole_log
from services.pricing.adapters.database import Database, database_url
from services.pricing.config import Config
from services.pricing.domain.demand import price_trend
from services.pricing.domain.demand.assessment import (
    chosen_width,
    coverage,
    fit_weeks,
    forecast,
    substituting,
    wape,
)
from services.pricing.domain.demand.model import Settings
from services.pricing.domain.demand.panel import Lines, Panel, with_records
from services.pricing.domain.demand.response import responses
from services.pricing.domain.demand.shown import with_promotions
from services.pricing.domain.demand.whatif import History
from services.pricing.domain.limits import SECOND

HELD: Final = 4
"""The last weeks, each forecast from those before it; as many weeks before them choose the settings."""

LEAST_BEFORE: Final = 4
CHOICES: Final = tuple(Settings(decay, steady) for decay in (0.6, 0.8, 0.9) for steady in (0.2, 1.0))
MOST_PRODUCTS: Final = 20_000


async def train(
    config: Config,
    *,
    promotions: Path | None = None,
    force: bool = False,
    progress: Progress,
    log: Log | None = None,
) -> TrainReport:
    """Learns level and elasticities of each product that sold enough, and writes a model folder.

    It is promoted when it forecasts the last weeks no worse than the mean of four weeks does, or by force.
    The log holds no promotions: without a table of `promotions` what they sold counts as the price's doing.
    When products were for sale and what was asked comes from pricing's database, where there is one. Raises
    ValueError when the log has too few whole weeks or the table is wrong, OSError when it cannot be read or
    the database does not answer.
    """
    shown = promotion_table.read(promotions) if promotions else []
    log = log or NatsLog(config.nats_url)
    await log.start()
    try:
        panel = await read(log, progress)
    finally:
        await log.close()
    panel = with_promotions(_recorded(config, panel), shown)
    return learn(config, panel, force=force, progress=progress)


def _recorded(config: Config, panel: Panel) -> Panel:
    """With what the database has on record of the products."""
    url = database_url(config)
    if not shelves.exists(url):
        return panel
    database = Database(url)
    try:
        database.create()
        return with_records(panel, shelves.read(database, panel.product_ids, panel.currency))
    except SQLAlchemyError as error:
        raise OSError(f"pricing's database does not answer: {type(error).__name__}") from error
    finally:
        database.close()


def learn(config: Config, panel: Panel, *, force: bool, progress: Progress) -> TrainReport:
    """The same of weeks that are already there."""
    count = panel.weeks.units.shape[1]
    held = range(count - HELD, count)
    earlier = range(max(LEAST_BEFORE, count - 2 * HELD), count - HELD)
    tried = []
    for done, settings in enumerate(CHOICES):
        progress("choosing on earlier weeks", done, len(CHOICES))
        tried.append(forecast(panel.weeks, earlier, settings))
    best = min(range(len(tried)), key=lambda at: wape(tried[at].expected, tried[at].units))
    kept = substituting(panel.weeks, earlier, CHOICES[best], tried[best])
    found = forecast(panel.weeks, held, CHOICES[best], kept)
    progress("choosing on earlier weeks", len(CHOICES), len(CHOICES))
    error, mean = wape(found.expected, found.units), wape(found.baseline, found.units)
    demand, made = fit_weeks(panel.weeks, panel.weeks.prices(), count, CHOICES[best], kept)
    figures = {
        "wape": error,
        "four_week_mean_wape": mean,
        "interval_90_covers": coverage(found, chosen_width(tried[best])),
        "prior_only": float(demand.prior_only.mean()),
        "right_sign": float((demand.coefficients[:, 0] < 0).mean()),
        "elasticity_median": float(np.median(demand.coefficients[:, 0])),
        "with_substitutes": float((demand.coefficients[:, -1] != 0).mean()),
    }
    for at, kind in enumerate(panel.kinds, start=1):
        figures[f"times_{kind}"] = float(np.exp(np.median(demand.coefficients[:, at])))
    metrics = {name: Metric(value=value, low=None, high=None) for name, value in figures.items()}
    span = {"products": str(len(panel.product_ids)), "weeks": str(count), "currency": panel.currency}
    sold = panel.weeks.units.sum(axis=1)
    learnt = responses(
        demand, panel.product_ids, panel.categories, made.usual, sold, panel.currency, _prices_ahead(panel)
    )
    history = History(panel.product_ids, panel.weeks.units, panel.weeks.prices(), panel.end)
    promoted = force or error <= mean
    created = ModelStore(config.home, "pricing").create(
        lambda folder: demand_files.save(learnt, folder, history),
        metrics=metrics,
        span=span,
        promote=promoted,
    )
    return TrainReport(version=created.version, promoted=promoted, metrics=metrics, span=span)


def _prices_ahead(panel: Panel) -> price_trend.Outlook | None:
    """What prices will likely be; None of too few weeks."""
    prices = panel.weeks.prices()
    origins = price_trend.learnt_from(prices.shape[1])
    return price_trend.outlook(prices, price_trend.learn(prices, origins)) if origins else None


async def read(log: Log, progress: Progress) -> Panel:
    """The weeks that the log tells of."""
    lines, category = Lines(), dict[str, str]()
    async for record in whole_log.records(log, progress):
        try:
            take(record, lines, category)
        except DecodeError:
            continue  # the service's view tells and counts what cannot be read
    return lines.panel(category, MOST_PRODUCTS)


def take(record: Record, lines: Lines, category: dict[str, str]) -> None:
    """Takes a record's order lines, or a product's category, in. Raises DecodeError."""
    if record.stream == CATALOG:
        said = product_pb2.ProductChange.FromString(record.payload).upsert
        if said.categories:
            category[said.id] = said.categories[0]
        return
    event = event_pb2.Event.FromString(record.payload)
    if event.type != event_pb2.EVENT_TYPE_ORDER_COMPLETED:
        return
    time = min(event.event_time.ToMicroseconds(), int(record.time.timestamp() * SECOND))
    for detail in event.product_details:
        if detail.price.amount_micros > 0 and time > 0:
            price, currency = detail.price.amount_micros, detail.price.currency_code
            lines.add(detail.product_id, currency, time, price, max(detail.quantity, 1))
