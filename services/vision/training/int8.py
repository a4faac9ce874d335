"""Makes a picture cheaper on a CPU: the network in 8-bit integers, static, calibrated on photos.

The first layers see the picture large and thin, and rounding there is felt in all that follows; they are a
small part of the work. So as few of them as it takes stay in floats.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from services.vision.training.publish import Seen, accuracy, see

CALIBRATED_ON: Final = 128
"""Photos by which the ranges of activations are told."""

MOST_LOST: Final = 0.005
"""The accuracy that int8 may lose: more, and the network stays in floats."""

ALIKE: Final = 0.98
"""The share of photos of which an int8 network must say the same, so that what it loses is not luck."""

FLOATS: Final = (3, 9, 15, 24)
"""Convolutions at the beginning that stay in floats: the stem and 1, 3, 5 or 8 blocks."""

QUANTISED: Final = ("Conv", "Clip", "Add")
"""With ReLU6 among them, what a convolution gives is counted after it is cut at 6, not before."""

_EACH: Final = 8

Pictures = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


class Tried(NamedTuple):
    """An int8 network: its accuracy less than before, and the share of photos whose class is as before."""

    path: Path
    lost: float
    same: float


def replace(model: Path, calibrate: Pictures, choose: Pictures, label: Ints) -> dict[str, float]:
    """Puts an int8 network in the place of a float one; tells what was lost, and what stayed in floats.

    Of FLOATS the first is taken that says the same of ALIKE of the photos that choose and loses no more than
    MOST_LOST of the accuracy, or else that which says the same most often. When all lose more the network
    stays in floats: `int8_serves` is 0 then, and the others tell of the best that was tried.
    """
    before = see(model, choose)
    tried, ready = dict[int, Tried](), model.with_suffix(".ready")
    _prepare(model, ready)
    try:
        for floats in FLOATS:
            small = model.with_suffix(f".int8-{floats}")
            tried[floats] = _try(quantise(ready, small, calibrate, floats), before, choose, label)
            if tried[floats].same >= ALIKE and tried[floats].lost <= MOST_LOST:
                break
        allowed = [floats for floats, one in tried.items() if one.lost <= MOST_LOST]
        best = max(allowed or tried, key=lambda floats: tried[floats].same)
        if allowed:
            os.replace(tried[best].path, model)
    finally:
        for path in (ready, *(one.path for one in tried.values())):
            path.unlink(missing_ok=True)
    return {
        "int8_lost": tried[best].lost,
        "int8_same": tried[best].same,
        "int8_floats": float(best),
        "int8_serves": float(bool(allowed)),
    }


def _try(path: Path, before: Seen, choose: Pictures, label: Ints) -> Tried:
    after = see(path, choose)
    lost = accuracy(before, label) - accuracy(after, label)
    return Tried(path, lost, accuracy(after, before.probabilities.argmax(1)))


def _prepare(source: Path, target: Path) -> None:
    from onnxruntime.quantization.shape_inference import quant_pre_process

    quant_pre_process(str(source), str(target), skip_symbolic_shape=True)


def quantise(source: Path, target: Path, pictures: Pictures, floats: int = 0) -> Path:
    """Writes an int8 network (weights by channel), calibrated on (n, SIDE, SIDE, 3) pictures."""
    from onnxruntime import quantization

    quantization.quantize_static(
        str(source),
        str(target),
        _Reader(pictures),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        weight_type=quantization.QuantType.QInt8,
        activation_type=quantization.QuantType.QUInt8,
        op_types_to_quantize=list(QUANTISED),
        nodes_to_exclude=_first(source, floats),
    )
    return target


def _first(source: Path, convolutions: int) -> Sequence[str]:
    """The nodes before the convolution of that number."""
    import onnx

    found, passed = [], 0
    for node in onnx.load(source).graph.node:
        passed += node.op_type == "Conv"
        if passed > convolutions:
            break
        if node.op_type in QUANTISED:
            found.append(node.name)
    return found


class _Reader:
    """What quantize_static reads the photos from."""

    def __init__(self, pictures: Pictures) -> None:
        self._parts: Iterator[Any] = iter(np.array_split(pictures, -(-len(pictures) // _EACH)))

    def get_next(self) -> dict[str, Any] | None:
        """A batch, None at the end."""
        part = next(self._parts, None)
        return None if part is None else {"pixels": part}
