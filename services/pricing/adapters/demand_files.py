"""The demand model's file: a line of JSON a product."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

from services.kit.models import Model
from services.pricing.domain.demand.response import Response, Responses

_NAME: Final = "responses.jsonl"
PREFIX: Final = "demand-"
"""What stands before a version in answers."""


def save(found: list[Response], folder: Path) -> None:
    """Writes what was learnt into a folder."""
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
