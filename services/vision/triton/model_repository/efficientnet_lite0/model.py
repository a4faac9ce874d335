# mypy: ignore-errors
"""Runs the exported network inside Triton's Python backend: pictures in, probabilities and embeddings out.

Triton imports this file in an environment of its own (numpy < 2). `image.py` beside it is the vision
service's domain/image.py, so that a picture becomes the same pixels wherever it is decoded.
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils

from . import image


class TritonPythonModel:
    """One instance: one ONNX Runtime session of one thread, or of one GPU."""

    def initialize(self, args):
        """Opens the network. Raises, so that Triton refuses the version, when it does not fit."""
        folder = Path(args["model_repository"]) / args["model_version"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        providers = ["CPUExecutionProvider"]
        if args["model_instance_kind"] == "GPU":
            device = {"device_id": args["model_instance_device_id"]}
            providers.insert(0, ("CUDAExecutionProvider", device))
        self._session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=providers)
        self._check(args["model_config"])

    def _check(self, config):
        """Compares the outputs with the configuration, and tries one picture."""
        declared = [int(output["dims"][0]) for output in json.loads(config)["output"]]
        blank = np.zeros((1, image.SIDE, image.SIDE, 3), np.uint8)
        made = [len(output[0]) for output in self._session.run(None, {"pixels": blank})]
        if declared != made:
            raise ValueError(f"the network makes {made}, the configuration says {declared}")

    def execute(self, requests):
        """Answers each request; pictures that can be read go through the network together."""
        pictures = [self._read(request) for request in requests]
        rows = [picture for picture in pictures if not isinstance(picture, image.ImageError)]
        if rows:
            probabilities, embeddings = self._session.run(None, {"pixels": np.concatenate(rows)})
        responses, start = [], 0
        for picture in pictures:
            if isinstance(picture, image.ImageError):
                error = pb_utils.TritonError(f"{picture.reason}: {picture}", pb_utils.TritonError.INVALID_ARG)
                responses.append(pb_utils.InferenceResponse(error=error))
                continue
            end = start + len(picture)
            outputs = [
                pb_utils.Tensor("PROBABILITIES", probabilities[start:end]),
                pb_utils.Tensor("EMBEDDING", embeddings[start:end]),
            ]
            responses.append(pb_utils.InferenceResponse(outputs))
            start = end
        return responses

    def _read(self, request):
        """The request's pictures as pixels (n, SIDE, SIDE, 3), or why they cannot be read."""
        encoded = pb_utils.get_input_tensor_by_name(request, "IMAGE").as_numpy()
        try:
            return np.stack([image.pixels(bytes(one)) for one in encoded.reshape(-1)])
        except image.ImageError as error:
            return error
