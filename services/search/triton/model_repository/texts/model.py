# mypy: ignore-errors
"""The encoder in Triton's Python backend: token ids in, vectors of length 1 out, on one thread.

Triton imports this file in an environment of its own (numpy < 2). On a GPU nothing of it runs: there Triton's
ONNX Runtime opens exact.onnx.
"""

from pathlib import Path

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils

INPUTS = ["input_ids", "attention_mask"]
OUTPUT = "text_vector"


class TritonPythonModel:
    """One instance: one ONNX Runtime session of one thread."""

    def initialize(self, args):
        """Opens the network and tries it. Raises when it does not fit, so that Triton refuses the version."""
        folder = Path(args["model_repository"]) / args["model_version"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        path, providers = str(folder / "model.onnx"), ["CPUExecutionProvider"]
        self._session = onnxruntime.InferenceSession(path, options, providers=providers)
        self._vector(np.ones(2, np.int64))

    def execute(self, requests):
        """Answers each request."""
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        ids, mask = (pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in INPUTS)
        # One at a time and without what pads it: as fast on a CPU, and a text has the same vector whatever
        # stands beside it, since the int8 network rounds by what it is given at once.
        rows = [self._vector(text[: int(length)]) for text, length in zip(ids, mask.sum(1), strict=True)]
        return pb_utils.InferenceResponse([pb_utils.Tensor(OUTPUT, np.concatenate(rows))])

    def _vector(self, ids):
        ids = ids[None]
        return self._session.run([OUTPUT], dict(zip(INPUTS, (ids, np.ones_like(ids)), strict=True)))[0]
