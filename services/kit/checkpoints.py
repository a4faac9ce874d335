"""A torch training's state in one file that is whole or not there."""

import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


class Checkpoint:
    """The file of one training. It may be handed to another process."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def save(self, key: str, state: dict[str, object]) -> None:
        """Writes beside the file, then puts it in its place. `key` says which training it is of."""
        import torch

        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_name(f"{self._file.name}.new")
        torch.save({"key": key, **state}, fresh)
        os.replace(fresh, self._file)

    def load(self, key: str, device: "torch.device") -> dict[str, Any] | None:
        """The state again; None where there is none, or another training's, or what cannot be read."""
        import torch

        try:
            state = torch.load(self._file, map_location=device, weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):
            return None
        return state if isinstance(state, dict) and state.get("key") == key else None

    def clear(self) -> None:
        """Takes the file away: the training is done."""
        self._file.unlink(missing_ok=True)
