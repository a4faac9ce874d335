"""Trains SASRec with torch, on a GPU where there is one, and exports it as an ONNX graph."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from services.recsys.domain.interactions import Interactions
from services.recsys.domain.models.model import Progress
from services.recsys.domain.models.sasrec import INPUT, OUTPUT, Settings, encoder

HELD, HELD_MOST = 0.1, 2_000
"""The share of shoppers whose last item tells when to stop, and at most how many."""

TOLERANCE = 1e-3
"""How far the exported graph's numbers may lie from torch's; their size is about 1."""


@dataclass(frozen=True)
class Windows:
    """Row i foresees the lines begin[i]:end[i] of `item`, each from those of the row before it."""

    item: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]

    def rows(self, at: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Inputs and targets of these rows, int64 (rows, longest): numbers from 1, 0 behind the last."""
        size = self.end[at] - self.begin[at]
        place = np.arange(size.max())
        lines = np.minimum(self.begin[at][:, None] + place, len(self.item) - 1)
        there = place < size[:, None]
        inputs, targets = self.item[lines - 1] + 1, self.item[lines] + 1
        return torch.from_numpy(np.where(there, inputs, 0)), torch.from_numpy(np.where(there, targets, 0))

    def batches(self, size: int, random: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        """All rows once, in random order, with rows of like length together so that little is padded."""
        order = random.permutation(np.flatnonzero(self.end > self.begin))
        batches = []
        for start in range(0, len(order), 32 * size):
            part = order[start : start + 32 * size]
            part = part[np.argsort((self.end - self.begin)[part], kind="stable")]
            batches += [part[at : at + size] for at in range(0, len(part), size)]
        return iter([batches[at] for at in random.permutation(len(batches))])


def windows(data: Interactions, length: int) -> Windows:
    """Every past cut from its end into pieces of at most `length` items to foresee."""
    targets = np.maximum(np.diff(data.starts) - 1, 0)
    pieces = -(-targets // length)
    user = np.repeat(np.arange(data.users), pieces)
    piece = np.arange(len(user)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    end = data.starts[user + 1] - piece * length
    return Windows(data.item.astype(np.int64), np.maximum(end - length, data.starts[user] + 1), end)


class Network(nn.Module):
    """Items and places, blocks of causal attention and two dense layers, a last normalisation."""

    def __init__(self, items: int, settings: Settings) -> None:
        super().__init__()
        size = settings.size
        self.items = nn.Embedding(items + 1, size, padding_idx=0)
        self.places = nn.Embedding(settings.length, size)
        for table in (self.items, self.places):
            nn.init.normal_(table.weight, std=size**-0.5)
        self.dropout = nn.Dropout(settings.dropout)
        self.blocks = nn.ModuleList(Block(size, settings.dropout) for _ in range(settings.blocks))
        self.norm = nn.LayerNorm(size)

    def forward(self, items: Tensor) -> Tensor:
        """int64 (n, length) -> (n, length, size): the wish behind each item."""
        places = torch.arange(items.shape[1], device=items.device)
        hidden = self.dropout(self.items(items) + self.places(places))
        for block in self.blocks:
            hidden = block(hidden)
        wish: Tensor = self.norm(hidden)
        return wish


class Block(nn.Module):
    """One head of causal attention, then two dense layers; each normalised before and added to its input.

    What is padded stands behind all else, where causal attention never looks.
    """

    def __init__(self, size: int, dropout: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in range(2))
        self.mix, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.dense = nn.Sequential(nn.Linear(size, 2 * size), nn.GELU(), nn.Linear(2 * size, size))
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        """(n, length, size) -> the same."""
        query, key, value = self.mix(self.norms[0](hidden)).chunk(3, dim=-1)
        seen = functional.scaled_dot_product_attention(
            query[:, None], key[:, None], value[:, None], is_causal=True
        )
        hidden = hidden + self.dropout(self.out(seen[:, 0]))
        dense: Tensor = hidden + self.dropout(self.dense(self.norms[1](hidden)))
        return dense


class Last(nn.Module):
    """The network as it is served: the wish behind the last item alone."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, items: Tensor) -> Tensor:
        """int64 (n, length) -> (n, size)."""
        wishes = self.network(items)
        last = ((items > 0).sum(1) - 1).clamp(min=0)
        wish: Tensor = wishes.gather(1, last[:, None, None].expand(-1, 1, wishes.shape[2]))[:, 0]
        return wish


def train(data: Interactions, settings: Settings, progress: Progress) -> tuple[NDArray[np.float32], bytes]:
    """The items' vectors, float32 (items, size), and the ONNX graph; the same from a seed on one machine."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    random = np.random.default_rng(settings.seed)
    rows, held = _hold_out(windows(data, settings.length), data, random)
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        network = Network(data.items, settings).to(device)
        optimiser = torch.optim.Adam(network.parameters(), settings.rate, betas=(0.9, 0.98))
        best, kept, since = -1.0, _copy(network), 0
        for epoch in range(settings.epochs):
            network.train()
            for at in rows.batches(settings.batch, random):
                inputs, targets = (part.to(device) for part in rows.rows(at))
                loss = _loss(network, inputs, targets, settings.negatives)
                optimiser.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            goal = _ndcg(network, held, device) if len(held.end) else float(epoch)
            progress(f"epoch, NDCG {goal:.4f}", epoch + 1, settings.epochs)
            best, kept, since = (goal, _copy(network), 0) if goal > best else (best, kept, since + 1)
            if since >= settings.patience:
                break
        network.load_state_dict(kept)
    network = network.cpu().eval()
    return network.items.weight.detach().numpy()[1:].copy(), export(network, settings)


def _hold_out(all_: Windows, data: Interactions, random: np.random.Generator) -> tuple[Windows, Windows]:
    """The windows without the last items of some shoppers, and windows that end in those items."""
    last = np.flatnonzero(np.isin(all_.end, data.starts[1:]) & (all_.end - all_.begin > 1))
    held = random.permutation(last)[: min(HELD_MOST, int(len(last) * HELD))]
    end = all_.end.copy()
    end[held] -= 1
    return Windows(all_.item, all_.begin, end), Windows(all_.item, all_.begin[held], all_.end[held])


def _loss(network: Network, inputs: Tensor, targets: Tensor, negatives: int) -> Tensor:
    """Cross-entropy of each target among itself and negatives drawn evenly, none of them the target."""
    there = targets > 0
    wish, wanted = network(inputs)[there], targets[there]
    drawn = torch.randint(1, network.items.num_embeddings, (negatives,), device=inputs.device)
    others = wish @ network.items(drawn).T
    others = others.masked_fill(drawn == wanted[:, None], -torch.inf)
    right = (wish * network.items(wanted)).sum(1, keepdim=True)
    logits = torch.cat([right, others], 1)
    return functional.cross_entropy(logits, torch.zeros(len(wanted), dtype=torch.long, device=inputs.device))


@torch.no_grad()
def _ndcg(network: Network, held: Windows, device: torch.device) -> float:
    """NDCG@10 of the windows' last items among all items."""
    last, gained = Last(network).eval(), 0.0
    for part in np.array_split(np.arange(len(held.end)), -(-len(held.end) // 200)):
        inputs, targets = (rows.to(device) for rows in held.rows(part))
        wanted = targets.gather(1, ((targets > 0).sum(1) - 1)[:, None])
        scores = last(inputs) @ network.items.weight[1:].T
        place = (scores > scores.gather(1, wanted - 1)).sum(1).double()
        gained += float(torch.where(place < 10, 1 / torch.log2(place + 2), 0.0).sum())
    return gained / len(held.end)


def _copy(network: Network) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def export(network: Network, settings: Settings) -> bytes:
    """The graph's bytes. Raises ValueError when ONNX Runtime does not give what torch gives."""
    last = Last(network).eval()
    example = torch.ones((2, min(3, settings.length)), dtype=torch.long)
    shapes = {"items": {0: torch.export.Dim("n"), 1: torch.export.Dim("length", max=settings.length)}}
    program = torch.onnx.export(
        last,
        (example,),
        dynamo=True,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=shapes,
        verbose=False,
    )
    assert program is not None
    graph: bytes = program.model_proto.SerializeToString()
    run = encoder(graph)
    for length in (1, settings.length):
        probe = 1 + torch.arange(length)[None, :] % (network.items.num_embeddings - 1)
        with torch.no_grad():
            apart = float(np.abs(run(probe.numpy()) - last(probe).numpy()).max())
        if not apart < TOLERANCE:
            raise ValueError(f"the exported graph differs from torch by {apart:.2g}")
    return graph
