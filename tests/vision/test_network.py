"""The network tells what its stages end with, besides what it ends with itself."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch: install aisle[train]")

import torch

from services.vision.domain.image import SIDE
from services.vision.network import published
from services.vision.variants import EMBEDDING, VARIANTS


@torch.no_grad()
def test_a_level_is_each_channels_mean_and_spread_where_a_stage_ends():
    network, seen = published(), dict[int, torch.Tensor]()
    for number, block in enumerate(network._blocks):
        block.register_forward_hook(lambda _, __, out, number=number: seen.update({number: out}))
    pixels = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)
    maps, trunk = network.trunk(torch.from_numpy(pixels))
    tail = network.tail(maps)
    levels = [torch.cat((x.mean((2, 3)), x.std((2, 3), correction=0)), 1) for x in seen.values()]
    assert network.variant.ends == (2, 4, 7, 10, 14, 15)
    assert torch.allclose(trunk, torch.cat([levels[at] for at in (2, 4, 7, 10)], 1), atol=1e-3)
    assert torch.allclose(tail[:, :-EMBEDDING], torch.cat([levels[at] for at in (14, 15)], 1), atol=1e-3)


@pytest.mark.parametrize(("name", "features"), [("lite0", 2816), ("lite2", 2960)])
def test_a_head_sees_two_features_a_channel_and_what_is_pooled(name: str, features: int):
    variant = VARIANTS[name]
    channels = sum(stage.channels for stage in variant.stages[1:])
    assert variant.features == sum(variant.levels) + EMBEDDING == 2 * channels + EMBEDDING == features
