"""The encoder in Triton: texts become tokens here, and vectors there."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from services.kit.models import Model
from services.search.adapters.onnx_encoder import DIMENSION
from services.search.adapters.tokens import Tokens
from services.search.adapters.triton_texts import TritonTexts
from services.search.domain.ports import Vector

MOST: Final = 8
"""Texts of a request: a shopper's query waits for no more of the catalogue's than these."""


class TritonEncoder:
    """The Encoder port; any thread may call it. Vectors are those of OnnxEncoder, of the same tag."""

    def __init__(self, model: Model, triton: TritonTexts) -> None:
        """Raises what TritonTexts.take does, and when the folder has no tokenizer."""
        self.tag = model.version
        self._tokens = Tokens(model.path)
        self._triton = triton
        self._version = triton.take(model)

    def knows(self, word: str) -> bool:
        """See Encoder."""
        return self._tokens.knows(word)

    def encode(self, texts: Sequence[str]) -> Vector:
        """See Encoder."""
        rows = np.empty((len(texts), DIMENSION), np.float32)
        tokens = self._tokens.of(texts)
        for start in range(0, len(tokens), MOST):
            rows[start : start + MOST] = self._triton.ask(self._version, tokens[start : start + MOST])
        return rows
