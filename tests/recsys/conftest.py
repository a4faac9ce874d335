"""What the tests of recsys share."""

import pytest

from services.recsys.adapters.memory import MemoryKnowledge
from tests.recsys import world


@pytest.fixture
def knowledge() -> MemoryKnowledge:
    """The corner shop with its history and model."""
    filled = MemoryKnowledge()
    for product in world.PRODUCTS:
        filled.put(product)
    for signal in world.history():
        filled.take(signal)
    filled.use(world.model(), "m1")
    return filled
