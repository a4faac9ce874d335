"""The files of a co-occurrence model: three arrays and the product ids, one to a line of JSON."""

import json
from pathlib import Path

import numpy as np

from services.recsys.domain.neighbours import BadModelError, Neighbours

PREFIX = "cooccurrence-"
"""What stands before a model's version in answers."""

_ARRAYS = ("starts", "others", "similarities")


def save(model: Neighbours, folder: Path) -> None:
    """Writes a model's files into a folder."""
    for name in _ARRAYS:
        np.save(folder / f"{name}.npy", getattr(model, name), allow_pickle=False)
    (folder / "ids.json").write_text(json.dumps(list(model.ids), ensure_ascii=False), encoding="utf-8")


def load(folder: Path) -> Neighbours:
    """Reads a model's files. Raises BadModelError, ValueError or OSError when they are not whole."""
    starts, others, similarities = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in _ARRAYS)
    ids = json.loads((folder / "ids.json").read_text(encoding="utf-8"))
    if not isinstance(ids, list) or not all(isinstance(product_id, str) for product_id in ids):
        raise BadModelError("ids.json is not a list of ids")
    return Neighbours(ids, starts, others, similarities)
