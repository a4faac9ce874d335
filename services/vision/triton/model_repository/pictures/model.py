# mypy: ignore-errors
"""What callers ask: decodes pictures, and has the network of its own version see those that can be read.

Triton imports this file in an environment of its own (numpy < 2). `image.py` beside it is the vision
service's domain/image.py, so that a picture becomes the same pixels wherever it is decoded.
"""

import numpy as np
import triton_python_backend_utils as pb_utils

from . import image


class TritonPythonModel:
    """One instance: decodes on one thread, then waits for the network. It asks it once for all of a batch."""

    def initialize(self, args):
        """Remembers which network is its own."""
        self._network = f"{args['model_name']}_network"
        self._version = int(args["model_version"])

    def execute(self, requests):
        """Answers each request; one that cannot be read takes no other with it."""
        pictures = [self._read(request) for request in requests]
        rows = [picture for picture in pictures if isinstance(picture, np.ndarray)]
        seen = self._see(np.concatenate(rows)) if rows else ()
        responses, start = [], 0
        for picture in pictures:
            if not isinstance(picture, np.ndarray):
                responses.append(pb_utils.InferenceResponse(error=picture))
                continue
            if isinstance(seen, pb_utils.TritonError):
                responses.append(pb_utils.InferenceResponse(error=seen))
                continue
            end = start + len(picture)
            probabilities, embeddings = (output[start:end] for output in seen)
            outputs = [
                pb_utils.Tensor("PROBABILITIES", probabilities),
                pb_utils.Tensor("EMBEDDING", embeddings),
            ]
            responses.append(pb_utils.InferenceResponse(outputs))
            start = end
        return responses

    def _read(self, request):
        """The request's pictures as pixels (n, SIDE, SIDE, 3), or the error that tells why not."""
        encoded = pb_utils.get_input_tensor_by_name(request, "IMAGE").as_numpy()
        try:
            return np.stack([image.pixels(bytes(one)) for one in encoded.reshape(-1)])
        except image.ImageError as error:
            return pb_utils.TritonError(f"{error.reason}: {error}", pb_utils.TritonError.INVALID_ARG)

    def _see(self, pixels):
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
