# mypy: ignore-errors
"""The network in Triton's Python backend: pixels in, probabilities and embeddings out, on one thread.

Triton imports this file in an environment of its own (numpy < 2). On a GPU nothing of it runs: there Triton's
ONNX Runtime opens the same model.onnx.
"""

from pathlib import Path

import triton_python_backend_utils as pb_utils

from .seeing import OUTPUTS, Seeing


class TritonPythonModel:
    """One instance: one ONNX Runtime session of one thread."""

    def initialize(self, args):
        """Opens the network. Raises when it does not fit."""
        self._see = Seeing(Path(args["model_repository"]) / args["model_version"])

    def execute(self, requests):
        """Answers each request."""
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        pixels = pb_utils.get_input_tensor_by_name(request, "pixels").as_numpy()
        return pb_utils.InferenceResponse([*map(pb_utils.Tensor, OUTPUTS, self._see(pixels))])
