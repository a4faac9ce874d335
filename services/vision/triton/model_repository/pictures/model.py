# mypy: ignore-errors
"""What callers ask: decodes pictures, and has the network of its own version see those that can be read.

The network is asked by BLS, or is opened here, where the configuration says so. Triton imports this file in
an environment of its own (numpy < 2). `image.py` beside it is the vision service's domain/image.py, so that a
picture becomes the same pixels wherever it is decoded.
"""

import json
from pathlib import Path

import numpy as np
import triton_python_backend_utils as pb_utils

from . import image

OUTPUTS = ["PROBABILITIES", "EMBEDDING", "REFUSED"]
NOTHING = [np.zeros((0, 1), np.float32)] * 2


class TritonPythonModel:
    """One instance, on one thread. It asks the network once for all of a batch."""

    def initialize(self, args):
        """Finds its own network. Raises when it is to open it and it does not fit."""
        self._network = f"{args['model_name']}_network"
        self._version = int(args["model_version"])
        self._see = self._ask
        if "network_here" in json.loads(args["model_config"]).get("parameters", {}):
            from .seeing import Seeing  # on a GPU nobody has ONNX Runtime for Python

            models = Path(args["model_repository"]).parent
            self._see = Seeing(models / self._network / args["model_version"])

    def execute(self, requests):
        """Answers each request; a picture that cannot be read takes no other with it."""
        pictures = [self._read(request) for request in requests]
        rows = [one for some in pictures for one in some if isinstance(one, np.ndarray)]
        seen = self._see(np.stack(rows)) if rows else NOTHING
        if isinstance(seen, pb_utils.TritonError):
            return [pb_utils.InferenceResponse(error=seen) for _ in requests]
        turn = iter(zip(*seen, strict=True))
        return [self._answer(some, turn, seen) for some in pictures]

    def _answer(self, pictures, turn, seen):
        """A request's outputs: what the network saw in each picture, by turns; zeros where it saw none."""
        outputs = [np.zeros((len(pictures), output.shape[1]), np.float32) for output in seen]
        refused = np.full((len(pictures), 1), b"", np.object_)
        for i, picture in enumerate(pictures):
            if isinstance(picture, np.ndarray):
                outputs[0][i], outputs[1][i] = next(turn)
            else:
                refused[i] = f"{picture.reason}: {picture}".encode()
        return pb_utils.InferenceResponse([*map(pb_utils.Tensor, OUTPUTS, (*outputs, refused))])

    def _read(self, request):
        """The request's pictures, each as pixels (SIDE, SIDE, 3) or as the error that tells why not."""
        encoded = pb_utils.get_input_tensor_by_name(request, "IMAGE").as_numpy()
        return [self._pixels(bytes(one)) for one in encoded.reshape(-1)]

    def _pixels(self, picture):
        try:
            return image.pixels(picture)
        except image.ImageError as error:
            return error

    def _ask(self, pixels):
        """The network's probabilities and embeddings of (n, SIDE, SIDE, 3), or its error."""
        names = ["probabilities", "embedding"]
        answer = pb_utils.InferenceRequest(
            model_name=self._network,
            model_version=self._version,
            inputs=[pb_utils.Tensor("pixels", pixels)],
            requested_output_names=names,
            preferred_memory=pb_utils.PreferredMemory(pb_utils.TRITONSERVER_MEMORY_CPU),
        ).exec()
        if answer.has_error():
            return answer.error()
        return [pb_utils.get_output_tensor_by_name(answer, name).as_numpy() for name in names]
