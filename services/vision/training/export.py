"""A network as an ONNX file, checked number by number against torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from services.vision.domain.image import SIDE

TOLERANCE: Final = 1e-4
"""The most that an exported output may differ from torch's."""

CHECKED: Final = 4
"""Random pictures that the export is checked on."""

Pictures = npt.NDArray[np.uint8]
Outputs = Sequence[npt.NDArray[np.float32]]


def write(network: torch.nn.Module, path: Path) -> tuple[Pictures, Outputs]:
    """Writes the ONNX file; returns some pictures (n, SIDE, SIDE, 3), and torch's outputs for them."""
    pictures = np.random.default_rng(0).integers(0, 256, (CHECKED, SIDE, SIDE, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = [output.numpy() for output in network(torch.from_numpy(pictures))]
    onnx(network, path, ["probabilities", "embedding"])
    return pictures, expected


def onnx(network: torch.nn.Module, path: Path, outputs: Sequence[str]) -> None:
    """Writes a network that sees pixels, uint8 (n, SIDE, SIDE, 3) for any n."""
    torch.onnx.export(
        network,
        (torch.zeros(2, SIDE, SIDE, 3, dtype=torch.uint8),),
        str(path),
        input_names=["pixels"],
        output_names=list(outputs),
        dynamic_shapes={"pixels": {0: torch.export.Dim("n", min=1, max=1024)}},
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def compare(path: Path, pictures: Pictures, expected: Outputs) -> float:
    """The largest difference between the exported network's outputs and torch's. Raises RuntimeError."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    # One alone, then all: the export must not have frozen the number of pictures.
    session.run(None, {"pixels": pictures[:1]})
    outputs = session.run(None, {"pixels": pictures})
    difference = max(float(np.abs(a - b).max()) for a, b in zip(outputs, expected, strict=True))
    if difference > TOLERANCE:
        raise RuntimeError(f"the exported network differs from torch by {difference}")
    return difference
