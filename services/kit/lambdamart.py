"""Boosted trees that learn an order from lists of which something was taken: LambdaMART by LightGBM.

LightGBM is imported when there is a ranker: it takes a second and brings 80 MiB of other libraries along.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

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


class Example(NamedTuple):
    """One list: a row of features a candidate (n, features), and how much each was wanted, from 0 (n,).

    `positions`, from 1 (n,): where each candidate was shown, None where nothing was. `base` (n,): scores that
    the trees only correct, None for trees that order by themselves.
    """

    features: NDArray[np.float32]
    wanted: NDArray[np.int32]
    positions: NDArray[np.int64] | None = None
    base: NDArray[np.float64] | None = None


class LambdaMart:
    """Burges, "From RankNet to LambdaRank to LambdaMART" (2010). Answers on the thread that asks."""

    def __init__(self, booster: "lightgbm.Booster") -> None:
        self._booster = booster

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """One score a row, higher is better; with a base, what to add to it."""
        if not len(features):
            return np.zeros(0)
        return np.asarray(self._booster.predict(features, num_threads=1), np.float64)

    def text(self) -> str:
        """All that was learnt, for a model file."""
        return str(self._booster.model_to_string())


def learn(names: Sequence[str], examples: Sequence[Example]) -> LambdaMart:
    """Learns from lists, all of them with positions and base or none; the same lists give the same ranker.

    What a position alone brings is learnt beside the trees and left out of the ranker, as in Hu et al. 2019,
    "Unbiased LambdaMART".
    """
    import lightgbm

    positions = [one.positions for one in examples if one.positions is not None]
    bases = [one.base for one in examples if one.base is not None]
    data = lightgbm.Dataset(
        np.concatenate([one.features for one in examples]),
        np.concatenate([one.wanted for one in examples]),
        group=[len(one.wanted) for one in examples],
        position=np.concatenate(positions) if positions else None,
        init_score=np.concatenate(bases) if bases else None,
        params=_SETTINGS,
        feature_name=spaceless(names),
    )
    return LambdaMart(lightgbm.train(_SETTINGS, data, _ROUNDS))


def load(names: Sequence[str], path: Path) -> LambdaMart | None:
    """Reads a ranker again; None for one that learnt from other features than there are by now.

    Raises ValueError when it is not whole.
    """
    import lightgbm

    try:
        booster = lightgbm.Booster(model_str=path.read_text(encoding="utf-8"))
    except lightgbm.basic.LightGBMError as error:
        raise ValueError(f"{path.name} is no ranker: {error}") from error
    return LambdaMart(booster) if booster.feature_name() == spaceless(names) else None


def spaceless(names: Sequence[str]) -> list[str]:
    """LightGBM takes no spaces."""
    return [name.replace(" ", "_") for name in names]
