"""Ports that need nothing outside this process, for tests and for reading: the same suites hold for them."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from services.kit.errors import ServiceError
from services.vision.domain.image import pixels
from services.vision.domain.seen import Classes, Seen, Vector
from services.vision.triton.repository import classes_of


class LocalInference:
    """The port Inference with networks in this process; the last taken is the newest."""

    def __init__(self) -> None:
        self._networks: dict[str, tuple[onnxruntime.InferenceSession, Classes]] = {}

    def take(self, folder: Path, model: str) -> None:
        """Sees with the network of a model folder from now on. Raises what ONNX Runtime raises."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._networks[model] = session, classes_of(folder)

    @property
    def models(self) -> Sequence[str]:
        """See Inference."""
        return list(self._networks)

    async def see(self, picture: bytes, model: str = "") -> Seen:
        """See Inference."""
        if not self._networks:
            raise ServiceError("MODEL_UNAVAILABLE", "no model is loaded")
        asked = model if model in self._networks else self.models[-1]
        session, classes = self._networks[asked]
        seen = await asyncio.to_thread(pixels, picture)
        probabilities, embeddings = session.run(None, {"pixels": seen[None]})
        return Seen(asked, classes, probabilities[0], embeddings[0])

    def keep(self, model: str) -> None:
        """See Inference; all stay."""


class MemoryVectors:
    """The port Vectors in a dict."""

    def __init__(self) -> None:
        self._rows: dict[str, Vector] = {}

    def __len__(self) -> int:
        """See Vectors."""
        return len(self._rows)

    def keys(self) -> set[str]:
        """See Vectors."""
        return set(self._rows)

    def update(self, added: Iterable[tuple[str, Vector]], removed: Iterable[str]) -> None:
        """See Vectors."""
        for key in removed:
            self._rows.pop(key, None)
        self._rows.update(added)

    def search(self, embedding: Vector, count: int) -> list[tuple[str, float]]:
        """See Vectors."""
        cosines = {key: float(np.dot(row, embedding)) for key, row in self._rows.items()}
        return sorted(cosines.items(), key=lambda pair: -pair[1])[:count]
