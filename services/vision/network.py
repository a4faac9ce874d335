"""EfficientNet-Lite in torch, for training and export alone: pixels in, probabilities and embedding out."""

import importlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from services.vision.variants import EMBEDDING, LABELS, STEM, VARIANTS, Stage, Variant


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
