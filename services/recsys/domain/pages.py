"""Lists as shoppers were shown them, with today's features: what a ranker learns from and is measured on."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.blending import gather
from services.recsys.domain.context import Asked, context_of
from services.recsys.domain.features import Features, features
from services.recsys.domain.filters import EVERYTHING
from services.recsys.domain.impressions import Floats, Impression
from services.recsys.domain.placements import Mix, Source
from services.recsys.domain.ports import Knowledge
from services.recsys.domain.ranker import Ranker

MOST_WEIGHT = 10.0
"""One response at a position that hardly anybody looks at weighs at most so much."""


class Page(NamedTuple):
    """What is known of a list's products that the mix gives too: the weights' score, and what was taken."""

    features: Features
    total: Floats
    positions: NDArray[np.int64]
    taken: NDArray[np.bool_]


def pages(
    knowledge: Knowledge,
    mix: Mix,
    impressions: Sequence[Impression],
    weights: Mapping[Source, float],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Page]:
    """A page for each list of the mix of which something was taken and something was not.

    Features come from what `knowledge` holds, which must end before the lists begin. Products that the mix
    would not give any more, to that shopper, are left out.
    """
    found = []
    for done, one in enumerate(impressions, 1):
        progress(done, len(impressions))
        with knowledge.shop() as shop:
            on = context_of(knowledge, shop, mix, Asked([one.shopper]), EVERYTHING, ())
            blend = gather(shop, on, weights)
            place = {shop.catalogue.ids[row]: at for at, row in enumerate(blend.rows.tolist())}
            kept = np.array([name in place for name in one.products], bool)
            taken = one.taken[kept]
            if not taken.any() or taken.all():
                continue
            places = np.array([place[name] for name in one.products if name in place])
            table = features(shop, on, blend, places)
        found.append(Page(table, blend.total()[places], one.positions[kept], taken))
    return found


def worth(shown: Sequence[Page], examined: Floats, ranker: Ranker | None) -> float:
    """The mean 1 / log2(1 + rank) of what was taken, ranked by the ranker, or by the weights when None.

    Each response counts 1 / examined(position): what was taken from where few look tells for all who did not
    look (Joachims et al. 2017), so that an order is not worth more for being the one that was shown.
    """
    above = below = 0.0
    for page in shown:
        scores = page.total if ranker is None else ranker.score(page.features)
        rank = np.empty(len(scores))
        rank[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
        weight = np.minimum(1 / examined[page.positions - 1], MOST_WEIGHT)[page.taken]
        above += float(weight @ (1 / np.log2(1 + rank[page.taken])))
        below += float(weight.sum())
    return above / below if below else 0.0
