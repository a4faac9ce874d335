"""A shop's own classes: one trunk, a tail or several on it, from pixels to probabilities and embedding."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from services.vision.network import EfficientNetLite


class Head(nn.Module):
    """Classes from features: logits = linear((features - centre) * scale)."""

    def __init__(self, centre: Tensor, scale: Tensor, classes: int) -> None:
        super().__init__()
        self.centre, self.scale = nn.Buffer(centre), nn.Buffer(scale)
        self.linear = nn.Linear(len(centre), classes)

    def even(self, features: Tensor) -> Tensor:
        """(n, features), each about 0 and counting as much as another."""
        even: Tensor = (features - self.centre) * self.scale
        return even

    def forward(self, features: Tensor) -> Tensor:
        """(n, features) to logits (n, classes)."""
        logits: Tensor = self.linear(self.even(features))
        return logits


class Member(nn.Module):
    """A tail with a shop's classes: logits of its head, and an embedding of what the head sees."""

    def __init__(self, network: EfficientNetLite, head: Head, embed: nn.Linear) -> None:
        super().__init__()
        self.network, self.head, self.embed = network, head, embed

    def forward(self, maps: Tensor, levels: Tensor) -> tuple[Tensor, Tensor]:
        """What the trunk gives to logits (n, classes) and embeddings (n, size) of length 1."""
        even = self.head.even(torch.cat((levels, self.network.tail(maps)), 1))
        return self.head.linear(even), nn.functional.normalize(self.embed(even), dim=1)


class Classifier(nn.Module):
    """A network whose classes are a shop's own: one trunk, and one tail or several on it.

    probabilities = softmax of the members' mean logits; the embedding is theirs side by side, so that its
    cosine is the mean of their cosines.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        """The members' trunks are one and the same."""
        super().__init__()
        self.members = nn.ModuleList(members)
        self.size = sum(member.embed.out_features for member in members)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (n, SIDE, SIDE, 3) to probabilities (n, classes) and embeddings (n, size) of length 1."""
        maps, levels = self.members[0].network.trunk(pixels)  # type: ignore[operator, union-attr]
        logits, embeddings = zip(*(member(maps, levels) for member in self.members), strict=True)
        mean = torch.stack(logits).mean(0)
        return mean.softmax(dim=1), torch.cat(embeddings, 1) / len(embeddings) ** 0.5
