"""The files of trained models: the product ids, what the models are, and a folder of arrays for each."""

import json
from pathlib import Path

import numpy as np

from services.recsys.adapters import ranker
from services.recsys.domain.models.registry import MODELS
from services.recsys.domain.neighbours import BadModelError
from services.recsys.domain.trained import Role, Trained

PREFIX = "blend-"
"""What stands before a version in answers."""

_TABLE, _RANKER = "models.json", "ranker of "


def save(trained: Trained, folder: Path) -> None:
    """Writes what was trained into a folder."""
    for role, model in trained.models.items():
        (folder / role.value).mkdir()
        for name, array in model.arrays().items():
            np.save(folder / role.value / f"{name.replace('/', '.')}.npy", array, allow_pickle=False)
    for name, one in trained.rankers.items():
        (folder / f"{_RANKER}{name}.txt").write_text(one.text(), encoding="utf-8")
    table = {
        "models": {role.value: model.name for role, model in trained.models.items()},
        "weights": {name: dict(weights) for name, weights in trained.weights.items()},
    }
    _write(folder / _TABLE, table)
    _write(folder / "ids.json", list(trained.ids))


def load(folder: Path) -> Trained:
    """Reads it again. Raises BadModelError, ValueError or OSError when it is not whole."""
    ids = json.loads((folder / "ids.json").read_text(encoding="utf-8"))
    if not isinstance(ids, list) or not all(isinstance(product_id, str) for product_id in ids):
        raise BadModelError("ids.json is not a list of ids")
    table = json.loads((folder / _TABLE).read_text(encoding="utf-8"))
    models = {}
    for role, name in table["models"].items():
        if name not in MODELS:
            raise BadModelError(f"this version of recsys has no model {name}")
        arrays = {
            path.stem.replace(".", "/"): np.load(path, allow_pickle=False)
            for path in sorted((folder / role).glob("*.npy"))
        }
        models[Role(role)] = MODELS[name].of(arrays)  # type: ignore[attr-defined]
    files = folder.glob(f"{_RANKER}*.txt")
    rankers = {path.stem.removeprefix(_RANKER): found for path in files if (found := ranker.load(path))}
    return Trained(ids, models, table["weights"], rankers)


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
