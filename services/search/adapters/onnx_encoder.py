"""The encoder: an ONNX model and its tokenizer, run by ONNX Runtime. Serving needs no torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from services.search.domain.ports import Vector

MODEL_FILE: Final = "model.onnx"
TOKENIZER_FILE: Final = "tokenizer.json"
INPUTS: Final = ("input_ids", "attention_mask")
OUTPUT: Final = "text_vector"

MAX_TOKENS: Final = 64
"""What is read of a text: titles and the beginnings of descriptions fit; time rises with it."""

DIMENSION: Final = 384

SHORTEST_WORD: Final = 3
"""Shorter tokens are pieces of words as often as words."""


class OnnxEncoder:
    """The Encoder port; any thread may call it, each uses one core.

    Texts are run one by one: on a CPU that is as fast as batches of 32 (measured, docs/search.md), pads
    nothing, and keeps the int8 model's rounding of a text apart from what stands beside it.
    """

    def __init__(self, folder: Path, tag: str) -> None:
        """Raises when the folder's model cannot be read or does not give unit vectors of DIMENSION."""
        self.tag = tag
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / MODEL_FILE), options, providers=["CPUExecutionProvider"]
        )
        probe = self.encode(["oat milk"])
        if probe.shape != (1, DIMENSION) or abs(float(np.linalg.norm(probe)) - 1) > 0.01:
            raise ValueError(
                f"{folder} gives vectors of shape {probe.shape}, not unit vectors of {DIMENSION}"
            )

    def knows(self, word: str) -> bool:
        """See Encoder: a word that the tokenizer leaves whole was common in what the model learnt from."""
        return len(word) >= SHORTEST_WORD and self._tokenizer.token_to_id(word) is not None

    def encode(self, texts: Sequence[str]) -> Vector:
        """See Encoder."""
        rows = np.empty((len(texts), DIMENSION), np.float32)
        for row, encoding in zip(rows, self._tokenizer.encode_batch(list(texts)), strict=True):
            fed = (encoding.ids, encoding.attention_mask)
            inputs = {name: np.array([value], np.int64) for name, value in zip(INPUTS, fed, strict=True)}
            row[:] = self._session.run([OUTPUT], inputs)[0][0]
        return rows
