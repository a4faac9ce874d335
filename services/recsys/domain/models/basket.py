"""The next basket: what this shopper buys again, what goes with it next, and what all buy lately."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.recsys.domain.interactions import Interactions, Past
from services.recsys.domain.models.basket_counts import Basket, again, links, share
from services.recsys.domain.models.itemrows import arrays_of, links_of, strongest
from services.recsys.domain.models.model import Arrays, Model, Progress, Scores, silent
from services.recsys.domain.neighbours import BadModelError

LONGEST = 5000
"""Of a past, only as many latest lines are looked at."""


@dataclass(frozen=True)
class BasketState:
    """Distinct items of a past, rising: the chance that each is bought again, and what each pulls along."""

    items: NDArray[np.int64]
    own: NDArray[np.float32]
    pull: NDArray[np.float32]


class BasketModel(Model):
    """score = chance to buy again + near * what follows the past + popular * share of the latest baskets.

    The chance is a gamma-Poisson rate a basket: with the purchases after the first one, and the baskets
    since that one, both fading by `fade` a basket, it is (purchases + prior * r) / (baskets + prior), where
    r is the same rate of the item among all shoppers, itself drawn to that of all items by `item_prior`
    baskets. What follows are shares that sum to 1: links from the shopper's items to what lay in the same
    or in the next basket of others (the neighbours of TIFU-KNN and UP-CF in item-to-item form, so that what
    is served grows with the items, `strongest` links each, never with the shoppers), an item `pull_fade` **
    age strong and a popular one damped by bought ** -`damping`. The share fades by `trend` a basket backwards
    from each shopper's latest; 0: only the latest counts.
    """

    name = "basket"

    repeat: Scores
    popular_share: Scores
    links: sparse.csr_matrix

    def __init__(
        self,
        fade: float = 0.95,
        prior: float = 10.0,
        item_prior: float = 100.0,
        near: float = 1.5,
        popular: float = 5.0,
        pull_fade: float = 0.3,
        trend: float = 0.0,
        damping: float = 0.1,
        strongest: int = 300,
    ) -> None:
        self.fade, self.prior, self.near, self.popular, self.pull_fade = fade, prior, near, popular, pull_fade
        self.item_prior, self.trend, self.damping, self.strongest = item_prior, trend, damping, strongest

    def fit(self, data: Interactions, progress: Progress = silent) -> Self:
        """Counts; nothing is searched for, so it takes seconds."""
        lines = Basket.of(data)
        self.repeat = again(lines, self.item_prior)
        self.popular_share = share(lines, self.trend)
        self.links = links(lines, self.damping, self.strongest, progress)
        return self

    def state(self, past: Past) -> BasketState:
        """The past's items with their chance and their pull."""
        past = past.last(LONGEST)
        known = (past.items >= 0) & (past.items < len(self.repeat))
        ages = (past.baskets.max(initial=0) - past.baskets[known]).astype(np.float64)
        items, line = np.unique(past.items[known].astype(np.int64), return_inverse=True)
        first, last = np.zeros(len(items)), np.full(len(items), np.inf)
        np.maximum.at(first, line, ages)
        np.minimum.at(last, line, ages)
        bought = np.bincount(line, self.fade**ages, len(items)) - self.fade**first
        waited = first if self.fade == 1 else (1 - self.fade**first) / (1 - self.fade)
        own = (bought + self.prior * self.repeat[items]) / (waited + self.prior)
        return BasketState(items, own.astype(np.float32), (self.pull_fade**last).astype(np.float32))

    def score(self, state: BasketState) -> Scores:
        """All three parts; nothing after an empty past."""
        if not len(state.items):
            return np.zeros(len(self.repeat), np.float32)
        rows = self.links[state.items]
        worth = np.repeat(state.pull, np.diff(rows.indptr)) * rows.data
        scores = np.bincount(rows.indices, worth, len(self.repeat))
        follows = scores * (self.near / max(float(scores.sum()), 1e-9))
        found: Scores = (follows + self.popular * self.popular_share).astype(np.float32)
        found[state.items] += state.own
        return found

    def explain(self, state: BasketState, item: int) -> tuple[int, ...]:
        """The item itself where it was bought before, and what it follows."""
        given = np.asarray(self.links[state.items, np.full(len(state.items), item)]).ravel() * state.pull
        given[state.items == item] = np.inf
        return strongest(given, state.items)

    def arrays(self) -> Arrays:
        """The counts, the links, and the settings that a past is read by."""
        reading = np.array([self.fade, self.prior, self.near, self.popular, self.pull_fade])
        learnt = {"repeat": self.repeat, "share": self.popular_share, "reading": reading}
        return {**learnt, **arrays_of(self.links)}

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        """The model again. Raises BadModelError when the arrays do not fit together."""
        links = links_of(arrays)
        sizes = {len(arrays.get(name, ())) for name in ("repeat", "share")}
        if sizes != {links.shape[0]} or len(arrays.get("reading", ())) != 5:
            raise BadModelError("a basket model needs a repeat rate and a share an item, and five settings")
        model = cls(
            **dict(
                zip(
                    ("fade", "prior", "near", "popular", "pull_fade"), arrays["reading"].tolist(), strict=True
                )
            )
        )
        model.links = links
        model.repeat, model.popular_share = arrays["repeat"], arrays["share"]
        return model
