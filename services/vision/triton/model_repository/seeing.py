# mypy: ignore-errors
"""The network in ONNX Runtime, on one thread: what both models' processes open on a machine without a GPU."""

import json

import numpy as np
import onnxruntime

OUTPUTS = ["probabilities", "embedding"]


class Seeing:
    """One session, of a version's folder."""

    def __init__(self, folder):
        """Opens the network and tries it. Raises when it does not fit, so that Triton refuses the version."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        path, providers = str(folder / "model.onnx"), ["CPUExecutionProvider"]
        self._session = onnxruntime.InferenceSession(path, options, providers=providers)
        side = self._session.get_inputs()[0].shape[1]
        made = [output.shape[1] for output in self(np.zeros((1, side, side, 3), np.uint8))]
        told = json.loads((folder / "model.json").read_text())
        if made != [told["labels"], told["embedding"]]:
            raise ValueError(f"the network makes {made}, model.json says {told}")

    def __call__(self, pixels):
        """Probabilities and embeddings of (n, side, side, 3).

        One at a time: the feature maps of several outgrow a CPU's cache, which costs up to a third.
        """
        rows = [self._session.run(OUTPUTS, {"pixels": pixels[i : i + 1]}) for i in range(len(pixels))]
        return [np.concatenate(some) for some in zip(*rows, strict=True)]
