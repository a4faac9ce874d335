"""The demand model's files: a line of JSON a product, and the weeks that it was learnt from."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np

from services.kit.models import Model
from services.pricing.domain.demand.response import Response, Responses
from services.pricing.domain.demand.whatif import History

_NAME: Final = "responses.jsonl"
_WEEKS: Final = "weeks.npz"
PREFIX: Final = "demand-"
"""What stands before a version in answers."""


def save(found: list[Response], folder: Path, history: History | None = None) -> None:
    """Writes what was learnt into a folder, and the weeks it was learnt from."""
    if history:
        np.savez_compressed(
            folder / _WEEKS,
            product_ids=np.array(history.product_ids, dtype=np.str_),
            units=history.units.astype(np.float32),
            prices=history.prices.astype(np.float32),
            end=np.array(history.end),
        )
    lines = (json.dumps(asdict(one), ensure_ascii=False) for one in found)
    (folder / _NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")


def load(model: Model) -> Responses:
    """Reads it again. Raises OSError, or ValueError for what is not whole."""
    lines = (model.path / _NAME).read_text(encoding="utf-8").splitlines()
    try:
        found = [Response(**json.loads(line)) for line in lines if line]
    except TypeError as error:
        raise ValueError(f"{_NAME} is not what this version of pricing writes: {error}") from None
    return Responses(PREFIX + model.version, found)


def load_history(model: Model) -> History | None:
    """Reads the weeks again; None for a model that has none. Raises OSError, ValueError."""
    path = model.path / _WEEKS
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as found:
        ids, end = [str(one) for one in found["product_ids"]], int(found["end"])
        return History(ids, found["units"].astype(np.float64), found["prices"].astype(np.float64), end)
