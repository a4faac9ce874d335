"""What it costs to index a catalogue's pictures: memory, CPU a picture, a kill half way, then a search.

python -m tests.benchmarks.bench_vision_index [--pictures 20000] [--kills 2]

Distinct small JPEGs go into the view as the log's records do; then a process of its own has the indexer see
them, is killed with SIGKILL at equal distances, and started again. The model is a small one in that process
(192 colours of 64 squares, projected to 256 dimensions), so that what is measured is the indexing; its own
CPU is measured by itself and told apart. Memory is the peak of the indexing process.
"""

import argparse
import asyncio
import io
import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from aisle.catalog.v1 import product_pb2
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from services.kit.log import CATALOG, Record
from services.kit.workers import Workers
from services.vision.adapters.faiss_vectors import FaissVectors
from services.vision.adapters.gallery import CatalogGallery
from services.vision.adapters.indexer import Indexer
from services.vision.adapters.memory import LocalInference
from services.vision.adapters.sources import Sources
from services.vision.adapters.view import CatalogView
from services.vision.domain.image import SIDE, pixels
from services.vision.domain.product import Filter
from services.vision.domain.seen import Seen

BATCH: Final = 500
SQUARES, SIZE, CLASSES = 8, 256, 3
SEARCHES: Final = 100


def jpeg(number: int) -> bytes:
    """A picture that no other number has: 8 x 8 squares of drawn colours."""
    drawn = np.random.default_rng(number).integers(0, 256, (SQUARES, SQUARES, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(drawn).resize((96, 96), Image.Resampling.NEAREST).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def records(count: int) -> Iterator[list[Record]]:
    """The catalogue's changes, a picture a product, by batches."""
    when = datetime(2026, 1, 1, tzinfo=UTC)
    for start in range(0, count, BATCH):
        batch = []
        for number in range(start, min(start + BATCH, count)):
            image = product_pb2.Image(content=jpeg(number))
            product = product_pb2.Product(id=f"p{number:07}", title="made", images=[image])
            change = product_pb2.ProductChange(upsert=product).SerializeToString()
            batch.append(Record(CATALOG, number + 1, product.id, change, when))
        yield batch


def network(folder: Path) -> None:
    """A model folder: the colours of 64 squares, projected at random, of length 1."""
    side = SIDE // SQUARES
    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node(
            "AveragePool", ["planes"], ["squares"], kernel_shape=[side, side], strides=[side, side]
        ),
        helper.make_node("Flatten", ["squares"], ["flat"]),
        helper.make_node("Sub", ["flat", "middle"], ["centred"]),
        helper.make_node("MatMul", ["centred", "projection"], ["projected"]),
        helper.make_node("LpNormalization", ["projected"], ["embedding"], axis=1, p=2),
        helper.make_node("MatMul", ["embedding", "head"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    random = np.random.default_rng(0)
    values = {
        "middle": np.array(127, np.float32),
        "projection": random.normal(size=(3 * SQUARES**2, SIZE)).astype(np.float32),
        "head": random.normal(size=(SIZE, CLASSES)).astype(np.float32),
    }
    told = [("probabilities", CLASSES), ("embedding", SIZE)]
    graph = helper.make_graph(
        nodes,
        "squares",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]) for name, size in told],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    (folder / "labels.txt").write_text("a\nb\nc\n")
    (folder / "model.json").write_text(json.dumps({"labels": CLASSES, "embedding": SIZE}))


def opened(home: Path, models: int) -> tuple[CatalogView, CatalogGallery, LocalInference]:
    view, inference = CatalogView(home / "view.db"), LocalInference()
    for number in range(models):
        inference.take(home, f"squares:{number + 1}")
    return view, CatalogGallery(view, FaissVectors), inference


async def index(home: Path, count: int, models: int) -> None:
    """The process that is killed: tells how many pictures the newest model has seen, then what it took."""
    view, gallery, inference = opened(home, models)
    workers = Workers("decode")
    indexer = Indexer(view, gallery, inference, workers, Sources())
    begun, newest, least = time.perf_counter(), inference.models[-1], count
    await gallery.start()
    await indexer.start()
    while (gallery.answering.model, len(gallery.answering)) != (newest, count):
        print(view.generations.counts(newest)[0], flush=True)
        if models > 1:
            least = min(least, len(gallery.answering) or count)
        await asyncio.sleep(0.2)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"seconds": time.perf_counter() - begun, "cpu": time.process_time(), "peak_mib": peak}
    print(json.dumps({**told, "least_that_answered": least}))
    await indexer.close()
    await workers.close()


def killed(home: Path, count: int, kills: int, models: int) -> dict[str, Any]:
    """Indexes all pictures; CPU seconds of all processes, those that were killed too."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for number in range(kills + 1):
        command = [sys.executable, "-m", __spec__.name, "--child", str(home), "--pictures", str(count)]
        command += ["--models", str(models)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        last: dict[str, Any] = {}
        for line in child.stdout:
            if line.startswith("{"):
                last = json.loads(line)
            elif number < kills and int(line) >= count * (number + 1) // (kills + 1):
                child.send_signal(signal.SIGKILL)
                break
        child.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    last["cpu_ms_a_picture"] = cpu * 1000 / count
    return last


def network_cpu(home: Path) -> float:
    """CPU seconds of decoding one picture and seeing it, as the model does it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(str(home / "model.onnx"), options, providers=providers)
    pictures = [jpeg(number) for number in range(500)]
    begun = time.process_time()
    for picture in pictures:
        session.run(None, {"pixels": pixels(picture)[None]})
    return (time.process_time() - begun) / len(pictures)


def searched(home: Path, count: int) -> dict[str, float]:
    """Milliseconds of CPU of a search for 24 products, and how often a picture finds itself."""
    _, gallery, inference = opened(home, 2)
    gallery.answer("squares:2")
    spent, right = [], 0
    for number in np.random.default_rng(1).integers(0, count, SEARCHES).tolist():
        seen: Seen = asyncio.run(inference.see(jpeg(number)))
        begun = time.process_time()
        found = gallery.answering.search(seen, Filter(), 24)
        spent.append((time.process_time() - begun) * 1000)
        right += found[0].product_id == f"p{number:07}"
    return {"median_ms": float(np.median(spent)), "found_itself": right / SEARCHES}


def main() -> None:
    """Prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--models", type=int, default=1)
    parser.add_argument("--child", type=Path)
    options = parser.parse_args()
    if options.child:
        asyncio.run(index(options.child, options.pictures, options.models))
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        network(home)
        view, begun = CatalogView(home / "view.db"), time.process_time()
        for batch in records(options.pictures):
            view.apply(batch)
        view.database.close()
        told = {
            "pictures": options.pictures,
            "view_mib": (home / "view.db").stat().st_size / 2**20,
            "made_and_applied_ms": (time.process_time() - begun) * 1000 / options.pictures,
            "first_model": killed(home, options.pictures, options.kills, 1),
            "second_beside_it": killed(home, options.pictures, options.kills, 2),
            "search": searched(home, options.pictures),
            "of_that_the_model_ms": network_cpu(home) * 1000,
        }
        print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
