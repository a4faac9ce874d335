"""How well the next basket is foreseen: by the model, by personal frequency, by popularity."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.context import Asked
from services.recsys.domain.history import Split
from services.recsys.domain.metrics import Estimate, accuracy, estimate
from services.recsys.domain.placements import MIXES, NEXT_BASKET, Bought, Mix, Placement, Source
from services.recsys.domain.ports import Knowledge
from services.recsys.domain.recommend import blend

K = 10

PROTOCOLS: Mapping[str, Mix] = MappingProxyType(
    {
        "": NEXT_BASKET,
        "new.": MIXES[Placement.HOME],
        "frequency.": Mix(Bought.MAY, {Source.REPEATS: 1.0}),
        "popular.": MIXES[Placement.POPULAR],
        "popular.new.": Mix(Bought.NEVER, {Source.POPULAR: 1.0}),
    }
)
"""By the prefix of its metrics. Bought.NEVER is measured on what the shopper never bought before."""

MODELS = ("", "new.")
"""The protocols that a co-occurrence model has a part in."""

PerShopper = NDArray[np.float64]


def measure(
    knowledge: Knowledge,
    shoppers: list[str],
    split: Split,
    protocols: tuple[str, ...],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, PerShopper]:
    """Metric name -> one value a held-out shopper, NaN where the shopper has nothing to foresee.

    `knowledge` knows what the split leaves known; every product of the catalogue is ranked.
    """
    values: dict[str, list[float]] = {f"{p}{m}@{K}": [] for p in protocols for m in ("recall", "ndcg")}
    for done, (shopper, basket) in enumerate(split.last.items()):
        keys = [shoppers[shopper]]
        with knowledge.shop() as shop:
            taste = knowledge.taste(keys)
            old = {shop.catalogue.ids[row] for row in taste.rows[taste.owned].tolist()}
        for prefix in protocols:
            mix = PROTOCOLS[prefix]
            relevant = basket - old if mix.bought is Bought.NEVER else basket
            answer = blend(knowledge, mix, Asked(keys), count=K) if relevant else None
            ranked = [product.product_id for product in answer.products] if answer else []
            hits = np.array([[at < len(ranked) and ranked[at] in relevant for at in range(K)]])
            found = accuracy(hits, np.array([max(len(relevant), 1)]), K)
            for name in ("recall", "ndcg"):
                values[f"{prefix}{name}@{K}"].append(float(found[name][0]) if relevant else float("nan"))
        progress(done + 1, len(split.last))
    return {name: np.array(column) for name, column in values.items()}


def summary(values: Mapping[str, PerShopper]) -> dict[str, Estimate]:
    """Each metric's mean over the shoppers that have one, with its interval."""
    return {name: estimate(column[~np.isnan(column)]) for name, column in values.items()}


def above_frequency(values: Mapping[str, PerShopper]) -> dict[str, Estimate]:
    """By how much what serves foresees more than personal frequency does, shopper by shopper."""
    names = (f"recall@{K}", f"ndcg@{K}")
    return {f"above.frequency.{name}": estimate(values[name] - values[f"frequency.{name}"]) for name in names}


def gain(new: Mapping[str, PerShopper], old: Mapping[str, PerShopper]) -> Estimate:
    """By how much the new model's NDCG is higher, shopper by shopper, over both of a model's protocols."""
    names = [f"{prefix}ndcg@{K}" for prefix in MODELS]
    differences = np.concatenate([new[name] - old[name] for name in names])
    return estimate(differences[~np.isnan(differences)])
