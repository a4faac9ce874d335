"""A torch training's state in one file that is whole or not there."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.kit import logs

if TYPE_CHECKING:
    import torch

_logger = logs.get(__name__)


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
        """The state again, or None. The log says why where there is a file that is not gone on from.

        Its reason is UNREADABLE_CHECKPOINT, or OTHER_TRAINING for one of other data or settings.
        """
        import torch

        try:
            state = torch.load(self._file, map_location=device, weights_only=True)
        except FileNotFoundError:
            return None
        except Exception as error:
            # Damaged bytes raise anything, as the unpickler happens to stumble on them.
            why = "UNREADABLE_CHECKPOINT", f"{type(error).__name__}: {error}".splitlines()[0]
        else:
            if isinstance(state, dict) and state.get("key") == key:
                return state
            why = "OTHER_TRAINING", "left by one of other data or settings"
        _logger.warning("training begins anew", file=str(self._file), reason=why[0], detail=why[1])
        return None

    def clear(self) -> None:
        """Takes the file away: the training is done."""
        self._file.unlink(missing_ok=True)
