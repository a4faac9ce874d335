"""Self-attention over what a shopper did last: SASRec, learnt by torch, served by ONNX Runtime.

W.-C. Kang and J. McAuley 2018, "Self-attentive sequential recommendation", with the sampled softmax that
A. Klenitskiy and A. Vasilev 2023, "Turning dross into gold loss", found to be what it lacked.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.interactions import Interactions, Past
from services.recsys.domain.models.itemrows import strongest
from services.recsys.domain.models.model import Arrays, Model, Progress, Scores, silent
from services.recsys.domain.neighbours import BadModelError

INPUT, OUTPUT = "items", "wish"
"""The graph's names: int64 (n, length), item numbers from 1 and 0 behind the last; float32 (n, size)."""


@dataclass(frozen=True)
class Settings:
    """What training depends on. `negatives` are drawn anew for each batch and shared by its positions.

    `ahead`: each item that came n places after the next is as much as `ahead` ** n of it a right answer.
    An epoch has `least` batches or more: few data are gone through several times. Training ends after
    `epochs`, or when NDCG@10 on the last items of a tenth of the shoppers (at most 2,000), which are not
    learnt from, has not risen for `patience` of them; the best weights are kept.
    """

    size: int = 128
    length: int = 50
    blocks: int = 1
    dropout: float = 0.5
    negatives: int = 1024
    ahead: float = 0.3
    epochs: int = 32
    patience: int = 5
    batch: int = 128
    least: int = 50
    rate: float = 1.5e-3
    seed: int = 0


class Checkpoint(Protocol):
    """Where a training's state is kept: the kit's Checkpoint, in a file."""

    def save(self, key: str, state: dict[str, object]) -> None:
        """Keeps it, whole or not at all."""
        ...

    def load(self, key: str, device: Any) -> dict[str, Any] | None:
        """The state again; None where there is none of this key."""
        ...

    def clear(self) -> None:
        """Forgets it."""
        ...


class Encoder(Protocol):
    """Runs the graph: what shoppers with these items wish for, in the space of the items."""

    def __call__(self, items: NDArray[np.int64]) -> NDArray[np.float32]:
        """int64 (n, length), numbers from 1 and 0 behind the last -> float32 (n, size)."""
        ...


@dataclass(frozen=True)
class Sequence:
    """The latest items, oldest first, and what their shopper wishes for; no vector when there are none."""

    items: NDArray[np.int64]
    wish: NDArray[np.float32] | None


class Sasrec(Model):
    """score = item's vector . the wish that the last `length` items make; 0 for who has none.

    Items that nobody took say nothing in a past, and score as low as the lowest. `fit` needs torch, and
    nothing else does.
    """

    name: ClassVar[str] = "sasrec"

    def __init__(self, checkpoint: Checkpoint | None = None, processes: int = 0, **settings: float) -> None:
        """Takes the names of Settings. Raises TypeError for another.

        `checkpoint`: what `fit` writes after each epoch, goes on from if it was cut short with the same data
        and settings, and clears in the end. `processes`: how many learn together, 0 for one
        on each GPU.
        """
        self.settings = Settings(**settings)  # type: ignore[arg-type]
        self._checkpoint, self._processes = checkpoint, processes

    def fit(self, data: Interactions, progress: Progress = silent) -> Self:
        """Learns and exports. Raises ImportError without torch."""
        from services.recsys.domain.sequence.learn import learn
        from services.recsys.domain.sequence.training import Job

        job = Job(data, self.settings, self._checkpoint)
        table, graph = learn(job, self._processes, progress)
        self._use(table, graph, data.popularity() > 0)
        return self

    def _use(self, table: NDArray[np.float32], graph: bytes, taken: NDArray[np.bool_]) -> None:
        self.table, self.graph, self.taken = table, graph, taken
        self._lengths = np.maximum(np.linalg.norm(table, axis=1), 1e-9)
        self._encode = encoder(graph)

    def state(self, past: Past) -> Sequence:
        """The latest known items through the graph."""
        known = past.items[(past.items >= 0) & (past.items < len(self.table))]
        items = known[self.taken[known]][-self.settings.length :].astype(np.int64)
        return Sequence(items, self._encode(items[None, :] + 1)[0] if len(items) else None)

    def score(self, state: Sequence) -> Scores:
        """One product of a matrix and a vector."""
        if state.wish is None:
            return np.zeros(len(self.table), np.float32)
        scores = self.table @ state.wish
        return np.where(self.taken, scores, scores.min()).astype(np.float32)

    def explain(self, state: Sequence, item: int) -> tuple[int, ...]:
        """The items of the past whose vectors point most the way of `item`."""
        items = np.unique(state.items)
        cosines = self.table[items] @ self.table[item] / (self._lengths[items] * self._lengths[item])
        return strongest(cosines.astype(np.float32), items)

    def arrays(self) -> Arrays:
        """The items' vectors, the ONNX graph's bytes, which items were ever taken, and the length."""
        return {
            "table": self.table,
            "graph": np.frombuffer(self.graph, np.uint8),
            "taken": self.taken,
            "length": np.array(self.settings.length),
        }

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        """The model again. Raises BadModelError when the arrays do not fit together."""
        try:
            model = cls(length=int(arrays["length"]))
            table, taken = arrays["table"], arrays["taken"].astype(bool)
            model._use(table, arrays["graph"].tobytes(), taken)
            fits = table.shape == (len(taken), model._encode(np.ones((1, 1), np.int64)).shape[1])
        except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as problem:
            raise BadModelError(f"the sequence model's arrays do not fit together: {problem}") from None
        if not fits:
            raise BadModelError("the sequence model's arrays do not fit together")
        return model


def encoder(graph: bytes) -> Encoder:
    """The graph on one thread of ONNX Runtime; any thread may call it. Raises ValueError for a bad graph."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own errors share no other base
        raise ValueError(f"not a graph that ONNX Runtime can read: {error}") from None

    def encode(items: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.asarray(session.run([OUTPUT], {INPUT: items})[0], np.float32)

    return encode
