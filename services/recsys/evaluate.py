"""`aisle evaluate recsys`: how well the serving model foresees held-out baskets, or any model a file's."""

from pathlib import Path
from typing import Any

import numpy as np

from services.kit.log import Log
from services.kit.models import ModelStore
from services.kit.nats_log import NatsLog
from services.kit.progress import Metric, Progress
from services.recsys.adapters import model_files
from services.recsys.adapters.history import read_history, read_products
from services.recsys.adapters.impressions import read_impressions
from services.recsys.adapters.memory import MemoryKnowledge
from services.recsys.config import Config
from services.recsys.domain import decay
from services.recsys.domain.catalogue import Product
from services.recsys.domain.evaluation import PROTOCOLS, above_frequency, measure, summary
from services.recsys.domain.history import History, Split, split
from services.recsys.domain.impressions import Impression
from services.recsys.domain.metrics import Estimate
from services.recsys.evaluate_files import on_data, on_files
from services.recsys.explore import off_policy


async def evaluate(
    config: Config,
    *,
    progress: Progress,
    log: Log | None = None,
    interactions: Path | None = None,
    protocol: str | None = None,
    test: Path | None = None,
    model: str | None = None,
    against: str | None = None,
    report: Path | None = None,
) -> dict[str, Any]:
    """Metrics with 95% bootstrap intervals over users; everything is ranked, never a sample.

    Without options: what serves, personal frequency and popularity, on the log's held-out weeks. With a
    `protocol`: `model`, or without one the protocol's own choice, on the held-out part of the `interactions`
    file, or of the log's orders; and, paired, what it is above `against`. `report` is the page of plots to
    write. The protocol "off-policy" measures what was drawn: see explore.py.
    Raises OSError and ValueError for files and names that are not right.
    """
    if protocol == "off-policy" and interactions is None:
        return await off_policy(config, progress=progress, log=log)
    if interactions is not None:
        return on_files(interactions, test, protocol, model, against, report, progress)
    if protocol is None and not any((test, model, against, report)):
        return await on_log(config, progress=progress, log=log)
    if test is not None:
        raise ValueError("--test goes with --interactions FILE")
    _, history, _ = await read(config, progress, log)
    return on_data(history.interactions(), None, protocol or "last-weeks", model, against, report, progress)


async def on_log(config: Config, *, progress: Progress, log: Log | None = None) -> dict[str, Any]:
    """Metrics of the current model and of personal frequency and popularity, on the same held-out weeks."""
    products, history, _ = await read(config, progress, log)
    held = split(history)
    knowledge = knowledge_of(products, history, held)
    model = ModelStore(config.home, "recsys").current()
    if model is not None:
        knowledge.use(model_files.load(model.path), model_files.PREFIX + model.version)
    values = measure(
        knowledge,
        history.shoppers,
        held,
        tuple(PROTOCOLS),
        lambda done, all_: progress("measuring", done, all_),
    )
    return {
        "model": model.version if model else None,
        "shoppers": len(held.last),
        "metrics": metrics_of({**summary(values), **above_frequency(values)}),
    }


async def read(
    config: Config, progress: Progress, log: Log | None
) -> tuple[list[Product], History, list[Impression]]:
    """The log to its end: the products that there are, all that shoppers did, and lists they were shown."""
    log = log or NatsLog(config.nats_url)
    await log.start()
    try:
        products, history = await read_products(log, progress), await read_history(log, progress)
        return products, history, await read_impressions(log, progress)
    finally:
        await log.close()


def knowledge_of(products: list[Product], history: History, held: Split) -> MemoryKnowledge:
    """The shop as it was before the held-out weeks; tastes of the held-out shoppers only."""
    knowledge = MemoryKnowledge()
    for product in products:
        knowledge.put(product)
    lines = history.lines_of(held.known & history.purchases())
    ages = (history.time[history.event[lines]] - decay.LANDMARK) / decay.POPULARITY_HALF_LIFE
    weights = np.bincount(history.item[lines], 2.0**ages, len(history.items))
    knowledge.popularity(history.items, weights.tolist())
    for shopper in held.last:
        for signal in history.signals(shopper, held.known):
            knowledge.take(signal, popularity=False)
    return knowledge


def metrics_of(estimates: dict[str, Estimate]) -> dict[str, Metric]:
    """Estimates as the command prints them."""
    return {name: Metric(value=e.value, low=e.low, high=e.high) for name, e in estimates.items()}
