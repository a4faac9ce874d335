"""The file of a learned exploration policy: one archive of arrays."""

from pathlib import Path

import numpy as np

from services.recsys.domain.exploration.policy import Policy

STORE = "recsys-exploration"
"""The policies' own ModelStore: they change more often than the models, and by other data."""

_FILE = "policy.npz"


def save(policy: Policy, folder: Path) -> None:
    """Writes a policy into a folder."""
    arrays = {name: np.asarray(array) for name, array in policy.arrays().items()}
    with (folder / _FILE).open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # its keywords are arrays


def load(folder: Path) -> Policy:
    """Reads it again. Raises OSError, KeyError or ValueError when it is not whole."""
    with np.load(folder / _FILE, allow_pickle=False) as arrays:
        return Policy.of(dict(arrays))
