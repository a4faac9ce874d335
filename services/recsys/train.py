"""`aisle train recsys`: learns co-occurrence from all orders, and promotes it unless it is worse."""

from datetime import UTC, datetime

import numpy as np

from services.kit.log import Log
from services.kit.models import ModelStore
from services.kit.nats_log import NatsLog
from services.kit.progress import Progress, TrainReport
from services.recsys.adapters import model_files
from services.recsys.adapters.history import read_history, read_products
from services.recsys.config import Config
from services.recsys.domain.cooccurrence import learn
from services.recsys.domain.evaluation import MODELS, PROTOCOLS, gain, measure, summary
from services.recsys.domain.history import History, split
from services.recsys.domain.neighbours import Neighbours
from services.recsys.evaluate import knowledge_of, metrics_of


async def train(
    config: Config, *, force: bool = False, progress: Progress, log: Log | None = None
) -> TrainReport:
    """Learns from all but the held-out baskets, measures on those, and writes a model folder.

    The model is promoted when none serves, when its NDCG is not below the serving one's on the same
    baskets, or by force. "gain" is that difference; it stands only where a model serves.
    """
    log = log or NatsLog(config.nats_url)
    await log.start()
    try:
        products, history = await read_products(log, progress), await read_history(log, progress)
    finally:
        await log.close()
    held = split(history)
    model = _learn(history, held.known, progress)
    knowledge = knowledge_of(products, history, held)
    knowledge.use(model, "new")
    new = measure(
        knowledge,
        history.shoppers,
        held,
        tuple(PROTOCOLS),
        lambda done, all_: progress("measuring", done, all_),
    )
    metrics, promoted = summary(new), True
    store = ModelStore(config.home, "recsys")
    if (serving := store.current()) is not None:
        knowledge.use(model_files.load(serving.path), serving.version)
        old = measure(
            knowledge,
            history.shoppers,
            held,
            MODELS,
            lambda done, all_: progress("measuring the old", done, all_),
        )
        metrics["gain"] = gain(new, old)
        promoted = force or metrics["gain"].value >= 0
    span = _span(history)
    created = store.create(
        lambda folder: model_files.save(model, folder),
        metrics=metrics_of(metrics),
        span=span,
        promote=promoted,
    )
    return TrainReport(version=created.version, promoted=promoted, metrics=created.metrics, span=span)


def _learn(
    history: History, known: np.ndarray[tuple[int], np.dtype[np.bool_]], progress: Progress
) -> Neighbours:
    lines = history.lines_of(known & history.purchases())
    return learn(
        history.items,
        history.event[lines],
        history.item[lines],
        lambda done, all_: progress("learning what goes together", done, all_),
    )


def _span(history: History) -> dict[str, str]:
    """From when to when the events are, and how many."""
    if not len(history.time):
        return {"events": "0"}
    first, last = (
        datetime.fromtimestamp(float(t), UTC).isoformat() for t in (history.time.min(), history.time.max())
    )
    return {"events": str(len(history.time)), "first": first, "last": last}
