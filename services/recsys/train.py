"""`aisle train recsys`: learns the models that suit the shop from its log, and promotes them unless worse."""

import resource
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from services.kit.checkpoints import Checkpoint
from services.kit.log import Log
from services.kit.models import ModelStore
from services.kit.progress import Metric, Progress, TrainReport
from services.recsys import explore
from services.recsys.adapters import model_files
from services.recsys.adapters.memory import MemoryKnowledge
from services.recsys.config import Config
from services.recsys.domain import mixing, tuning
from services.recsys.domain.catalogue import Product
from services.recsys.domain.evaluation import MODELS as COMPARED
from services.recsys.domain.evaluation import PROTOCOLS, PerShopper, above_frequency, gain, measure, summary
from services.recsys.domain.history import SAMPLE, History, Split, split
from services.recsys.domain.impressions import Impression
from services.recsys.domain.interactions import Interactions
from services.recsys.domain.models.content import words_of
from services.recsys.domain.models.model import Model
from services.recsys.domain.models.registry import MODELS
from services.recsys.domain.placements import MIXES, NEXT_BASKET
from services.recsys.domain.suited import SEARCHED, suited
from services.recsys.domain.trained import Role, Trained
from services.recsys.evaluate import knowledge_of, metrics_of, read
from services.recsys.teaching import teach

CHOSEN_ON, RANKED_ON = 400, 600
"""Shoppers on whose held-out weeks weights are chosen, and others from whom rankers learn. The model is
measured on none of them.
"""

CHECKPOINT = "checkpoints/recsys-sequence.pt"
"""Below AISLE_HOME: what a training of the sequence model that was cut short goes on from."""


async def train(
    config: Config, *, force: bool = False, progress: Progress, log: Log | None = None
) -> TrainReport:
    """Learns from all but the held-out weeks, measures on those, and writes a model folder.

    The models are promoted when none serve, when their NDCG is not below that of those that serve, for the
    same shoppers and weeks, or by force. "gain" is that difference; it stands only where a model serves.
    Metrics tell each model's CPU seconds and MiB too. Stopped at any moment, what serves goes on serving.
    """
    products, history, impressions = await read(config, progress, log)
    held = split(history)
    more = split(history, SAMPLE + CHOSEN_ON + RANKED_ON)
    others = {shopper: items for shopper, items in more.last.items() if shopper not in held.last}
    models, metrics = _fit(config, products, history, held, progress)
    trained = Trained(history.items, models)
    shown = _fair(impressions, history, held)
    taught: dict[str, str] = {}
    if others or shown:
        number = {key: at for at, key in enumerate(history.shoppers)}
        more_known = {number[one.shopper]: frozenset[str]() for one in shown if one.shopper in number}
        knowledge = knowledge_of(products, history, Split(held.known, {**more_known, **others}))
        trained, taught = _weigh(knowledge, trained, history, others, shown, progress)
    knowledge = knowledge_of(products, history, held)
    knowledge.use(trained, "new")
    new = _measured(knowledge, history, held, tuple(PROTOCOLS), "measuring", progress)
    metrics |= metrics_of({**summary(new), **above_frequency(new)})
    store, promoted = ModelStore(config.home, "recsys"), True
    if (serving := _serving(store)) is not None:
        knowledge.use(serving, "old")
        old = _measured(knowledge, history, held, COMPARED, "measuring what serves", progress)
        metrics |= metrics_of({"gain": gain(new, old)})
        promoted = force or metrics["gain"]["value"] >= 0
    span = _span(history, held) | taught
    created = store.create(
        lambda folder: model_files.save(trained, folder), metrics=metrics, span=span, promote=promoted
    )
    await explore.train(config, progress=progress, log=log)
    return TrainReport(version=created.version, promoted=promoted, metrics=created.metrics, span=span)


def _fit(
    config: Config, products: Sequence[Product], history: History, held: Split, progress: Progress
) -> tuple[dict[Role, Model], dict[str, Metric]]:
    """A model for each role, from all known orders; what each cost, and what was chosen for it."""
    data = _known(history, held)
    words = {product.id: words_of(product) for product in products}
    given: Mapping[Role, Mapping[str, Any]] = {
        Role.SEQUENCE: {"checkpoint": Checkpoint(config.home / CHECKPOINT)},
        Role.CONTENT: {"words": [words.get(item, ()) for item in history.items]},
    }
    models: dict[Role, Model] = {}
    costs: dict[str, float] = {}
    for role, name, settings in suited(data, config.sequence):
        begun = time.process_time()
        found = tuning.settings_for(name, *SEARCHED[name], data, progress) if name in SEARCHED else {}
        models[role] = MODELS[name](**{**settings, **found}, **given.get(role, {})).fit(data, progress)
        costs |= {f"{name}.{setting}": float(value) for setting, value in found.items()}
        costs[f"{name}.cpu_seconds"] = time.process_time() - begun
        costs[f"{name}.mib"] = sum(array.nbytes for array in models[role].arrays().values()) / 2**20
    costs["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return models, {name: Metric(value=value, low=None, high=None) for name, value in costs.items()}


def _known(history: History, held: Split) -> Interactions:
    orders = history.interactions()
    cut = history.time[~held.known].min(initial=float("inf"))
    return orders.only(orders.time < cut)


def _weigh(
    knowledge: MemoryKnowledge,
    trained: Trained,
    history: History,
    others: Mapping[int, frozenset[str]],
    shown: Sequence[Impression],
    progress: Progress,
) -> tuple[Trained, dict[str, str]]:
    """The models with the weights that foresee best what some other shoppers bought, and their rankers.

    Rankers learn from shoppers of their own: see teaching.py. Told is what each learnt from.
    """
    knowledge.use(trained, "new")
    keys = [history.shoppers[shopper] for shopper in others]
    later = dict(zip(keys, others.values(), strict=True))
    chosen_on = {key: later[key] for key in keys[:CHOSEN_ON]}
    ranked_on = {key: later[key] for key in keys[CHOSEN_ON:]}
    weights, rankers, told = {}, {}, {}
    for mix in (*MIXES.values(), NEXT_BASKET):
        if not mix.name:
            continue
        tell = partial(progress, f"weighing {mix.name}")
        equal = dict.fromkeys(mix.parts, 1.0)
        weights[mix.name] = mixing.choose(mix, mixing.cases(knowledge, mix, chosen_on, equal, tell))
        best = {source: weights[mix.name][source.name] for source in mix.parts}
        taught = teach(knowledge, mix, best, (ranked_on, chosen_on), shown, progress)
        told[f"ranker of {mix.name}"] = taught.told
        if taught.ranker:
            rankers[mix.name] = taught.ranker
    return Trained(trained.ids, trained.models, weights, rankers), told


def _fair(impressions: Sequence[Impression], history: History, held: Split) -> list[Impression]:
    """The lists that came after all that is known, to shoppers on whom nothing else is measured."""
    cut = history.time[~held.known].min(initial=float("inf"))
    measured = {history.shoppers[shopper] for shopper in held.last}
    return [one for one in impressions if one.time >= cut and one.shopper not in measured]


def _measured(
    knowledge: MemoryKnowledge,
    history: History,
    held: Split,
    protocols: tuple[str, ...],
    what: str,
    progress: Progress,
) -> dict[str, PerShopper]:
    return measure(knowledge, history.shoppers, held, protocols, partial(progress, what))


def _serving(store: ModelStore) -> Trained | None:
    """What serves now; None when nothing does, or what this version of recsys cannot read."""
    model = store.current()
    try:
        return model_files.load(model.path) if model else None
    except (OSError, ValueError, KeyError):
        return None


def _span(history: History, held: Split) -> dict[str, str]:
    """From when to when the events are, up to when they were learnt from, and how many there are."""
    if not len(history.time):
        return {"events": "0"}
    learnt = history.time[held.known].max(initial=history.time.min())
    moments = {"first": history.time.min(), "learnt": learnt, "last": history.time.max()}
    told = {name: datetime.fromtimestamp(float(t), UTC).isoformat() for name, t in moments.items()}
    return {"events": str(len(history.time)), **told}
