"""What grows: more purchases of late than a longer share foretells, and few prove little."""

import numpy as np

from services.recsys.adapters.memory import MemoryKnowledge
from services.recsys.domain.popularity import PRIOR
from tests.recsys import world

MONTH = 24 * 30


def growth_of(memory: MemoryKnowledge, product_id: str) -> float:
    with memory.shop() as shop:
        return float(shop.popular.growth[shop.catalogue.row(product_id)])


def test_what_always_sold_as_it_does_now_does_not_grow():
    memory = MemoryKnowledge()
    for hours in range(0, 12 * MONTH, 24):
        memory.take(world.bought("a", "milk", "bread", hours=hours))
    assert round(growth_of(memory, "milk"), 6) == round(growth_of(memory, "bread"), 6) == 1


def test_what_sells_of_late_grows_and_what_sold_before_shrinks():
    memory = MemoryKnowledge()
    for hours in range(0, 6 * MONTH, 24):
        memory.take(world.bought("a", "milk", hours=hours))
    for hours in range(6 * MONTH - 24 * 10, 6 * MONTH, 12):
        memory.take(world.bought("c", "salsa", hours=hours))
    assert growth_of(memory, "salsa") > 1.3 > 1 > growth_of(memory, "milk")


def test_one_purchase_proves_little_growth():
    memory = MemoryKnowledge()
    for hours in range(100):
        memory.take(world.bought("a", "milk", hours=hours))
    for product in ("soap", "milk"):
        memory.take(world.bought("b", product, hours=10 * MONTH))
    assert 1 < growth_of(memory, "soap") < (PRIOR + 1) / PRIOR


def test_a_refund_takes_the_growth_back():
    memory = MemoryKnowledge()
    for hours in range(0, 3 * MONTH, 24):
        memory.take(world.bought("a", "milk", "soap", hours=hours))
    before = growth_of(memory, "soap")
    memory.take(world.bought("b", "soap", hours=3 * MONTH))
    assert growth_of(memory, "soap") > before
    memory.take(world.refunded("b", "soap", hours=3 * MONTH))
    assert np.isclose(growth_of(memory, "soap"), before, atol=0.01)
