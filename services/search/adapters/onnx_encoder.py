"""The encoder: an ONNX model and its tokenizer, run by ONNX Runtime. Serving needs no torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime

from services.search.adapters.tokens import Tokens
from services.search.domain.ports import Vector

MODEL_FILE: Final = "model.onnx"
EXACT_FILE: Final = "exact.onnx"
"""The network before it was made small, where that is another: Triton runs it on a GPU."""

INPUTS: Final = ("input_ids", "attention_mask")
OUTPUT: Final = "text_vector"

DIMENSION: Final = 384


class OnnxEncoder:
    """The Encoder port; any thread may call it, each uses one core.

    Texts are run one by one: on a CPU that is as fast as batches of 32 (measured, docs/search-speed.md), pads
    nothing, and keeps the int8 model's rounding of a text apart from what stands beside it.
    """

    def __init__(self, folder: Path, tag: str) -> None:
        """Raises when the folder's model cannot be read or does not give unit vectors of DIMENSION."""
        self.tag = tag
        self._tokens = Tokens(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / MODEL_FILE), options, providers=["CPUExecutionProvider"]
        )
        check(self.encode(["oat milk"]), str(folder))

    def knows(self, word: str) -> bool:
        """See Encoder."""
        return self._tokens.knows(word)

    def encode(self, texts: Sequence[str]) -> Vector:
        """See Encoder."""
        rows = np.empty((len(texts), DIMENSION), np.float32)
        for row, ids in zip(rows, self._tokens.of(texts), strict=True):
            fed = np.array([ids], np.int64)
            inputs = dict(zip(INPUTS, (fed, np.ones_like(fed)), strict=True))
            row[:] = self._session.run([OUTPUT], inputs)[0][0]
        return rows


def check(probe: Vector, source: str) -> None:
    """Raises ValueError unless this is the vector of one text, of DIMENSION numbers and of length 1."""
    if probe.shape != (1, DIMENSION) or abs(float(np.linalg.norm(probe)) - 1) > 0.01:
        raise ValueError(f"{source} gives vectors of shape {probe.shape}, not unit vectors of {DIMENSION}")
