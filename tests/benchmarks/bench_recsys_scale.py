"""What an answer of recsys costs as products grow: CPU-ms of Recommend over made-up shops. Asserts nothing.

python -m tests.benchmarks.bench_recsys_scale [PRODUCTS...]     10,000, 100,000 and 1,000,000 without any
"""

import resource
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy import sparse

from services.recsys.adapters.memory import MemoryKnowledge
from services.recsys.domain.catalogue import Product
from services.recsys.domain.context import Asked
from services.recsys.domain.filters import EVERYTHING, Filter
from services.recsys.domain.models.cooccurrence import CooccurrenceModel
from services.recsys.domain.models.ease import Ease
from services.recsys.domain.models.itemrows import among_all
from services.recsys.domain.placements import Placement
from services.recsys.domain.rank import rank
from services.recsys.domain.recommend import recommend
from services.recsys.domain.rerank import Adjustments, Cap, CapKey
from services.recsys.domain.signals import Kind, Signal
from services.recsys.domain.trained import Role, Trained

SHOPPERS, BOUGHT, BASKET = 200, 100, 10
NEIGHBOURS = 50
LINKED, LINKS = 12_000, 200
"""The products bought most, which EASE links with each other, and the links that each keeps."""

NOW = 1_767_225_600.0
"""2026-01-01 in Unix seconds."""


def shop(count: int) -> MemoryKnowledge:
    """Products on 200 shelves, bought as often as 1 / rank; shoppers with ten orders of ten products."""
    draw = np.random.default_rng(0)
    knowledge = MemoryKnowledge()
    for number in range(count):
        shelf, kind, brand = number % 200, number % 2000, number % 5000
        path = f"D{shelf % 20} > S{shelf} > K{kind}"
        knowledge.put(Product(f"p{number}", f"Product {number}", f"B{brand}", (path,), "USD", 990_000), NOW)
    ids = [f"p{number}" for number in range(count)]
    knowledge.popularity(ids, (1.0 / np.arange(1, count + 1)).tolist())
    for shopper in range(SHOPPERS):
        items = (count * draw.random(BOUGHT) ** 3).astype(int).reshape(-1, BASKET)
        for day, basket in enumerate(items.tolist()):
            lines = tuple((ids[item], 1) for item in dict.fromkeys(basket))
            time_ = NOW + day * 86_400
            knowledge.take(Signal(f"user:{shopper}", Kind.PURCHASE, 1.0, time_, lines), popularity=False)
    knowledge.use(models(ids, draw), "synthetic")
    return knowledge


def models(ids: list[str], draw: np.random.Generator) -> Trained:
    """Links as many as real ones, of the kinds that training gives a shop; what they say means nothing."""
    count, most = len(ids), min(LINKED, len(ids))
    together, ease = CooccurrenceModel(), Ease()
    together.links = links(count, count, NEIGHBOURS, draw)
    ease.links = among_all(links(most, most, LINKS, draw), np.arange(most), count)
    return Trained(ids, {Role.COOCCURRENCE: together, Role.COLLABORATIVE: ease})


def links(rows: int, others: int, each: int, draw: np.random.Generator) -> sparse.csr_matrix:
    """Each row linked with `each` others, the first ones more often."""
    found = (others * draw.random((rows, each)) ** 2).astype(np.int32)
    starts = np.arange(0, rows * each + 1, each)
    made = sparse.csr_matrix((draw.random(rows * each, np.float32), found.ravel(), starts), (rows, others))
    made.sum_duplicates()
    return made


def timed(name: str, calls: list[Callable[[], object]]) -> None:
    """Prints the CPU-ms of each call, after one to warm up."""
    calls[0]()
    spent = []
    for call in calls:
        begun = time.process_time()
        call()
        spent.append((time.process_time() - begun) * 1000)
    p50, p99 = np.percentile(spent, [50, 99])
    print(f"  {name:32} p50 {p50:7.2f}  p99 {p99:7.2f} CPU-ms")


def main(sizes: list[int]) -> None:
    """A made-up shop of each size, and every placement asked for 24 products."""
    for count in sizes:
        knowledge = shop(count)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        print(f"{count:,} products (peak memory so far {peak:,.0f} MiB, made-up data included)")
        users = [f"user:{shopper}" for shopper in range(SHOPPERS)]
        cart = [f"p{number * 7}" for number in range(BASKET)]
        for place in Placement:
            asked = [Asked((user,), context=cart) for user in users]
            timed(
                place.name, [partial(recommend, knowledge, place, one, EVERYTHING, (), 24) for one in asked]
            )
        home = partial(recommend, knowledge, Placement.HOME)
        shelves = Filter(categories=("D1", "D2"), in_stock_only=True)
        timed("HOME on two departments", [partial(home, Asked((u,)), shelves, (), 24) for u in users])
        wishes = Adjustments(caps=(Cap(CapKey.BRAND, 2),), diversity=0.3)
        timed(
            "HOME, diverse, brands capped",
            [partial(home, Asked((u,)), EVERYTHING, (), 24, wishes) for u in users],
        )
        hundred = [f"p{number}" for number in range(100)]
        timed("RankProducts of 100", [partial(rank, knowledge, (u,), hundred, 0.3) for u in users])


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [10_000, 100_000, 1_000_000])
