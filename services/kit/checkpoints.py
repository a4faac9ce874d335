"""A torch training's state in one file that is whole or not there."""

import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def save(file: Path, key: str, state: dict[str, object]) -> None:
    """Writes beside the file, then puts it in its place. `key` says which training it is of."""
    import torch

    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.new")
    torch.save({"key": key, **state}, fresh)
    os.replace(fresh, file)


def load(file: Path, key: str, device: "torch.device") -> dict[str, Any] | None:
    """The state again; None where there is none, or another training's, or what cannot be read."""
    import torch

    try:
        state = torch.load(file, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):
        return None
    return state if isinstance(state, dict) and state.get("key") == key else None
