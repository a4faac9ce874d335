"""What a device does by itself: the same ONNX file in ONNX Runtime, with no server around it."""

import time
from pathlib import Path
from typing import Any, Final

import numpy as np

SIDE: Final = 224

Provider = tuple[str, dict[str, Any]]


def providers(device: str, engines: Path) -> list[Provider]:
    """As the repository's configuration of the device has them; engines are shared with Triton's."""
    if device == "cpu":
        return [("CPUExecutionProvider", {})]
    tensorrt = {
        "trt_fp16_enable": True,
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": str(engines),
        "trt_profile_min_shapes": f"pixels:1x{SIDE}x{SIDE}x3",
        "trt_profile_opt_shapes": f"pixels:32x{SIDE}x{SIDE}x3",
        "trt_profile_max_shapes": f"pixels:64x{SIDE}x{SIDE}x3",
    }
    return [("TensorrtExecutionProvider", tensorrt), ("CUDAExecutionProvider", {})]


def opened(model: Path, device: str, engines: Path) -> Any:
    """An ONNX Runtime session. Raises RuntimeError when it fell back to another provider."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    wanted = providers(device, engines)
    session = onnxruntime.InferenceSession(str(model), options, providers=wanted)
    if session.get_providers()[0] != wanted[0][0]:
        raise RuntimeError(f"ONNX Runtime runs on {session.get_providers()[0]}, not on {wanted[0][0]}")
    return session


def ceiling(session: Any, batch: int, seconds: float, device: str) -> dict[str, float]:
    """Images a second at a batch size: from memory to memory, and with both kept on the device."""
    pixels = np.random.default_rng(0).integers(0, 256, (batch, SIDE, SIDE, 3), dtype=np.uint8)
    kept = session.io_binding()
    place = "cpu" if device == "cpu" else "cuda"
    import onnxruntime

    kept.bind_ortvalue_input("pixels", onnxruntime.OrtValue.ortvalue_from_numpy(pixels, place, 0))
    for output in session.get_outputs():
        kept.bind_output(output.name, place)
    return {
        "copied": _rate(lambda: session.run(None, {"pixels": pixels}), batch, seconds),
        "kept": _rate(lambda: session.run_with_iobinding(kept), batch, seconds),
    }


def _rate(run: Any, batch: int, seconds: float) -> float:
    run()  # warm
    count, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        run()
        count += batch
    return count / passed
