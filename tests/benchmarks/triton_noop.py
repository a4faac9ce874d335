# mypy: ignore-errors
"""A model in Triton that does nothing: what it costs is the round trip. It answers as much as a real one."""

import numpy as np
import triton_python_backend_utils as pb_utils

ANSWER = {
    "PROBABILITIES": np.zeros((1, 1000), np.float32),
    "EMBEDDING": np.zeros((1, 1280), np.float32),
    "REFUSED": np.full((1, 1), b"", np.object_),
}


class TritonPythonModel:
    """Takes what the real one takes."""

    def execute(self, requests):
        """Answers each request, and reads its picture as the real one does."""
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        pb_utils.get_input_tensor_by_name(request, "IMAGE").as_numpy()
        return pb_utils.InferenceResponse([pb_utils.Tensor(name, value) for name, value in ANSWER.items()])
