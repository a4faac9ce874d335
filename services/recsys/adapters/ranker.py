"""A Ranker in LightGBM: boosted trees that learn the order of candidates by LambdaMART.

LightGBM is imported when there is a ranker: it takes a second and brings 80 MiB of other libraries along.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.features import NAMES

if TYPE_CHECKING:
    import lightgbm

_SETTINGS: dict[str, Any] = {
    "objective": "lambdarank",
    "lambdarank_truncation_level": 15,
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.8,
    "num_threads": 1,
    "deterministic": True,
    "seed": 0,
    "verbose": -1,
}
_ROUNDS = 120

_FEATURES = [name.replace(" ", "_") for name in NAMES]
"""LightGBM takes no spaces."""

Example = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""One list of candidates: their features, and which were taken."""


class LightgbmRanker:
    """Burges, "From RankNet to LambdaRank to LambdaMART" (2010). Answers on the thread that asks."""

    def __init__(self, booster: "lightgbm.Booster") -> None:
        self._booster = booster

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """See Ranker."""
        if not len(features):
            return np.zeros(0)
        return np.asarray(self._booster.predict(features, num_threads=1), np.float64)

    def text(self) -> str:
        """See Ranker."""
        return str(self._booster.model_to_string())


def learn(
    examples: Sequence[Example], positions: Sequence[NDArray[np.int64]] | None = None
) -> LightgbmRanker:
    """Learns from lists of which something was taken; the same lists give the same ranker.

    `positions`: where each list's candidates were shown. What a position alone brings is then learnt beside
    the trees and left out of the ranker, as in Hu et al. 2019, "Unbiased LambdaMART".
    """
    import lightgbm

    data = lightgbm.Dataset(
        np.concatenate([features for features, _ in examples]),
        np.concatenate([taken for _, taken in examples]).astype(np.int32),
        group=[len(taken) for _, taken in examples],
        position=None if positions is None else np.concatenate(positions),
        params=_SETTINGS,
        feature_name=_FEATURES,
    )
    return LightgbmRanker(lightgbm.train(_SETTINGS, data, _ROUNDS))


def load(path: Path) -> LightgbmRanker | None:
    """Reads a ranker again; None for one that learnt from other features than there are by now.

    Raises ValueError when it is not whole.
    """
    import lightgbm

    try:
        booster = lightgbm.Booster(model_str=path.read_text(encoding="utf-8"))
    except lightgbm.basic.LightGBMError as error:
        raise ValueError(f"{path.name} is no ranker: {error}") from error
    return LightgbmRanker(booster) if booster.feature_name() == _FEATURES else None
