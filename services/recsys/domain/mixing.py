"""What each source of a mix should weigh, found on shoppers whose next products are known."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.blending import gather
from services.recsys.domain.context import Asked, context_of
from services.recsys.domain.features import Features, features, strongest
from services.recsys.domain.filters import EVERYTHING
from services.recsys.domain.placements import Bought, Mix, Source
from services.recsys.domain.ports import Knowledge
from services.recsys.domain.ranker import Ranker

WEIGHTS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5)
"""What a source may weigh."""

LEAST = {Source.POPULAR: 0.001}
"""What always fills up behind the rest, however little it says."""

LEAST_GAIN = 0.003
"""Another weight must raise NDCG by this share, or it is chance."""

ROUNDS = 2
K = 10

_DISCOUNT = 1 / np.log2(np.arange(2, K + 2))


@dataclass(frozen=True)
class Case:
    """A shopper's candidates: what each source gives each (candidates, sources), and which were then bought.

    `ideal` is the best sum of discounts that could be had. `best` are the places of the candidates that a
    ranker orders, by the weights that stand, and `features` theirs.
    """

    given: NDArray[np.float32]
    hits: NDArray[np.bool_]
    ideal: float
    best: NDArray[np.int64]
    features: Features

    def ndcg(self, weights: NDArray[np.float32]) -> float:
        """NDCG@10 when sources weigh so much."""
        return self._ndcg(self.given @ weights, self.hits)

    def ranked(self, ranker: Ranker) -> float:
        """NDCG@10 when a ranker orders the best ones."""
        return self._ndcg(ranker.score(self.features), self.hits[self.best])

    def _ndcg(self, scores: NDArray[Any], hits: NDArray[np.bool_]) -> float:
        count = min(K, len(scores))
        best = np.argpartition(-scores, count - 1)[:count]
        best = best[np.argsort(-scores[best], kind="stable")]
        return float(hits[best] @ _DISCOUNT[:count] / self.ideal)


def cases(
    knowledge: Knowledge,
    mix: Mix,
    later: Mapping[str, frozenset[str]],
    weights: Mapping[Source, float],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Case]:
    """A case for each shopper key of `later`, with the product ids bought after all that is known.

    Sources give as much as they weigh in `weights`.
    """
    found = []
    for done, (key, wanted) in enumerate(later.items(), 1):
        with knowledge.shop() as shop:
            on = context_of(knowledge, shop, mix, Asked([key]), EVERYTHING, ())
            blend = gather(shop, on, weights)
            rows = shop.catalogue.rows(wanted)
            if mix.bought is not Bought.MAY:
                rows = [row for row in rows if on.allowed[row]]
            progress(done, len(later))
            if not rows or not len(blend.rows):
                continue
            best = np.sort(strongest(blend.total()))
            table = features(shop, on, blend, best)
        given = np.zeros((len(blend.rows), len(mix.parts)), np.float32)
        for column, source in enumerate(mix.parts):
            if source in blend.sources:
                given[:, column] = blend.given[:, blend.sources.index(source)]
        ideal = float(_DISCOUNT[: len(rows)].sum())
        found.append(Case(given, np.isin(blend.rows, rows), ideal, best, table))
    return found


def gain_of(ranker: Ranker, known: Sequence[Case]) -> float:
    """By what share a ranker's mean NDCG is above that of the weights by which the cases were gathered."""
    plain = float(np.mean([case.ndcg(np.ones(case.given.shape[1], np.float32)) for case in known] or [0.0]))
    ranked = float(np.mean([case.ranked(ranker) for case in known] or [0.0]))
    return ranked / plain - 1 if plain else 0.0


def choose(mix: Mix, known: Sequence[Case]) -> dict[str, float]:
    """By the source's name: weights by which the mean NDCG of the cases is highest, one varied at a time.

    It begins with the declared ones and leaves what no case tells anything of.
    """
    sources = list(mix.parts)
    weights = np.array([mix.parts[source] for source in sources], np.float32)
    telling = [at for at in range(len(sources)) if any(case.given[:, at].any() for case in known)]
    best = _mean(known, weights)
    for at in telling * ROUNDS:
        for weight in _choices(sources[at]):
            tried = weights.copy()
            tried[at] = weight
            if (reached := _mean(known, tried)) > best * (1 + LEAST_GAIN):
                best, weights = reached, tried
    return {source.name: round(float(w), 4) for source, w in zip(sources, weights, strict=True)}


def _choices(source: Source) -> Iterable[float]:
    least = LEAST.get(source, 0.0)
    return (max(weight, least) for weight in WEIGHTS)


def _mean(known: Sequence[Case], weights: NDArray[np.float32]) -> float:
    return float(np.mean([case.ndcg(weights) for case in known])) if known else 0.0
