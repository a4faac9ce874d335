# mypy: ignore-errors
"""The network in Triton's Python backend: pixels in, probabilities and embeddings out, on one thread.

Triton imports this file in an environment of its own (numpy < 2). On a GPU nothing of it runs: there Triton's
ONNX Runtime opens the same model.onnx.
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils

OUTPUTS = ["probabilities", "embedding"]


class TritonPythonModel:
    """One instance: one ONNX Runtime session of one thread."""

    def initialize(self, args):
        """Opens the network and tries it. Raises when it does not fit, so that Triton refuses the version."""
        folder = Path(args["model_repository"]) / args["model_version"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        path, providers = str(folder / "model.onnx"), ["CPUExecutionProvider"]
        self._session = onnxruntime.InferenceSession(path, options, providers=providers)
        side = self._session.get_inputs()[0].shape[1]
        made = [output.shape[1] for output in self._see(np.zeros((1, side, side, 3), np.uint8))]
        told = json.loads((folder / "model.json").read_text())
        if made != [told["labels"], told["embedding"]]:
            raise ValueError(f"the network makes {made}, model.json says {told}")

    def execute(self, requests):
        """Answers each request."""
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        pixels = pb_utils.get_input_tensor_by_name(request, "pixels").as_numpy()
        # One at a time: the feature maps of several outgrow a CPU's cache, which costs up to a third.
        rows = [self._see(pixels[i : i + 1]) for i in range(len(pixels))]
        outputs = map(np.concatenate, zip(*rows, strict=True))
        return pb_utils.InferenceResponse([*map(pb_utils.Tensor, OUTPUTS, outputs)])

    def _see(self, pixels):
        return self._session.run(OUTPUTS, {"pixels": pixels})
