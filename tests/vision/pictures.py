"""Pictures whose content a reader sees by eye, and a network that sees their mean colour."""

import io
import json
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from services.kit.models import Model, ModelStore

RED, GREEN, BLUE = (250, 10, 10), (10, 250, 10), (10, 10, 250)
NAMES = ("red", "green", "blue")


def picture(colour: tuple[int, int, int] = RED, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """One colour all over."""
    return Image.new("RGB", size, colour)


def encoded(image: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    """The image as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def noise(size: tuple[int, int]) -> Image.Image:
    """An image that compresses badly."""
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


def network(folder: Path, names: tuple[str, ...] = NAMES, sharpness: float = 20.0, cut: bool = False) -> None:
    """Fills a model folder: probabilities by mean red, green and blue; the embedding points along them."""
    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["float", "most"], ["unit"]),
        helper.make_node("ReduceMean", ["unit", "sides"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "sharpness"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        helper.make_node("LpNormalization", ["mean"], ["embedding"], axis=1, p=2),
    ]
    values = {
        "most": np.array(255, np.float32),
        "sharpness": np.array(sharpness, np.float32),
        "sides": np.array([1, 2], np.int64),
    }
    graph = helper.make_graph(
        nodes,
        "colour",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", 224, 224, 3])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3])
            for name in ("probabilities", "embedding")
        ],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    data = model.SerializeToString()
    (folder / "model.onnx").write_bytes(data[: len(data) // 2] if cut else data)
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in names))
    (folder / "model.json").write_text(json.dumps({"labels": 3, "embedding": 3}))


def publish(home: Path, **options: object) -> Model:
    """Publishes the network as the current model."""
    return ModelStore(home, "vision").create(
        lambda folder: network(folder, **options),  # type: ignore[arg-type]
        metrics={},
        span={"source": "colours"},
    )


def published(home: Path) -> Model:
    """The current model when it is whole, or a new one: each that Triton has to load costs a test seconds."""
    store = ModelStore(home, "vision")
    current = store.current()
    return current if current is not None and current.version == store.pointer() else publish(home)
