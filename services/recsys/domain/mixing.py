"""What each source of a mix should weigh, found on shoppers whose next products are known."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.context import Asked, context_of
from services.recsys.domain.filters import EVERYTHING
from services.recsys.domain.placements import Bought, Mix, Source
from services.recsys.domain.ports import Knowledge
from services.recsys.domain.recommend import gather

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

    `ideal` is the best sum of discounts that could be had.
    """

    given: NDArray[np.float32]
    hits: NDArray[np.bool_]
    ideal: float

    def ndcg(self, weights: NDArray[np.float32]) -> float:
        """NDCG@10 when sources weigh so much."""
        total = self.given @ weights
        count = min(K, len(total))
        best = np.argpartition(-total, count - 1)[:count]
        best = best[np.argsort(-total[best], kind="stable")]
        return float(self.hits[best] @ _DISCOUNT[:count] / self.ideal)


def cases(
    knowledge: Knowledge,
    mix: Mix,
    later: Mapping[str, frozenset[str]],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Case]:
    """A case for each shopper key of `later`, with the product ids bought after all that is known."""
    found = []
    for done, (key, wanted) in enumerate(later.items(), 1):
        with knowledge.shop() as shop:
            on = context_of(knowledge, shop, mix, Asked([key]), EVERYTHING, ())
            blend = gather(shop, on, dict.fromkeys(mix.parts, 1.0))
            rows = shop.catalogue.rows(wanted)
        if mix.bought is Bought.NEVER:
            rows = [row for row in rows if on.allowed[row]]
        progress(done, len(later))
        if not rows or not len(blend.rows):
            continue
        given = np.zeros((len(blend.rows), len(mix.parts)), np.float32)
        for column, source in enumerate(mix.parts):
            if source in blend.sources:
                given[:, column] = blend.given[:, blend.sources.index(source)]
        ideal = float(_DISCOUNT[: len(rows)].sum())
        found.append(Case(given, np.isin(blend.rows, rows), ideal))
    return found


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
