"""From pictures that look alike to products that do: each product once, by its best picture."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.vision.domain.product import Filter, Product

Hits = Sequence[tuple[str, float]]
"""Pictures' keys and their cosines, nearest first."""

OVERFETCH = 4
"""How many more pictures than products are fetched at first, and by how much more when they are too few."""


@dataclass(frozen=True, slots=True)
class Similar:
    """A product that looks like the picture; similarity is the cosine, -1 to 1."""

    product_id: str
    similarity: float


def similar(
    nearest: Callable[[int], Hits],
    products: Callable[[Iterable[str]], Mapping[str, Sequence[Product]]],
    wanted: Filter,
    count: int,
) -> list[Similar]:
    """The `count` most similar products that the filter lets through, ties in the order of ids.

    `nearest(n)` gives the n nearest pictures, fewer only when there are no more; `products` those that
    have each picture. Fetches more pictures until the last product is certain.
    """
    fetch = max(1, count) * OVERFETCH
    while True:
        hits = nearest(fetch)
        best = _best(hits, products([key for key, _ in hits]), wanted)
        ranked = sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))[:count]
        # A picture not fetched may tie with the last one fetched, so the last product must be above it.
        certain = len(ranked) == count and ranked[-1][1] > hits[-1][1]
        if certain or len(hits) < fetch:
            return [Similar(product_id, max(-1.0, min(1.0, cosine))) for product_id, cosine in ranked]
        fetch *= OVERFETCH


def _best(hits: Hits, products: Mapping[str, Sequence[Product]], wanted: Filter) -> dict[str, float]:
    best: dict[str, float] = {}
    for key, cosine in hits:
        for product in products.get(key, ()):
            if cosine > best.get(product.id, -2.0) and wanted.passes(product):
                best[product.id] = cosine
    return best
