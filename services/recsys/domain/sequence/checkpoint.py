"""A training's state after its last whole epoch, in one file that is whole or not there."""

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

import torch

from services.recsys.domain.interactions import Interactions
from services.recsys.domain.models.sasrec import Settings


def key(data: Interactions, settings: Settings) -> str:
    """What a checkpoint is of: another's is not gone on from."""
    found = hashlib.sha256(f"{settings} {data.items}".encode())
    found.update(data.starts.tobytes())
    found.update(data.item.tobytes())
    return found.hexdigest()


def save(file: Path, of: str, state: dict[str, object]) -> None:
    """Writes beside the file, then puts it in its place."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.new")
    torch.save({"key": of, **state}, fresh)
    os.replace(fresh, file)


def load(file: Path, of: str, device: torch.device) -> dict[str, Any] | None:
    """The state again; None where there is none, or another training's, or what cannot be read."""
    try:
        state = torch.load(file, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):
        return None
    return state if isinstance(state, dict) and state.get("key") == of else None
