"""The network of SASRec in torch: what it reads, what it wishes for, what it is blamed for."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from services.recsys.domain.models.sasrec import Settings

SPREAD = 0.02
"""The deviation of all weights before training: with more, what is rarely taken stays where chance put it."""


class Network(nn.Module):
    """Items and places, normalised; then blocks of causal attention and two dense layers.

    Places count backwards from the last item, which training and serving then see in the same place.
    """

    def __init__(self, items: int, settings: Settings) -> None:
        super().__init__()
        size = settings.size
        self.items = nn.Embedding(items + 1, size, padding_idx=0)
        self.places = nn.Embedding(settings.length, size)
        self.norm = nn.LayerNorm(size)
        self.dropout = nn.Dropout(settings.dropout)
        self.blocks = nn.ModuleList(Block(size, settings.dropout) for _ in range(settings.blocks))
        self.apply(_begin)

    def forward(self, items: Tensor) -> Tensor:
        """int64 (n, length) -> (n, length, size): the wish behind each item."""
        place = torch.arange(items.shape[1], device=items.device)
        back = ((items > 0).sum(1, keepdim=True) - 1 - place).clamp(min=0)
        hidden: Tensor = self.dropout(self.norm(self.items(items) + self.places(back)))
        for block in self.blocks:
            hidden = block(hidden)
        return hidden


class Block(nn.Module):
    """One head of causal attention, then two dense layers; each added to its input and normalised behind.

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
        query, key, value = self.mix(hidden).chunk(3, dim=-1)
        seen = functional.scaled_dot_product_attention(
            query[:, None], key[:, None], value[:, None], is_causal=True
        )
        hidden = self.norms[0](hidden + self.dropout(self.out(seen[:, 0])))
        dense: Tensor = self.norms[1](hidden + self.dropout(self.dense(hidden)))
        return dense


def _begin(part: nn.Module) -> None:
    """A part's weights before training."""
    if isinstance(part, nn.Linear | nn.Embedding):
        nn.init.normal_(part.weight, std=SPREAD)
    if isinstance(part, nn.Linear):
        nn.init.zeros_(part.bias)


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
    """Cross-entropy of each target among itself and negatives drawn evenly, none of them the target.

    Summed over a batch's targets and divided by how many a batch has on average, so that each target counts
    the same. Rows of like length lie in one batch; by a batch's own mean, targets of short pasts would
    outweigh those of long ones ten times.
    """

    def __init__(self, network: Network, negatives: int, targets: float) -> None:
        super().__init__()
        self.network, self.negatives, self.targets = network, negatives, targets

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """int64 (n, length) twice, 0 behind the last -> one value, float32 whatever the network runs in."""
        items, there = self.network.items, targets > 0
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=inputs.is_cuda):
            wish, wanted = self.network(inputs)[there], targets[there]
            drawn = torch.randint(1, items.num_embeddings, (self.negatives,), device=inputs.device)
            others = wish @ items(drawn).T
            right = (wish * items(wanted)).sum(1, keepdim=True)
        others = others.float().masked_fill(drawn == wanted[:, None], -torch.inf)
        logits = torch.cat([right.float(), others], 1)
        return functional.cross_entropy(logits, torch.zeros_like(wanted), reduction="sum") / self.targets
