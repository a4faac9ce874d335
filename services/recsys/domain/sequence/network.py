"""The network of SASRec in torch: what it reads, what it wishes for, what it is blamed for."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from services.recsys.domain.models.sasrec import Settings


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


class Blame(nn.Module):
    """Cross-entropy of each target among itself and negatives drawn evenly, none of them the target."""

    def __init__(self, network: Network, negatives: int) -> None:
        super().__init__()
        self.network, self.negatives = network, negatives

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """int64 (n, length) twice, 0 behind the last -> a mean, in float32 whatever the network runs in."""
        items, there = self.network.items, targets > 0
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=inputs.is_cuda):
            wish, wanted = self.network(inputs)[there], targets[there]
            drawn = torch.randint(1, items.num_embeddings, (self.negatives,), device=inputs.device)
            others = wish @ items(drawn).T
            right = (wish * items(wanted)).sum(1, keepdim=True)
        others = others.float().masked_fill(drawn == wanted[:, None], -torch.inf)
        logits = torch.cat([right.float(), others], 1)
        return functional.cross_entropy(logits, torch.zeros_like(wanted))
